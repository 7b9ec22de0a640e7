"""Writes down what it gets, then does what a message says: its body is "WORD text"."""

import json
import os
import time
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    call = {"function": context.function_name, "began": time.time(), "event": event}
    with open(os.environ["RECORD"], "a", encoding="utf-8") as record:  # noqa: PTH123 - one write a call, whole
        record.write(json.dumps(call) + "\n")
    failures = []
    for message in event["Records"]:
        word = message["body"].partition(" ")[0]
        if word == "raise":
            raise ValueError("asked for")
        if word == "exit":
            os._exit(1)
        if word == "sleep":
            time.sleep(float(message["body"].partition(" ")[2]))
        if word == "text":
            return "no object"
        if word == "stranger":
            return {"batchItemFailures": [{"itemIdentifier": "of another batch"}]}
        if word == "fail":
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures} if failures else None
