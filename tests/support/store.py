"""The tables of template.yaml on an emulator of one's own: nothing is kept, nothing is shared with another process."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.local_store.emulator import running_emulator
from tools.local_store.tables import create_tables, dynamodb_client

ROOT = Path(__file__).resolve().parents[2]


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
        with running_emulator(None, log=log) as emulator:
            names = create_tables(emulator.endpoint_url, ROOT / "template.yaml")
            yield Store(emulator.endpoint_url, names["CoreTable"], names["EphemeralTable"])
