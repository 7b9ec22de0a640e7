"""The event that API Gateway (REST, payload version 1.0) makes of an uploaded form, and what Lambda adds."""

import base64
from dataclasses import dataclass
from typing import Any

_BOUNDARY = "----rmbgBenchmark7f3a91"


@dataclass(frozen=True, slots=True)
class Context:
    """What Powertools looks at in Lambda's context object."""

    function_name: str = "benchmark"
    memory_limit_in_mb: int = 3538
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:benchmark"
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 26_000


def form(jpeg: bytes, output_format: str) -> bytes:
    """The multipart body of `curl -F image=@photo.jpg -F format=...`."""
    parts = (
        (b'name="image"; filename="photo.jpg"\r\nContent-Type: image/jpeg', jpeg),
        (b'name="format"', output_format.encode("ascii")),
    )
    boundary = _BOUNDARY.encode("ascii")
    body = b"".join(
        b"--%b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (boundary, head, data) for head, data in parts
    )
    return body + b"--%b--\r\n" % boundary


def proxy_event(jpeg: bytes, output_format: str) -> dict[str, Any]:
    """`POST /rmbg`."""
    headers = {"Accept": "*/*", "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}", "User-Agent": "benchmark"}
    return {
        "resource": "/rmbg",
        "path": "/rmbg",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": "00000000-0000-4000-8000-000000000001",
            "stage": "Prod",
            "httpMethod": "POST",
            "path": "/Prod/rmbg",
            "resourcePath": "/rmbg",
            "identity": {"sourceIp": "192.0.2.7"},
        },
        "body": base64.b64encode(form(jpeg, output_format)).decode("ascii"),
        "isBase64Encoded": True,
    }
