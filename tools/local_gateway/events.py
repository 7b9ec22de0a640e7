"""HTTP → the event of a REST API's Lambda proxy integration, payload version 1.0.

Shape: API Gateway developer guide, "Input format of a Lambda function for proxy integration". What that page leaves
open is as recordings of the service show it: `path` and path parameters stay percent-encoded, the query is decoded (`+`
is a blank, the last value wins), names of headers keep their spelling, Connection and Content-Length stay behind.
"""

import base64
import json
import time
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS
from tools.local_gateway.media_types import is_binary
from tools.local_gateway.routes import Match

_BODY_CHUNK: Final = 3 << 18  # bytes; a multiple of 3, so that pieces of base64 join without padding
_NOT_PASSED_ON: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_IDENTITY_OF_NOBODY: Final = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` and `query` are as sent; header names keep their spelling; `peer` is an address."""

    request_id: str
    method: str
    path: str
    query: str
    http_version: str
    headers: list[tuple[str, str]]
    peer: str
    port: int
    received_epoch: float
    body: bytes | bytearray

    def header(self, name: str) -> str | None:
        """The last value of a header, its name in any case."""
        values = [value for own, value in self.headers if own.lower() == name.lower()]
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event's JSON in UTF-8: `before`, the base64 of `binary`, `after`. The large part is encoded while it goes."""

    before: bytes
    binary: bytes | bytearray
    after: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.before) + (len(self.binary) + 2) // 3 * 4 + len(self.after)

    def chunks(self) -> Iterator[bytes]:
        """The JSON in pieces of at most 1 MiB, but for what is no base64."""
        yield self.before
        view = memoryview(self.binary)
        for start in range(0, len(view), _BODY_CHUNK):
            yield base64.b64encode(view[start : start + _BODY_CHUNK])
        yield self.after


def encode_event(request: Request, match: Match, *, stage: str, binary_media_types: Collection[str]) -> EncodedEvent:
    """The event of a request; its body is base64 where the binary media types say so, and null when there is none."""
    event = proxy_event(request, match, stage=stage)
    if request.body and is_binary(binary_media_types, request.header("Content-Type")):
        event["isBase64Encoded"] = True
        before = _json(event)[:-1] + b',"body":"'  # base64 needs no escaping in JSON
        return EncodedEvent(before=before, binary=request.body, after=b'"}')
    event["isBase64Encoded"] = False
    event["body"] = request.body.decode("utf-8", errors="replace") if request.body else None
    return EncodedEvent(before=_json(event), binary=b"", after=b"")


def proxy_event(request: Request, match: Match, *, stage: str) -> dict[str, Any]:
    """The event without its body."""
    multi_value_headers = _headers(request)
    query = _query(request.query)
    return {
        "resource": match.route.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in multi_value_headers.items()},
        "multiValueHeaders": multi_value_headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": match.path_parameters or None,
        "stageVariables": None,
        "requestContext": _request_context(request, match, stage),
    }


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")


def _headers(request: Request) -> dict[str, list[str]]:
    """By the spelling that came first; what is API Gateway's own comes last and replaces nothing of the client's."""
    spelling: dict[str, str] = {}
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.lower() not in _NOT_PASSED_ON:
            headers.setdefault(spelling.setdefault(name.lower(), name), []).append(value)
    forwarded = headers.pop(spelling.get("x-forwarded-for", ""), [])
    for name in ("x-forwarded-port", "x-forwarded-proto"):  # never the client's word
        headers.pop(spelling.get(name, ""), None)
    headers["X-Forwarded-For"] = [", ".join([*forwarded, request.peer])]
    headers["X-Forwarded-Port"] = [str(request.port)]
    headers["X-Forwarded-Proto"] = ["http"]
    if "x-amzn-trace-id" not in spelling:
        headers["X-Amzn-Trace-Id"] = [trace_id(request)]
    return headers


def trace_id(request: Request) -> str:
    """X-Ray's root id (X-Ray developer guide, "Tracing header"): the second of the request and 96 bits."""
    return f"Root=1-{int(request.received_epoch):08x}-{request.request_id.replace('-', '')[:24]}"


def _query(query: str) -> dict[str, list[str]]:
    parameters: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        parameters.setdefault(name, []).append(value)
    return parameters


def _request_context(request: Request, match: Match, stage: str) -> dict[str, Any]:
    # With its port, unlike AWS's: scheme, domain and path prefix must make this gateway's own address.
    domain = request.header("Host") or f"127.0.0.1:{request.port}"
    return {
        "accountId": PSEUDO_PARAMETERS["AWS::AccountId"],
        "apiId": "local",
        "deploymentId": "local",
        "domainName": domain,
        "domainPrefix": domain.split(".", 1)[0],
        "extendedRequestId": base64.b64encode(request.request_id.encode()[:11]).decode(),
        "httpMethod": request.method,
        "identity": {
            **dict.fromkeys(_IDENTITY_OF_NOBODY),
            "sourceIp": request.peer,
            "userAgent": request.header("User-Agent"),
        },
        # No stage in front: here, as under a domain of one's own, no stage is in the URL.
        "path": request.path,
        "protocol": f"HTTP/{request.http_version}",
        "requestId": request.request_id,
        "requestTime": _common_log_time(request.received_epoch),
        "requestTimeEpoch": int(request.received_epoch * 1000),
        "resourceId": f"{zlib.crc32(match.route.resource.encode()):08x}",
        "resourcePath": match.route.resource,
        "stage": stage,
    }


def _common_log_time(epoch: float) -> str:
    # not strftime("%b"): the month's name must not follow the locale
    moment = datetime.fromtimestamp(epoch, UTC)
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{moment.day:02d}/{months[moment.month - 1]}/{time.strftime('%Y:%H:%M:%S', moment.timetuple())} +0000"
