"""Takes its time, or dies, as the query asks; notices when two calls are in it at once."""

import ctypes
import json
import os
import signal
import sys
import time
from typing import Any

_calls = {"active": 0, "served": 0}


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    asked = event["queryStringParameters"] or {}
    _calls["active"] += 1
    overlapped = _calls["active"] > 1
    began = time.monotonic()
    time.sleep(float(asked.get("sleep", 0)))
    _end(asked.get("end", ""))
    _calls["active"] -= 1
    _calls["served"] += 1
    return {
        "statusCode": 200,
        "body": json.dumps(
            {
                "pid": os.getpid(),
                "began": began,
                "ended": time.monotonic(),
                "overlapped": overlapped,
                "served": _calls["served"],
            }
        ),
    }


def _end(way: str) -> None:
    if way == "exit":
        os._exit(3)
    elif way == "sys.exit":
        sys.exit(0)
    elif way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif way == "segfault":
        ctypes.string_at(0)
    elif way == "raise":
        _calls["active"] -= 1
        raise ValueError("asked for")
    elif way == "spin":
        while True:
            pass
