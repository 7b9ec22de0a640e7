"""Queues of a template, and the secret that is kept beside them."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.local_gateway.intrinsics import TemplateError
from tools.local_gateway.poller import QueueUnavailable
from tools.local_store import webhook_secret
from tools.local_store.queues import EmulatedQueue, create_queues, declared_queues

QUEUES = """
Parameters:
  Seconds: {Type: Number, Default: 180}
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: !Ref Seconds
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
      SqsManagedSseEnabled: true
      Tags: [{Key: stack, Value: !Ref AWS::StackId}]
  Dead: {Type: AWS::SQS::Queue, Properties: {MessageRetentionPeriod: 1209600}}
  Table: {Type: AWS::DynamoDB::Table}
"""
DEAD = "arn:aws:sqs:us-east-1:123456789012:Dead"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(QUEUES)
    return path


class Client:
    """Remembers what it was asked; one queue is there, under an earlier run's port."""

    class meta:  # noqa: N801 - boto3's name
        endpoint_url = "http://127.0.0.1:4566"

    def __init__(self, *existing: str) -> None:
        self.existing = existing
        self.made: list[Any] = []
        self.answer: Any = {}

    def list_queues(self) -> dict[str, Any]:
        return {"QueueUrls": [f"http://localhost:1/123456789012/{name}" for name in self.existing]}

    def create_queue(self, *, QueueName: str, Attributes: dict[str, str]) -> None:  # noqa: N803 - boto3's names
        self.made.append((QueueName, Attributes))

    def set_queue_attributes(self, *, QueueUrl: str, Attributes: dict[str, str]) -> None:  # noqa: N803
        self.made.append((QueueUrl, Attributes))

    def delete_message_batch(self, **arguments: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_attributes_are_the_templates(template: Path) -> None:
    declared = declared_queues(template)
    assert json.loads(declared["Jobs"].pop("RedrivePolicy")) == {"deadLetterTargetArn": DEAD, "maxReceiveCount": "5"}
    assert declared == {"Jobs": {"VisibilityTimeout": "180"}, "Dead": {"MessageRetentionPeriod": "1209600"}}


@pytest.mark.parametrize(
    ("written", "instead", "part"),
    [
        ("!GetAtt Dead.Arn", "!GetAtt Table.Arn", "Jobs.RedrivePolicy.deadLetterTargetArn"),
        ("!GetAtt Dead.Arn", "!ImportValue Dead", "Jobs.RedrivePolicy.deadLetterTargetArn"),
        (", maxReceiveCount: 5", "", "Jobs.RedrivePolicy.maxReceiveCount"),
        ("!Ref Seconds", "!Ref Dead", "Jobs.VisibilityTimeout"),
        ("SqsManagedSseEnabled", "FifoQueue", "Jobs.FifoQueue cannot be imitated"),
    ],
)
def test_what_cannot_be_made_is_said(written: str, instead: str, part: str, template: Path) -> None:
    template.write_text(QUEUES.replace(written, instead))
    with pytest.raises(TemplateError) as caught:
        declared_queues(template)
    assert part in str(caught.value)


def test_dead_letters_come_first_and_what_was_kept_gets_todays_attributes(template: Path) -> None:
    client = Client("Dead")
    assert create_queues(client, template) == {
        "Jobs": "http://127.0.0.1:4566/123456789012/Jobs",
        "Dead": "http://127.0.0.1:4566/123456789012/Dead",
    }
    (dead, kept), (jobs, _) = client.made
    assert (dead, jobs) == ("http://127.0.0.1:4566/123456789012/Dead", "Jobs")
    assert (kept["MessageRetentionPeriod"], kept["VisibilityTimeout"], kept["RedrivePolicy"]) == ("1209600", "30", "")


def test_a_template_without_queues_asks_for_nothing(template: Path) -> None:
    template.write_text("Resources: {}")
    assert create_queues(None, template) == {}


def test_what_the_queue_refuses_is_one_kind_of_error() -> None:
    client = Client()
    queue = EmulatedQueue(client, "Jobs", "http://127.0.0.1:4566/123456789012/Jobs")
    assert queue.arn == "arn:aws:sqs:us-east-1:123456789012:Jobs"
    messages = [{"ReceiptHandle": "1"}]
    queue.delete(messages)
    client.answer = {"Failed": [{"Code": "ReceiptHandleIsInvalid"}]}
    with pytest.raises(QueueUnavailable, match="failed for 1 messages: ReceiptHandleIsInvalid"):
        queue.delete(messages)
    client.answer = ClientError({"Error": {"Code": "QueueDoesNotExist"}}, "DeleteMessageBatch")
    with pytest.raises(QueueUnavailable, match="QueueDoesNotExist"):
        queue.delete(messages)


def test_the_secret_is_kept_and_for_its_owner_only(tmp_path: Path) -> None:
    secret = webhook_secret.kept(tmp_path)
    path = tmp_path / webhook_secret.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert webhook_secret.kept(tmp_path) == secret
    for broken in (b"", b"whsec_", b"\xff", b"another"):
        path.write_bytes(broken)
        assert webhook_secret.kept(tmp_path) != secret
    path.unlink()
    assert webhook_secret.kept(tmp_path) != secret
