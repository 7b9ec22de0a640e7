"""One emulator a session, with the template's tables, buckets and queue; tests keep apart by accounts of their own."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

import pytest

from rmbg.errors import PublicError
from rmbg.services.object_results import ObjectResults
from rmbg.services.process_object import Outcome, ProcessObject
from rmbg.storage.notices import Notices
from rmbg.storage.objects import Objects
from rmbg.storage.store import Store
from tests.integration.accounts.books import Books, Clock, opened
from tests.support.folder import FakeImaging
from tests.support.store import ObjectStore, add_objects
from tests.support.store import Store as Tables
from tests.support.store import store as running_store

WORKERS = 4
CONNECTIONS = 32


class Fault(Exception):
    """Something of ours broke."""


@dataclass
class World:
    """The buckets and the books of one account, and processes that work."""

    buckets: ObjectStore
    s3: Any
    books: Books
    clock: Clock
    imaging: FakeImaging = field(default_factory=FakeImaging)

    def __post_init__(self) -> None:
        self.account = self.books.open_account()
        self.uid = self.account.uid

    def service(self, store: Store | None = None) -> ProcessObject:
        objects = Objects(self.s3)
        return ProcessObject(
            store or self.books.store,
            self.books.credits,
            objects,
            ObjectResults(objects, self.buckets.results_bucket),
            Notices(""),
            self.imaging,
            clock=self.clock,
        )

    def put(self, path: str, data: bytes = b"image", **metadata: str) -> str:
        """Put a file into the account's inbox; its key."""
        key = f"inbox/{self.uid}/{path}"
        names = {f"rmbg-{name}": value for name, value in metadata.items()}
        self.s3.put_object(Bucket=self.buckets.inputs_bucket, Key=key, Body=data, Metadata=names)
        return key

    def process(self, key: str) -> Outcome:
        return self.service().process(self.buckets.inputs_bucket, key, left_seconds=120)

    def result(self, path: str) -> bytes:
        key = f"results/{self.uid}/{path}"
        body: bytes = self.s3.get_object(Bucket=self.buckets.results_bucket, Key=key)["Body"].read()
        return body

    def results(self) -> list[str]:
        """The paths of all results of the account."""
        prefix = f"results/{self.uid}/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.buckets.results_bucket, Prefix=prefix)
        return [item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", ())]

    def work(self, count: int, deliver: Callable[[str, int], None]) -> None:
        """Take messages of the account from the queue until `count` are deleted; those that fail come again at once."""
        left, lock = [count], threading.Lock()

        def worker() -> None:
            sqs = self.buckets.sqs()
            while left[0] > 0:
                answer = sqs.receive_message(
                    QueueUrl=self.buckets.queue_url,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=1,
                    MessageSystemAttributeNames=["ApproximateReceiveCount"],
                )
                for message in answer.get("Messages", ()):
                    key = self._key(message)
                    try:
                        if key is not None:
                            deliver(key, int(message["Attributes"]["ApproximateReceiveCount"]))
                    except (Fault, PublicError):
                        sqs.change_message_visibility(
                            QueueUrl=self.buckets.queue_url,
                            ReceiptHandle=message["ReceiptHandle"],
                            VisibilityTimeout=0,
                        )
                        continue
                    sqs.delete_message(QueueUrl=self.buckets.queue_url, ReceiptHandle=message["ReceiptHandle"])
                    if key is not None:
                        with lock:
                            left[0] -= 1
            sqs.close()

        with ThreadPoolExecutor(WORKERS) as pool:
            for future in [pool.submit(worker) for _ in range(WORKERS)]:
                future.result()

    def _key(self, message: Any) -> str | None:
        """The object of a message, if it is the account's."""
        records = json.loads(message["Body"]).get("Records") or []
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in records]
        return keys[0] if keys and keys[0].startswith(f"inbox/{self.uid}/") else None


@pytest.fixture(scope="session")
def tables() -> Iterator[Tables]:
    with running_store() as running:
        yield running


@pytest.fixture(scope="session")
def buckets(tables: Tables) -> ObjectStore:
    return add_objects(tables.endpoint_url)


@pytest.fixture(scope="session")
def store(tables: Tables) -> Iterator[Store]:
    with opened(tables, max_pool_connections=CONNECTIONS) as shared:
        yield shared


@pytest.fixture(scope="session")
def s3(buckets: ObjectStore) -> Iterator[Any]:
    client = buckets.client(max_pool_connections=CONNECTIONS)
    yield client
    client.close()


@pytest.fixture
def world(buckets: ObjectStore, store: Store, s3: Any) -> World:
    """1000 included credits."""
    clock = Clock()
    return World(buckets, s3, Books(store, clock, included=1000), clock)
