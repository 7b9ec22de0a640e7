"""A queue of the deployed stack as its operator sees it, and waiting for what comes of a message."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.lab.conftest import STACK, Environment, aws, physical_name

# Several times what a cold container takes.
PATIENCE_SECONDS = 30
_DENIED = ("AccessDenied", "AuthorizationError")  # the second is SNS's word


@dataclass(frozen=True)
class Queue:
    """One by its logical id, whose dead letters are called after it."""

    environment: Environment
    name: str

    @property
    def url(self) -> str:
        return physical_name(self.environment, STACK, self.name)

    @property
    def dead_letters(self) -> "Queue":
        return Queue(self.environment, f"{self.name}DeadLetters")

    @property
    def sqs(self) -> Any:
        return aws(self.environment, "sqs")

    def waiting(self) -> int:
        """Messages on it, those under way included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    @contextmanager
    def delivered_again_at_once(self, receives: int, seconds: int = 1) -> Iterator[None]:
        """It gives what has failed again after some seconds, in place of minutes, and gives it up after a few times."""
        names = ["VisibilityTimeout", "RedrivePolicy"]
        before = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        policy = json.dumps({**json.loads(before["RedrivePolicy"]), "maxReceiveCount": str(receives)})
        changed = {"VisibilityTimeout": str(seconds), "RedrivePolicy": policy}
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=changed)
        try:
            yield
        finally:
            self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=before)

    def bring_back(self) -> None:
        """What SQS's StartMessageMoveTask does, which the emulator does not know."""
        dead = self.dead_letters.url
        moved = self.sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
        for message in moved:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=message["Body"])
            self.sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])


def eventually(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)


def refused(call: Callable[..., object], **arguments: object) -> bool:
    """Whether the role may not do it. Any other error is raised."""
    try:
        call(**arguments)
    except ClientError as error:
        if any(code in error.response["Error"]["Code"] for code in _DENIED):
            return True
        raise
    return False
