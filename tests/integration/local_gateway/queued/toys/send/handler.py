"""Puts each line of the body on the queue."""

import os
from typing import Any

import boto3

_sqs = boto3.client("sqs", endpoint_url=os.environ["SQS_ENDPOINT_URL"])


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    for line in event["body"].splitlines():
        _sqs.send_message(QueueUrl=os.environ["JOBS_URL"], MessageBody=line)
    return {"statusCode": 202, "body": ""}
