"""REST API proxy events (payload version 1.0) as API Gateway makes them, and multipart bodies for them."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BOUNDARY = "----rmbgTestBoundary7f3a"


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context object that Powertools looks at."""

    function_name: str = "test"
    memory_limit_in_mb: int = 3008
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:test"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    remaining_milliseconds: int = 26_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_milliseconds


@dataclass(frozen=True)
class File:
    """A file part; `filename` None leaves the parameter out."""

    data: bytes
    filename: str | None = "photo.jpg"
    content_type: str | None = "image/jpeg"


Parts = Sequence[tuple[str, "File | str | bytes"]]


def multipart(parts: Parts, boundary: str = BOUNDARY) -> bytes:
    """A well-formed multipart/form-data body, written out by hand so that it owes nothing to a library."""
    body = bytearray()
    for name, value in parts:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if isinstance(value, File):
            if value.filename is not None:
                body += f'; filename="{value.filename}"'.encode("utf-8", "surrogateescape")
            if value.content_type is not None:
                body += f"\r\nContent-Type: {value.content_type}".encode()
            data = value.data
        else:
            data = value.encode() if isinstance(value, str) else value
        body += b"\r\n\r\n" + data + b"\r\n"
    return bytes(body) + f"--{boundary}--\r\n".encode()


def proxy_event(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, *, encoded: bool = True
) -> dict[str, Any]:
    headers = headers or {}
    text = None if body is None else (base64.b64encode(body).decode() if encoded else body.decode("utf-8", "replace"))
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "stage": "Prod",
            "httpMethod": method,
            "path": f"/Prod{path}",
            "resourcePath": path,
            "identity": {"sourceIp": "192.0.2.7"},
        },
        "body": text,
        "isBase64Encoded": encoded and text is not None,
    }


def rmbg_event(parts: Parts, *, boundary: str = BOUNDARY, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """`POST /rmbg` with a form."""
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **(headers or {})}
    return proxy_event("POST", "/rmbg", multipart(parts, boundary), headers)
