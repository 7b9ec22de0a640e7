"""The operator's folders on the deployed stack: what comes of each file, once, whatever the queue does; who is told."""

import json
import time
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.lab.conftest import COMPLETION, Account, Api, Environment, aws, physical_name, without
from tests.lab.conftest import STACK as DEPLOYED
from tests.lab.objects import FUNCTION, SECONDS, Objects, ended, is_cut_out, new_job, spent, status, upload
from tests.lab.queues import Queue, eventually

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

PHOTO = (ROOT / "docs" / "images" / "coffee.jpg").read_bytes()
NOT_AN_IMAGE = "File does not appear to be a valid image (invalid file signature)"
DONE_SECONDS = 240


@pytest.fixture
def objects(deployed: Api, cloud_environment: Environment) -> Objects:
    return Objects.of(cloud_environment)


@pytest.fixture
def queue(deployed: Api, cloud_environment: Environment) -> Queue:
    return Queue(cloud_environment, "ImageObjects")


def test_files_in_the_inbox_become_results_with_the_same_names(api: Api, account: Account, objects: Objects) -> None:
    objects.drop(account, "a b/c+d/Фото 1.jpg", PHOTO, w="120")
    objects.drop(account, "a b/other.JPG", PHOTO, format="png", h="80")
    assert is_cut_out(objects.result(account, "a b/c+d/Фото 1.webp"), "WEBP", (120, 80))
    assert is_cut_out(objects.result(account, "a b/other.png"), "PNG", (120, 80))
    eventually(lambda: spent(api) == 2, "both are paid")


def test_a_file_that_is_no_picture_has_its_error_beside(api: Api, account: Account, objects: Objects) -> None:
    objects.drop(account, "notes/1.jpg", b"no picture")
    objects.drop(account, "notes/2.jpg", PHOTO, w="none")
    error = json.loads(objects.result(account, "notes/1.jpg.error.json"))
    assert error == {"error": NOT_AN_IMAGE, "status": 400}
    error = json.loads(objects.result(account, "notes/2.jpg.error.json"))
    assert error == {"error": "'w' must be an integer, got: 'none'", "status": 400}
    assert objects.made(account) == {"notes/1.jpg.error.json", "notes/2.jpg.error.json"}
    assert spent(api) == 0


def test_a_folder_dropped_at_once_is_done_once(api: Api, account: Account, objects: Objects, queue: Queue) -> None:
    """And each file is told of three times."""
    names = [f"{number}.jpg" for number in range(10)]
    for name in names:
        objects.drop(account, name, PHOTO, w="40")
        record = {"bucket": {"name": objects.inputs}, "object": {"key": f"inbox/{account.user_id}/{name}"}}
        body = json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": record}]})
        for _ in range(2):
            queue.sqs.send_message(QueueUrl=queue.url, MessageBody=body)
    eventually(lambda: len(objects.made(account)) == len(names), "all are there", DONE_SECONDS)
    eventually(lambda: queue.waiting() == 0, "nothing waits", DONE_SECONDS)
    assert objects.made(account) == {name.replace(".jpg", ".webp") for name in names}
    assert spent(api) == len(names)
    assert queue.dead_letters.waiting() == 0


def test_an_object_of_no_known_shape_does_nothing(objects: Objects, queue: Queue) -> None:
    for key in ("inbox/usr_of_nobody/a.jpg", "inbox/a.jpg", "uploads/a/b.jpg", "other/a.jpg", "inbox/a/b/"):
        objects.s3.put_object(Bucket=objects.inputs, Key=key, Body=PHOTO)
    eventually(lambda: queue.waiting() == 0, "all are dropped", SECONDS)
    assert queue.dead_letters.waiting() == 0


def test_what_cannot_be_done_now_comes_again(
    api: Api, account: Account, objects: Objects, queue: Queue, cloud_environment: Environment
) -> None:
    core = physical_name(cloud_environment, DEPLOYED, "CoreTable")
    with queue.delivered_again_at_once(50, seconds=3):
        with without(cloud_environment, FUNCTION, core, "dynamodb:UpdateItem"):
            objects.drop(account, "a.jpg", PHOTO)
            time.sleep(5)
            # five receives would be a fault to tell of
            assert (queue.waiting(), objects.made(account)) == (1, set())
        objects.result(account, "a.webp")
        eventually(lambda: queue.waiting() == 0, "it is done", SECONDS)
    assert spent(api) == 1


def test_what_fails_again_and_again_is_told_put_aside_and_can_be_brought_back(
    api: Api, objects: Objects, queue: Queue, cloud_environment: Environment
) -> None:
    job = new_job(api, filename="a.jpg", w=60)
    with queue.delivered_again_at_once(5):
        with without(cloud_environment, FUNCTION, "/jobs/*", "s3:PutObject"):
            upload(job, PHOTO)
            eventually(lambda: queue.dead_letters.waiting() == 1, "it is put aside", SECONDS)
            assert ended(api, job)["error"] == {"error": "Internal server error", "status": 500}
            assert spent(api) == 0
        queue.bring_back()
        eventually(lambda: status(api, job)["status"] == "done", "it is done after all", SECONDS)
    assert (spent(api), queue.dead_letters.waiting()) == (1, 0)


def test_what_is_done_and_what_fails_is_told(
    api: Api, account: Account, objects: Objects, cloud_environment: Environment
) -> None:
    objects.drop(account, "told/a.jpg", PHOTO, w="40")
    objects.drop(account, "told/b.jpg", b"no picture")
    sqs = aws(cloud_environment, "sqs")
    url = sqs.get_queue_url(QueueName=COMPLETION)["QueueUrl"]
    told: dict[str, Any] = {}

    def all_told() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            document = json.loads(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if document["user_id"] == account.user_id:
                told[document["input"]["key"].rpartition("/")[2]] = document
        return len(told) == 2

    eventually(all_told, "both are told", SECONDS)
    assert {name: document["status"] for name, document in told.items()} == {"a.jpg": "done", "b.jpg": "failed"}
