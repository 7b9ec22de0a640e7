"""A presigned URL and form as boto3 makes them, and requests as the emulator's server hands them on."""

from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config

HOST = "127.0.0.1:4566"
INPUTS, RESULTS = "the-inputs", "the-results"
SECRET = "another one at each start"
RANGE = ["content-length-range", 0, 104_857_600]


@cache
def client(secret: str = SECRET) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://{HOST}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key=secret,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}),
    )


def url(
    operation: str = "get_object",
    bucket: str = RESULTS,
    key: str = "answers/1/a b+c.webp",
    secret: str = SECRET,
    **more: Any,
) -> str:
    parameters = {"Bucket": bucket, "Key": key, **more}
    return str(client(secret).generate_presigned_url(operation, parameters, ExpiresIn=900))


def form(bucket: str = INPUTS, key: str = "uploads/u/j/ä b.jpg", secret: str = SECRET) -> dict[str, str]:
    fields: dict[str, str] = client(secret).generate_presigned_post(bucket, key, Conditions=[RANGE])["fields"]
    return fields


def multipart(
    fields: dict[str, str], file: bytes | None = b"picture", boundary: str = "xYz", after: bytes = b""
) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()
    ]
    if file is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="ä.jpg"\r\n'
        head += "Content-Type: image/jpeg\r\n\r\n"
        parts.append(head.encode() + file + b"\r\n")
    return b"".join(parts) + after + f"--{boundary}--\r\n".encode()


def scope(method: str, target: str, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """`target` is a path with its query, or an absolute URL of HOST."""
    parts = urlsplit(target)
    return {
        "type": "http",
        "method": method,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }
