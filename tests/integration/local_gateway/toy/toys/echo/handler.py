"""Answers with what it was given, or with what the query asks for."""

import base64
import hashlib
import json
import os
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    asked = event["queryStringParameters"] or {}
    print(f"echo: {event['httpMethod']}")  # standard output must disturb nothing
    if "answer" in asked:
        return json.loads(asked["answer"])
    if "bytes" in asked:
        return {
            "statusCode": 200,
            "headers": {"Content-Type": "application/octet-stream"},
            "body": base64.b64encode(bytes(int(asked["bytes"]))).decode(),
            "isBase64Encoded": True,
        }
    if "text" in asked:  # exactly so many bytes of JSON
        answer = {"statusCode": 200, "body": ""}
        return answer | {"body": "x" * (int(asked["text"]) - len(json.dumps(answer)))}
    if "digest" in asked:  # of a body too large to send back
        body = base64.b64decode(event["body"] or "")
        return {"statusCode": 200, "body": json.dumps({"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})}
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json", "X-Request-Id": event["requestContext"]["requestId"]},
        "body": json.dumps(
            {
                "event": event,
                "pid": os.getpid(),
                "environment": dict(os.environ),
                "context": {
                    "aws_request_id": context.aws_request_id,
                    "function_name": context.function_name,
                    "memory_limit_in_mb": context.memory_limit_in_mb,
                    "invoked_function_arn": context.invoked_function_arn,
                    "log_group_name": context.log_group_name,
                    "remaining": context.get_remaining_time_in_millis(),
                    "identity": context.identity,
                    "client_context": context.client_context,
                },
            }
        ),
    }
