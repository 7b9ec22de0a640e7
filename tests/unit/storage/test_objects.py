"""S3's answers and refusals, and what is signed."""

import base64
import io
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from rmbg.storage.objects import (
    ObjectChanged,
    ObjectExists,
    ObjectMissing,
    Objects,
    ObjectsUnavailable,
    open_objects,
)
from tests.support.objects import INPUTS, MemoryObjects

SECRET = "a-secret-name"


class Refusing:
    """A client that refuses everything."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    def __getattr__(self, operation: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            raise self._failure

        return call


def refused(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": SECRET}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


def operations(objects: Objects) -> list[Any]:
    return [
        lambda: objects.head("b", "k"),
        lambda: objects.get("b", "k", etag="e"),
        lambda: objects.put("b", "k", b"", "image/png"),
    ]


@pytest.mark.parametrize(
    "failure",
    [
        refused("SlowDown", 503),
        refused("AccessDenied", 403),
        refused("403", 403),
        refused("InternalError", 500),
        refused("NoSuchBucket", 404),
        refused("ConditionalRequestConflict", 409),
        EndpointConnectionError(endpoint_url=SECRET),
        ReadTimeoutError(endpoint_url=SECRET),
    ],
    ids=repr,
)
def test_whatever_else_goes_wrong_is_503(failure: Exception) -> None:
    for operation in operations(Objects(Refusing(failure))):
        with pytest.raises(ObjectsUnavailable) as raised:
            operation()
        assert (raised.value.status, raised.value.message) == (503, "Service unavailable")
        assert int(raised.value.headers["Retry-After"]) >= 1
        assert SECRET not in str(raised.value)


@pytest.mark.parametrize("code", ["404", "NoSuchKey", "NotFound"])
def test_what_is_not_there_is_missing(code: str) -> None:
    for operation in operations(Objects(Refusing(refused(code, 404))))[:2]:
        with pytest.raises(ObjectMissing):
            operation()


@pytest.mark.parametrize("code", ["412", "PreconditionFailed"])
def test_a_condition_that_does_not_hold(code: str) -> None:
    objects = Objects(Refusing(refused(code, 412)))
    with pytest.raises(ObjectChanged):
        objects.get("b", "k", etag="e")
    with pytest.raises(ObjectExists):
        objects.put("b", "k", b"", "image/png", only_if_absent=True)


def test_a_download_that_breaks_off() -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise ReadTimeoutError(endpoint_url=SECRET)

    class Client(MemoryObjects):
        def get_object(self, **request: Any) -> dict[str, Any]:
            return {"Body": Broken()}

    with pytest.raises(ObjectsUnavailable):
        Objects(Client()).get("b", "k", etag="e")


def test_what_a_head_says() -> None:
    client = MemoryObjects()
    client.upload("k", b"data", format="png")
    head = Objects(client).head(INPUTS, "k")
    assert (head.size_bytes, head.metadata) == (4, {"rmbg-format": "png"})
    assert head.version == head.etag

    class Versioned(MemoryObjects):
        version = "v1"

        def head_object(self, **request: Any) -> dict[str, Any]:
            return {**super().head_object(**request), "VersionId": self.version}

    versioned = Versioned()
    versioned.upload("k", b"data")
    assert Objects(versioned).head(INPUTS, "k").version == "v1"
    versioned.version = "null"  # of a bucket whose versions are suspended
    assert Objects(versioned).head(INPUTS, "k").version == head.etag


# --- signing, by the real client, which needs no network for it


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it remembers credentials
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return monkeypatch


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1"])
def test_links_and_forms_are_for_the_bucket_s_regional_host(aws: pytest.MonkeyPatch, region: str) -> None:
    aws.setenv("AWS_DEFAULT_REGION", region)
    objects = open_objects(None)
    link = objects.link("bucket", "a/ü b.png", disposition='inline; filename="x"', media_type="image/png", seconds=900)
    parts, query = urlsplit(link), parse_qs(urlsplit(link).query)
    assert (parts.scheme, parts.netloc) == ("https", f"bucket.s3.{region}.amazonaws.com")
    assert parts.path == "/a/%C3%BC%20b.png"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["900"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert query["response-content-disposition"] == ['inline; filename="x"']
    assert query["response-content-type"] == ["image/png"]
    form = objects.post_form("bucket", "uploads/u/j/a.png", media_type="image/png", seconds=900)
    assert form.url == f"https://bucket.s3.{region}.amazonaws.com/"


def test_a_form_takes_one_key_any_type_and_100_mib(aws: pytest.MonkeyPatch) -> None:
    form = open_objects(None).post_form("bucket", "uploads/u/j/a.png", media_type="image/png", seconds=900)
    assert form.fields["Content-Type"] == "image/png"
    assert form.fields["key"] == "uploads/u/j/a.png"
    conditions = json.loads(base64.b64decode(form.fields["policy"]))["conditions"]
    assert ["content-length-range", 0, 104_857_600] in conditions
    assert ["starts-with", "$Content-Type", ""] in conditions
    assert {"key": "uploads/u/j/a.png"} in conditions
    assert {"bucket": "bucket"} in conditions
    assert sum(isinstance(condition, dict) and "key" in condition for condition in conditions) == 1
    asked = {next(iter(condition)) if isinstance(condition, dict) else condition[1] for condition in conditions}
    lacking = {str(name).removeprefix("$").lower() for name in asked} - {name.lower() for name in form.fields}
    assert lacking == {"bucket", "0"}  # the bucket is the address's, 0 the least length


def test_an_endpoint_is_called_by_paths(aws: pytest.MonkeyPatch) -> None:
    objects = open_objects("http://127.0.0.1:4566")
    link = objects.link("bucket", "k", disposition="inline", media_type="image/png", seconds=900)
    assert link.startswith("http://127.0.0.1:4566/bucket/k?")
    form = objects.post_form("bucket", "k", media_type="image/png", seconds=900)
    assert form.url == "http://127.0.0.1:4566/bucket"
