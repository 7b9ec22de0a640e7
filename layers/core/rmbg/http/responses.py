"""Writing answers: JSON, errors and pictures, and the headers that every answer carries."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response

from rmbg.domain.filenames import result_name
from rmbg.domain.pictures import Cutout
from rmbg.errors import PublicError

EXPOSED_HEADERS: Final = (
    "Content-Disposition, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Credits-Charged, X-Height, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, X-Width"
)
BYTES_PER_MB: Final = 1_048_576


def json_response(
    status: int, document: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response[str]:
    return Response(
        status_code=status,
        content_type="application/json",
        body=json.dumps(document, ensure_ascii=False),
        headers=dict(headers or {}),
    )


def error_response(error: PublicError) -> Response[str]:
    """`{"error", "details", "status"}`; details only where there are several."""
    document: dict[str, object] = {"error": error.message}
    if error.details:
        document["details"] = [problem._asdict() for problem in error.details]
    document["status"] = error.status
    return json_response(error.status, document, error.headers)


def check_answer_size(cutout: Cutout, *, filename: str, max_response_bytes: int) -> None:
    """Raises PublicError (413) where the encoded answer would outgrow `max_response_bytes` (0: no bound)."""
    headers_size_bytes = sum(len(name) + len(value) for name, value in _picture_headers(cutout, filename).items())
    if max_response_bytes and base64_size_bytes(len(cutout.data)) + headers_size_bytes > max_response_bytes:
        raise PublicError(
            413,
            f"The result ({len(cutout.data) / BYTES_PER_MB:.1f} MB) is larger than this API can return; "
            "use format=webp or a smaller w/h.",
        )


def picture_response(cutout: Cutout, *, filename: str, credits_charged: int, server_timing: str) -> Response[bytes]:
    """200 with the picture's bytes. Content-Length is left to the gateway, which renames one that a function sets."""
    headers = _picture_headers(cutout, filename)
    headers |= {"X-Credits-Charged": str(credits_charged), "Server-Timing": server_timing}
    return Response(status_code=200, content_type=cutout.format.media_type, body=cutout.data, headers=headers)


def _picture_headers(cutout: Cutout, filename: str) -> dict[str, str]:
    return {
        "X-Width": str(cutout.size.width),
        "X-Height": str(cutout.size.height),
        "Content-Disposition": content_disposition(result_name(filename, cutout.format.extension)),
        "Cache-Control": "no-store",
    }


def content_disposition(filename: str) -> str:
    """`inline` with an ASCII name, and the name itself as `filename*` where it is not ASCII (RFC 6266, RFC 8187)."""
    if filename.isascii():
        return f'inline; filename="{filename}"'
    ascii_name = "".join(character if character.isascii() else "_" for character in filename)
    return f"inline; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"


def base64_size_bytes(size_bytes: int) -> int:
    """The length of the base64 text of that many bytes (RFC 4648, section 4)."""
    return (size_bytes + 2) // 3 * 4


def with_common_headers(
    result: dict[str, Any], *, request_id: str, cors_allow_origin: str, announced: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Add to a proxy result what every answer carries, and what the call announced."""
    headers = result.setdefault("multiValueHeaders", {})
    headers.update({name: [value] for name, value in (announced or {}).items()})
    headers["X-Request-Id"] = [request_id]
    headers["X-Content-Type-Options"] = ["nosniff"]
    if cors_allow_origin:
        headers["Access-Control-Allow-Origin"] = [cors_allow_origin]
        headers["Access-Control-Expose-Headers"] = [EXPOSED_HEADERS]
        if cors_allow_origin != "*":
            headers["Vary"] = ["Origin"]
    return result
