"""S3 in memory: the operations that the service calls, with the rules of the real one; and clients that fail.

A fake with the rules, not a mock: conditions are held, keys and metadata are checked as the "Amazon S3 User Guide" says
(Creating object key names; Working with object metadata; Conditional requests). Each call is atomic under one lock.
"""

import hashlib
import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from botocore.exceptions import ClientError, EndpointConnectionError

from rmbg.storage.objects import Objects

INPUTS: Final = "inputs"
RESULTS: Final = "results"
_MAX_KEY_BYTES: Final = 1024
_MAX_METADATA_BYTES: Final = 2048


@dataclass(frozen=True)
class StoredObject:
    """An object as it is kept."""

    data: bytes
    content_type: str = "binary/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data).hexdigest()}"'


class MemoryObjects:
    """A boto3 S3 client of two buckets. `on` is called before each operation with its name, without the lock."""

    def __init__(self, on: Callable[[str, str], None] = lambda *_: None) -> None:
        self.buckets: dict[str, dict[str, StoredObject]] = {INPUTS: {}, RESULTS: {}}
        self.on = on
        self.calls: list[str] = []
        self._lock = threading.Lock()

    def upload(self, key: str, data: bytes, **metadata: str) -> None:
        """What somebody else puts among the inputs."""
        names = {f"rmbg-{name}": value for name, value in metadata.items()}
        with self._lock:
            self.buckets[INPUTS][key] = StoredObject(data, metadata=names)

    def delete(self, key: str) -> None:
        with self._lock:
            self.buckets[INPUTS].pop(key, None)

    def result(self, key: str) -> bytes:
        return self.buckets[RESULTS][key].data

    @property
    def results(self) -> list[str]:
        return sorted(self.buckets[RESULTS])

    def head_object(self, **request: Any) -> dict[str, Any]:
        self._begin("head_object", request, {"Bucket", "Key"})
        found = self._found("HeadObject", request, code="404")
        return {"ContentLength": len(found.data), **self._told(found)}

    def get_object(self, **request: Any) -> dict[str, Any]:
        self._begin("get_object", request, {"Bucket", "Key", "IfMatch"})
        found = self._found("GetObject", request, code="NoSuchKey")
        if request.get("IfMatch", found.etag) != found.etag:
            raise _error("GetObject", "PreconditionFailed", 412)
        return {"ContentLength": len(found.data), "Body": io.BytesIO(found.data), **self._told(found)}

    def put_object(self, **request: Any) -> dict[str, Any]:
        self._begin("put_object", request, {"Bucket", "Key", "Body", "ContentType", "Metadata", "IfNoneMatch"})
        if len(request["Key"].encode()) > _MAX_KEY_BYTES:
            raise _error("PutObject", "KeyTooLongError", 400)
        metadata = request.get("Metadata", {})
        for name, value in metadata.items():
            assert (name + value).isascii(), "botocore refuses metadata that are not ASCII"
        if sum(len(name) + len(value) for name, value in metadata.items()) > _MAX_METADATA_BYTES:
            raise _error("PutObject", "MetadataTooLarge", 400)
        stored = StoredObject(bytes(request["Body"]), request["ContentType"], dict(metadata))
        with self._lock:
            bucket = self.buckets[request["Bucket"]]
            if request.get("IfNoneMatch") == "*" and request["Key"] in bucket:
                raise _error("PutObject", "PreconditionFailed", 412)
            bucket[request["Key"]] = stored
        return {"ETag": stored.etag}

    def generate_presigned_post(self, **request: Any) -> dict[str, Any]:
        self._begin("generate_presigned_post", request, {"Bucket", "Key", "Fields", "Conditions", "ExpiresIn"})
        fields = {**request["Fields"], "key": request["Key"], "policy": repr(request["Conditions"])}
        return {"url": f"https://{request['Bucket']}.s3", "fields": fields}

    def generate_presigned_url(self, operation: str, **request: Any) -> str:
        assert operation == "get_object"
        self._begin("generate_presigned_url", request, {"Params", "ExpiresIn"})
        return f"https://{request['Params']['Bucket']}.s3/{request['Params']['Key']}?expires={request['ExpiresIn']}"

    def _begin(self, operation: str, request: Mapping[str, Any], known: set[str]) -> None:
        assert set(request) <= known, f"{operation} with {set(request) - known} is not modelled"
        self.calls.append(operation)
        self.on(operation, str(request.get("Key", "")))

    def _found(self, operation: str, request: Mapping[str, Any], *, code: str) -> StoredObject:
        with self._lock:
            found = self.buckets[request["Bucket"]].get(request["Key"])
        if found is None:
            raise _error(operation, code, 404)
        return found

    def _told(self, found: StoredObject) -> dict[str, Any]:
        return {"ETag": found.etag, "ContentType": found.content_type, "Metadata": dict(found.metadata)}


class Fate(Enum):
    """What becomes of a call."""

    THROTTLED = "refused, and not done"
    UNANSWERED = "done, and its answer is lost"
    KILLED_BEFORE = "the process ends before it is done"
    KILLED_AFTER = "the process ends after it is done"


class Killed(BaseException):
    """The process is gone: nothing that it calls from now on happens."""


class Fates:
    """Decides on the calls of one process, of any number of clients. `of` gets an operation and its number from 1."""

    def __init__(self, of: Callable[[str, int], Fate | None]) -> None:
        self._of = of
        self.calls: list[str] = []
        self.is_dead = False

    def client(self, client: Any) -> Any:
        """A client whose calls meet their fates."""
        return _Fated(client, self)

    def call(self, operation: str, action: Callable[[], Any]) -> Any:
        if self.is_dead:
            raise Killed
        self.calls.append(operation)
        fate = self._of(operation, len(self.calls))
        if fate is Fate.THROTTLED:
            raise _error(operation, "ThrottlingException", 503)
        if fate is Fate.KILLED_BEFORE:
            self.is_dead = True
            raise Killed
        answer = action()
        if fate is Fate.UNANSWERED:
            raise EndpointConnectionError(endpoint_url="https://aws")
        if fate is Fate.KILLED_AFTER:
            self.is_dead = True
            raise Killed
        return answer


class _Fated:
    def __init__(self, client: Any, fates: Fates) -> None:
        self._client = client
        self._fates = fates

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._client, operation)
        return lambda *arguments, **request: self._fates.call(operation, lambda: call(*arguments, **request))


def memory_objects(client: MemoryObjects) -> Objects:
    return Objects(client)


def _error(operation: str, code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)
