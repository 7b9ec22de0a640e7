"""The two buckets on an emulator, and what the rest of the world does with them: uploads, events, downloads."""

import http.client
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

from tests.support.events import File, multipart
from tools.local_store.tables import emulator_client

BOUNDARY = "----rmbgUpload"


@dataclass(frozen=True)
class Buckets:
    """Names of their own, and a client with everybody's rights."""

    endpoint_url: str
    inputs: str
    results: str
    s3: Any

    def put(self, key: str, data: bytes, **metadata: str) -> None:
        names = {f"rmbg-{name.replace('_', '-')}": value for name, value in metadata.items()}
        self.s3.put_object(Bucket=self.inputs, Key=key, Body=data, Metadata=names)

    def result(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.results, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str = "", bucket: str = "") -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket or self.results, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]


@contextmanager
def made_buckets(endpoint_url: str) -> Iterator[Buckets]:
    """Two new buckets, until the end of the block."""
    s3 = emulator_client("s3", endpoint_url, s3={"addressing_style": "path"}, max_pool_connections=32)
    name = uuid.uuid4().hex[:12]
    buckets = Buckets(endpoint_url, f"inputs-{name}", f"results-{name}", s3)
    for bucket in (buckets.inputs, buckets.results):
        s3.create_bucket(Bucket=bucket)
    yield buckets
    s3.close()


def upload(form: Mapping[str, Any], data: bytes, **fields: str) -> int:
    """Send a file as a browser's form does; the status. `fields` replaces fields."""
    parts = [*{**form["fields"], **fields}.items(), ("file", File(data, "any name.jpg"))]
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return _request("POST", form["url"], multipart(parts, BOUNDARY), headers)[0]


def download(url: str) -> tuple[int, dict[str, str], bytes]:
    """What anybody gets by a link, without credentials: the status, the headers in lower case, the bytes."""
    return _request("GET", url)


def object_created(bucket: str, *keys: str, **more: str) -> dict[str, Any]:
    """An event of S3 (Amazon S3 User Guide, Event message structure), with keys encoded as S3 encodes them."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "us-east-1",
                "eventTime": "2026-11-10T12:00:00.000Z",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {"key": quote_plus(key, safe="/"), "size": 1, "eTag": "0" * 32, "sequencer": "00"},
                },
                **more,
            }
            for key in keys
        ]
    }


def queued(*events: Mapping[str, Any] | str, receives: int = 1) -> dict[str, Any]:
    """A batch of a queue whose messages are these events."""
    return {
        "Records": [
            {
                "messageId": f"m{place}",
                "receiptHandle": f"r{place}",
                "body": event if isinstance(event, str) else json.dumps(event),
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:objects",
                "awsRegion": "us-east-1",
            }
            for place, event in enumerate(events)
        ]
    }


def _request(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        connection.request(
            method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, dict(headers or {})
        )
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()
