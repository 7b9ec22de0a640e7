"""Objects (S3), thinly: what is asked for, or one of four exceptions. botocore's own never leave this module."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from rmbg.errors import PublicError
from rmbg.observability import logger
from rmbg.storage.late import LateClient

MAX_POST_BYTES: Final = 104_857_600
_CONNECT_TIMEOUT_SECONDS: Final = 2
_READ_TIMEOUT_SECONDS: Final = 8  # of each read, not of a whole file
_ATTEMPTS: Final = 2
_RETRY_AFTER_SECONDS: Final = 2
_MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_PRECONDITION: Final = frozenset({"412", "PreconditionFailed"})
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class ObjectMissing(Exception):
    """There is no such object, or not any more."""


class ObjectChanged(Exception):
    """The object is another one than it was."""


class ObjectExists(Exception):
    """There is an object of that key already."""


class ObjectsUnavailable(PublicError):
    """S3 did not answer, or refused: whether a write happened is not known. Public, as 503 with Retry-After."""

    def __init__(self) -> None:
        super().__init__(503, "Service unavailable", headers={"Retry-After": str(_RETRY_AFTER_SECONDS)})


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What is known of an object without its bytes. `metadata` names have no `x-amz-meta-`."""

    size_bytes: int
    etag: str
    version_id: str
    metadata: Mapping[str, str]

    @property
    def version(self) -> str:
        """What tells it from other objects of its key; in a bucket without versions equal bytes are the same."""
        return self.version_id or self.etag


@dataclass(frozen=True, slots=True)
class PresignedPost:
    """Where a browser's form sends a file, and the fields that come before it."""

    url: str
    fields: Mapping[str, str]


class Objects:
    """Calls of a boto3 S3 client. All raise ObjectsUnavailable, and what they say besides."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def head(self, bucket: str, key: str) -> ObjectHead:
        """Raises ObjectMissing."""
        answer = self._call("head_object", Bucket=bucket, Key=key)
        version_id = answer.get("VersionId") or ""
        return ObjectHead(
            size_bytes=int(answer["ContentLength"]),
            etag=str(answer["ETag"]),
            version_id="" if version_id == "null" else version_id,
            metadata=dict(answer.get("Metadata") or {}),
        )

    def get(self, bucket: str, key: str, *, etag: str) -> bytes:
        """The bytes of an object that is still the one with this ETag. Raises ObjectMissing and ObjectChanged."""
        from botocore.exceptions import BotoCoreError

        answer = self._call("get_object", Bucket=bucket, Key=key, IfMatch=etag)
        try:
            data: bytes = answer["Body"].read()
        except (BotoCoreError, OSError) as error:
            logger.error("object cut short", cause=type(error).__name__)
            raise ObjectsUnavailable from None  # an SDK's message may hold a key, which is a file's name
        return data

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        media_type: str,
        *,
        metadata: Mapping[str, str] = _NONE,
        only_if_absent: bool = False,
    ) -> None:
        """Raises ObjectExists with `only_if_absent`."""
        condition = {"IfNoneMatch": "*"} if only_if_absent else {}
        try:
            self._call(
                "put_object",
                Bucket=bucket,
                Key=key,
                Body=data,
                ContentType=media_type,
                Metadata=dict(metadata),
                **condition,
            )
        except ObjectChanged as error:
            raise ObjectExists from error

    def post_form(self, bucket: str, key: str, *, media_type: str, seconds: int) -> PresignedPost:
        """A form that uploads up to 100 MiB under this key alone, of any type: `media_type` is what it has by itself.

        It must have one, for S3 wants every field that the policy has a condition on.
        """
        form = self._call(
            "generate_presigned_post",
            Bucket=bucket,
            Key=key,
            Fields={"Content-Type": media_type},
            Conditions=[["content-length-range", 0, MAX_POST_BYTES], ["starts-with", "$Content-Type", ""]],
            ExpiresIn=seconds,
        )
        return PresignedPost(form["url"], form["fields"])

    def link(self, bucket: str, key: str, *, disposition: str, media_type: str, seconds: int) -> str:
        """A URL that anybody can get the object by."""
        parameters = {
            "Bucket": bucket,
            "Key": key,
            "ResponseContentDisposition": disposition,
            "ResponseContentType": media_type,
        }
        return str(self._call("generate_presigned_url", "get_object", Params=parameters, ExpiresIn=seconds))

    def _call(self, operation: str, *arguments: Any, **parameters: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(*arguments, **parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _MISSING:
                raise ObjectMissing from None
            if code in _PRECONDITION:
                raise ObjectChanged from None
            logger.error("objects refused", operation=operation, code=code)
            raise ObjectsUnavailable from None  # an SDK's message may hold a key, which is a file's name
        except BotoCoreError as error:
            logger.error("objects unreachable", operation=operation, cause=type(error).__name__)
            raise ObjectsUnavailable from None  # an SDK's message may hold a key, which is a file's name


def open_objects(endpoint_url: str | None) -> Objects:
    """The objects of this environment: AWS's, or those at an endpoint. The first call imports the SDK."""
    return Objects(LateClient(partial(_client, endpoint_url)))


def _client(endpoint_url: str | None) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        # The regional host, in signatures too: the global one redirects for new buckets, which breaks a browser's CORS.
        s3={
            "addressing_style": "path" if endpoint_url else "virtual",
            "us_east_1_regional_endpoint": "regional",
        },
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        # TLS and the signature guard the way; else every signed link has a parameter more.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", endpoint_url=endpoint_url, config=config)
