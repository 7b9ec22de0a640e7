"""Messages of an SQS queue → the event of a function; and a function's answer → what it did not manage.

Shapes: Lambda developer guide, "Using Lambda with Amazon SQS" and "Implementing partial batch responses".
"""

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from tools.local_gateway.events import EncodedEvent
from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS

# A message as ReceiveMessage of the SQS API gives it, with all attributes.
Message = Mapping[str, Any]

_SOURCE: Final = "aws:sqs"
_FAILURES: Final = "batchItemFailures"
_IDENTIFIER: Final = "itemIdentifier"


class MalformedBatchAnswer(Exception):
    """The answer names no messages of the batch: all of them count as failed. The message holds nothing of theirs."""


def encode_batch(messages: Sequence[Message], queue_arn: str) -> EncodedEvent:
    """The event of a batch."""
    event = {"Records": [_record(message, queue_arn) for message in messages]}
    # escaped: a lone surrogate, which SQS refuses and an emulator may not, must not make an event impossible
    return EncodedEvent(before=json.dumps(event, separators=(",", ":")).encode(), binary=b"", after=b"")


def failed_messages(answer: Any, message_ids: Collection[str]) -> set[str]:
    """The ids of the messages that a function with `ReportBatchItemFailures` has not managed.

    Nothing, an object without failures, and an empty or absent list are a complete success. Raises
    MalformedBatchAnswer for what Lambda takes as a complete failure.
    """
    if answer is None:
        return set()
    if not isinstance(answer, dict):
        raise MalformedBatchAnswer(f"an object is expected, not {type(answer).__name__}")
    failures = answer.get(_FAILURES)
    if failures is None:
        return set()
    if not isinstance(failures, list):
        raise MalformedBatchAnswer(f"{_FAILURES} is no list")
    failed: set[str] = set()
    for failure in failures:
        identifier = failure.get(_IDENTIFIER) if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or not identifier:
            raise MalformedBatchAnswer(f"a member of {_FAILURES} has no {_IDENTIFIER}")
        if identifier not in message_ids:
            raise MalformedBatchAnswer(f"an {_IDENTIFIER} is that of no message of the batch")
        failed.add(identifier)
    return failed


def _record(message: Message, queue_arn: str) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes") or {}),
        "messageAttributes": {
            name: _attribute(value) for name, value in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": _SOURCE,
        "eventSourceARN": queue_arn,
        "awsRegion": PSEUDO_PARAMETERS["AWS::Region"],
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return {**attribute, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
