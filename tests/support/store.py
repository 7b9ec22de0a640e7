"""What template.yaml declares, on an emulator of one's own: nothing is kept, nothing is shared with another process."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tools.local_store.backend import INPUTS_BUCKET, RESULTS_BUCKET, pages_environment
from tools.local_store.buckets import create_buckets, s3_client
from tools.local_store.emulator import running_emulator
from tools.local_store.queues import create_queues, sqs_client
from tools.local_store.tables import ACCESS_KEY, REGION, create_tables, dynamodb_client

ROOT = Path(__file__).resolve().parents[2]
SIGNING_SECRET = "a secret of the tests"


@dataclass(frozen=True)
class Store:
    """Where the tables are."""

    endpoint_url: str
    core_table: str
    ephemeral_table: str

    def client(self, **settings: Any) -> Any:
        """A new boto3 client for the tables; `settings` go to botocore's Config (max_pool_connections=100)."""
        return dynamodb_client(self.endpoint_url, **settings)

    def clear(self) -> None:
        """Delete every item of both tables: 5 ms when there are few."""
        client = self.client()
        for table in (self.core_table, self.ephemeral_table):
            for page in client.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk, sk"):
                for item in page["Items"]:
                    client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        client.close()


@contextmanager
def store() -> Iterator[Store]:
    """An emulator with empty tables, until the end of the block: half a second, so share it by a session's fixture."""
    with tempfile.TemporaryDirectory(prefix="rmbg-test-store-") as folder:
        log = Path(folder) / "emulator.log"
        with running_emulator(None, log=log, environment=pages_environment(SIGNING_SECRET)) as emulator:
            names = create_tables(emulator.endpoint_url, ROOT / "template.yaml")
            yield Store(emulator.endpoint_url, names["CoreTable"], names["EphemeralTable"])


@dataclass(frozen=True)
class ObjectStore:
    """Where the buckets are, and the queue that is told of what is put into the first."""

    endpoint_url: str
    inputs_bucket: str
    results_bucket: str
    queue_url: str

    def client(self, **settings: Any) -> Any:
        """A new boto3 client for the buckets; `settings` go to botocore's Config."""
        return s3_client(self.endpoint_url, **settings)

    def sqs(self) -> Any:
        """A new boto3 client for the queue."""
        return sqs_client(self.endpoint_url)

    def signer(self) -> Any:
        """A new boto3 client whose presigned URLs and forms are good for web pages too."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SIGNING_SECRET,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}),
        )

    def clear(self) -> None:
        """Delete every object of both buckets; the queue keeps its messages."""
        client = self.client()
        for bucket in (self.inputs_bucket, self.results_bucket):
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for entry in page.get("Contents", ()):
                    client.delete_object(Bucket=bucket, Key=entry["Key"])
        client.close()


def add_objects(endpoint_url: str) -> ObjectStore:
    """The template's queues and buckets on a store's emulator; once for each emulator."""
    sqs = sqs_client(endpoint_url)
    queues = create_queues(sqs, ROOT / "template.yaml")
    buckets = create_buckets(endpoint_url, ROOT / "template.yaml")
    sqs.close()
    return ObjectStore(endpoint_url, buckets[INPUTS_BUCKET], buckets[RESULTS_BUCKET], queues["ImageObjects"])
