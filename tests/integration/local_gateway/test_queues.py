"""A function's messages reach another function in batches, come again when it fails, and are never lost."""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.integration.local_gateway.gateways import Running, end, gateway, wait_until
from tools.local_store.emulator import running_emulator
from tools.local_store.queues import create_queues, sqs_client

QUEUED = Path(__file__).with_name("queued")
ACCOUNT = "123456789012"


class Queues:
    """An emulator's queues, a gateway that polls them, and what the functions have written down."""

    def __init__(self, endpoint_url: str, record: Path) -> None:
        self.endpoint_url = endpoint_url
        self.client = sqs_client(endpoint_url)
        create_queues(self.client, QUEUED / "template.yaml")
        self.record = record

    def url(self, name: str) -> str:
        return f"{self.endpoint_url}/{ACCOUNT}/{name}"

    def send(self, name: str, *bodies: str, **more: Any) -> list[str]:
        """The ids of the messages."""
        entries = [{"Id": str(number), "MessageBody": body, **more} for number, body in enumerate(bodies)]
        answer = self.client.send_message_batch(QueueUrl=self.url(name), Entries=entries)
        return [entry["MessageId"] for entry in answer["Successful"]]

    def calls(self, function: str = "JobFunction") -> list[list[dict[str, Any]]]:
        """The records of each call, in their order."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        calls = (json.loads(line) for line in lines)
        return [call["event"]["Records"] for call in calls if call["function"] == function]

    def receives(self, body: str, function: str = "JobFunction") -> int:
        return sum(record["body"] == body for call in self.calls(function) for record in call)

    def held(self, name: str) -> tuple[int, int]:
        """How many messages can be received, and how many have been and are neither deleted nor back."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.client.get_queue_attributes(QueueUrl=self.url(name), AttributeNames=["All"])["Attributes"]
        return int(attributes[names[0]]), int(attributes[names[1]])

    @contextmanager
    def polled(self, **options: Any) -> Iterator[Running]:
        variables = {"RECORD": str(self.record), "SQS_ENDPOINT_URL": self.endpoint_url, "JOBS_URL": self.url("Jobs")}
        settings = {"redelivery_seconds": 0, **options}
        with gateway(QUEUED, endpoint_url=self.endpoint_url, variables=variables, **settings) as running:
            yield running


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[Queues]:
    with running_emulator(None, log=tmp_path / "emulator.log") as emulator:
        queues = Queues(emulator.endpoint_url, tmp_path / "record")
        yield queues
        queues.client.close()


def test_what_one_function_sends_another_gets_as_on_aws(queues: Queues) -> None:
    with queues.polled() as running:
        before = time.time() * 1000
        assert requests.post(running.url, data="hello wörld", timeout=10).status_code == 202
        assert wait_until(lambda: queues.receives("hello wörld"), 5)
        attributes = {
            "Plain": {"DataType": "String", "StringValue": "text"},
            "Raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        }
        queues.send("Jobs", "with attributes", MessageAttributes=attributes)
        assert wait_until(lambda: queues.receives("with attributes"), 5)
        assert wait_until(lambda: queues.held("Jobs") == (0, 0), 5)
        log = running.log()
    (plain,), (rich,) = queues.calls()
    sent, first = (int(plain["attributes"].pop(f"{name}Timestamp")) for name in ("Sent", "ApproximateFirstReceive"))
    assert before <= sent <= first <= time.time() * 1000
    assert re.fullmatch(r"[0-9a-f-]{36}", plain.pop("messageId"))
    assert plain.pop("receiptHandle")
    assert plain == {
        "body": "hello wörld",
        "attributes": {"ApproximateReceiveCount": "1", "SenderId": ACCOUNT},
        "messageAttributes": {},
        "md5OfBody": hashlib.md5("hello wörld".encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:{ACCOUNT}:Jobs",
        "awsRegion": "us-east-1",
    }
    lists: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert rich["messageAttributes"] == {
        "Plain": {"stringValue": "text", **lists, "dataType": "String"},
        "Raw": {"binaryValue": "AP8=", **lists, "dataType": "Binary"},
    }
    assert len(rich["md5OfMessageAttributes"]) == 32
    assert "SQS Jobs JobFunction 1 done" in log
    assert "hello" not in log


def test_what_waits_comes_in_batches(queues: Queues) -> None:
    bodies = [f"job {number}" for number in range(10)]
    queues.send("Jobs", *bodies)
    queues.send("Letters", *bodies)
    with queues.polled():
        assert wait_until(lambda: queues.held("Jobs") == queues.held("Letters") == (0, 0), 10)
    assert [[record["body"] for record in call] for call in queues.calls()] == [bodies]
    assert [len(call) for call in queues.calls("LetterFunction")] == [2] * 5


def test_only_the_message_that_failed_comes_again_and_then_goes_to_the_dead_letters(queues: Queues) -> None:
    with queues.polled() as running:
        _, failing, _ = queues.send("Jobs", "good 1", "fail secret", "good 2")
        assert wait_until(lambda: queues.held("DeadJobs") == (1, 0), 10)
        log = running.log()
    assert [queues.receives(body) for body in ("good 1", "fail secret", "good 2")] == [1, 3, 1]
    again = [record for call in queues.calls() for record in call if record["messageId"] == failing]
    assert [record["attributes"]["ApproximateReceiveCount"] for record in again] == ["1", "2", "3"]
    assert queues.held("Jobs") == (0, 0)
    (dead,) = queues.client.receive_message(QueueUrl=queues.url("DeadJobs"))["Messages"]
    assert (dead["MessageId"], dead["Body"]) == (failing, "fail secret")
    assert "SQS Jobs JobFunction 2 done, 1 failed (received 1 times)" in log
    assert "SQS Jobs JobFunction 0 done, 1 failed (received 3 times)" in log
    assert "secret" not in log


@pytest.mark.parametrize("word", ["raise", "exit", "text", "stranger"])
def test_a_call_that_failed_leaves_the_whole_batch(word: str, queues: Queues) -> None:
    queues.send("Jobs", "good", f"{word} secret")
    with queues.polled() as running:
        assert wait_until(lambda: queues.held("DeadJobs") == (2, 0), 10)
        assert running.log().count("SQS Jobs JobFunction 0 done, 2 failed") == 3
        assert "secret" not in running.log()
    assert [queues.receives(body) for body in ("good", f"{word} secret")] == [3, 3]


def test_without_item_failures_the_answer_does_not_matter(queues: Queues) -> None:
    with queues.polled():
        queues.send("Letters", "fail")
        queues.send("Letters", "text")
        assert wait_until(lambda: len(queues.calls("LetterFunction")) >= 1 and queues.held("Letters") == (0, 0), 5)
        assert wait_until(lambda: queues.receives("text", "LetterFunction"), 5)
    assert queues.receives("fail", "LetterFunction") == queues.receives("text", "LetterFunction") == 1


def test_a_message_that_failed_stays_away_for_a_while(queues: Queues) -> None:
    with queues.polled(redelivery_seconds=3):
        queues.send("Jobs", "fail")
        assert wait_until(lambda: queues.receives("fail") == 1, 5)
        time.sleep(1.5)
        assert queues.receives("fail") == 1
        assert wait_until(lambda: queues.receives("fail") == 2, 5)


def test_two_batches_at_once_and_not_three(queues: Queues) -> None:
    with queues.polled():
        for number in range(3):
            queues.send("Jobs", f"sleep 1.5{number}")
            time.sleep(0.3)
        assert len(queues.calls()) == 2
        assert queues.held("Jobs") == (1, 2)
        assert wait_until(lambda: queues.held("Jobs") == (0, 0), 10)
    assert len(queues.calls()) == 3


def test_a_stop_gives_back_what_is_under_way_and_waits_for_nobody(queues: Queues) -> None:
    with queues.polled() as running:
        queues.send("Jobs", "sleep 15")
        queues.send("Letters", "sleep 0.7")
        assert wait_until(lambda: queues.receives("sleep 15"), 5)
        assert wait_until(lambda: queues.receives("sleep 0.7", "LetterFunction"), 5)
        began = time.monotonic()
        end(running.process)
        assert time.monotonic() - began < 2.5
        assert "Traceback" not in running.log()
    assert queues.held("Jobs") == (1, 0)
    assert queues.held("Letters") == (0, 0)  # a second is enough to finish what nearly was
    (message,) = queues.client.receive_message(QueueUrl=queues.url("Jobs"))["Messages"]
    assert message["Body"] == "sleep 15"


def test_an_idle_gateway_stops_at_once(queues: Queues) -> None:
    with queues.polled() as running:
        for _ in range(2):
            time.sleep(0.3)
        began = time.monotonic()
        end(running.process)
        assert time.monotonic() - began < 2
        assert "Traceback" not in running.log()


def test_nothing_is_lost_at_any_moment_of_a_stop(queues: Queues) -> None:
    """Messages come all the time, gateways come and go: each message is done once at least, none is left behind."""
    sent = []
    for round_ in range(4):
        with queues.polled() as running:
            for number in range(12):
                body = f"job {round_}-{number}"
                queues.send("Jobs", body)
                sent.append(body)
                time.sleep(0.03)
            end(running.process)
    with queues.polled():
        assert wait_until(lambda: queues.held("Jobs") == (0, 0), 10)
    assert [body for body in sent if not queues.receives(body)] == []
    assert queues.held("DeadJobs") == (0, 0)


def test_a_queue_outlives_its_emulator(tmp_path: Path) -> None:
    """Messages, receive counts and attributes; the port is another one each time."""
    record = tmp_path / "record"
    for start in range(3):
        with running_emulator(tmp_path / "store", log=tmp_path / "emulator.log") as emulator:
            queues = Queues(emulator.endpoint_url, record)
            with queues.polled(redelivery_seconds=30):
                if start == 0:
                    queues.send("Jobs", "fail")
                    assert wait_until(lambda: queues.receives("fail") == 1, 5)  # noqa: B023 - called here
                    assert wait_until(lambda: queues.held("Jobs") == (0, 1), 5)  # noqa: B023
                if start == 2:
                    assert wait_until(lambda: queues.receives("job 1") == 1, 5)  # noqa: B023
                    assert wait_until(lambda: queues.held("Jobs") == (0, 1), 5)  # noqa: B023
            if start == 1:
                queues.send("Jobs", "job 1")
            queues.client.close()
    assert queues.receives("fail") == 1  # kept, and still away, for 30 seconds
    assert (tmp_path / "emulator.log").read_text() == ""


def test_a_queue_that_does_not_answer_is_said_once_and_asked_again(tmp_path: Path) -> None:
    with running_emulator(None, log=tmp_path / "log") as emulator:
        queues = Queues(emulator.endpoint_url, tmp_path / "record")
        with queues.polled() as running:
            queues.client.delete_queue(QueueUrl=queues.url("Jobs"))
            assert wait_until(lambda: "gateway: queue Jobs: receive_message failed" in running.log(), 5)
            time.sleep(2.2)
            assert running.log().count("gateway: queue Jobs:") == 1
            queues.client.create_queue(QueueName="Jobs")
            queues.send("Jobs", "back")
            assert wait_until(lambda: queues.receives("back"), 5)
        queues.client.close()
