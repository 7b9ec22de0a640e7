"""A batch's event, and what an answer says about the messages of one."""

import json
from typing import Any

import pytest

from tools.local_gateway.batches import MalformedBatchAnswer, encode_batch, failed_messages

IDS = {"1", "2"}


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}, {"other": 1}])
def test_a_complete_success(answer: Any) -> None:
    assert failed_messages(answer, IDS) == set()


def test_some_failed() -> None:
    assert failed_messages({"batchItemFailures": [{"itemIdentifier": "2"}]}, IDS) == {"2"}
    assert failed_messages({"batchItemFailures": [{"itemIdentifier": "2"}] * 2}, IDS) == {"2"}


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        [],
        True,
        {"batchItemFailures": {}},
        {"batchItemFailures": ["1"]},
        *(
            {"batchItemFailures": [{"itemIdentifier": "1"}, failure]}
            for failure in (
                {"itemIdentifier": ""},
                {"itemIdentifier": None},
                {"messageId": "1"},
                {"itemIdentifier": "3"},
            )
        ),
    ],
)
def test_a_complete_failure_is_told_without_what_the_answer_holds(answer: Any) -> None:
    with pytest.raises(MalformedBatchAnswer) as caught:
        failed_messages(answer, IDS)
    assert "3" not in str(caught.value)


def test_an_event_is_possible_whatever_the_text() -> None:
    message = {"MessageId": "1", "ReceiptHandle": "2", "Body": "ü \ud800 \U0001f600", "MD5OfBody": "3"}
    encoded = encode_batch([message], "arn:aws:sqs:us-east-1:123456789012:Jobs")
    text = b"".join(bytes(chunk) for chunk in encoded.chunks())
    assert len(text) == encoded.size_bytes
    (record,) = json.loads(text)["Records"]
    assert record["body"] == message["Body"]
    assert (record["attributes"], record["messageAttributes"]) == ({}, {})
    assert "md5OfMessageAttributes" not in record
