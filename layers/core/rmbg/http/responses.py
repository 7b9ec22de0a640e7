"""Writing answers: JSON, errors and pictures, and the headers that every answer carries."""

import json
from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from rmbg.domain.filenames import content_disposition, result_name
from rmbg.domain.pictures import Cutout
from rmbg.errors import PublicError, error_document

EXPOSED_HEADERS: Final = (
    "Content-Disposition, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Credits-Charged, X-Height, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, X-Width"
)
BYTES_PER_MB: Final = 1_048_576
NO_STORE: Final = {"Cache-Control": "no-store"}


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
    return json_response(error.status, error_document(error), error.headers)


def fits_answer(cutout: Cutout, *, filename: str, max_response_bytes: int) -> bool:
    """Whether the encoded answer stays within `max_response_bytes` (0: no bound)."""
    headers_size_bytes = sum(len(name) + len(value) for name, value in _picture_headers(cutout, filename).items())
    return not max_response_bytes or base64_size_bytes(len(cutout.data)) + headers_size_bytes <= max_response_bytes


def result_too_large(cutout: Cutout) -> PublicError:
    """413, where large results have nowhere to go."""
    return PublicError(
        413,
        f"The result ({len(cutout.data) / BYTES_PER_MB:.1f} MB) is larger than this API can return; "
        "use format=webp or a smaller w/h.",
    )


def picture_response(cutout: Cutout, *, filename: str, credits_charged: int, server_timing: str) -> Response[bytes]:
    """200 with the picture's bytes. Content-Length is left to the gateway, which renames one that a function sets."""
    headers = _picture_headers(cutout, filename)
    headers |= {"X-Credits-Charged": str(credits_charged), "Server-Timing": server_timing}
    return Response(status_code=200, content_type=cutout.format.media_type, body=cutout.data, headers=headers)


def see_other(
    location: str, cutout: Cutout, *, filename: str, credits_charged: int, server_timing: str
) -> Response[str]:
    """303 to where the picture lies, with all that a 200 says of it (RFC 9110, 15.4.4: the client follows by GET)."""
    headers = _picture_headers(cutout, filename)
    headers |= {"Location": location, "X-Credits-Charged": str(credits_charged), "Server-Timing": server_timing}
    return Response(status_code=303, body="", headers=headers)


def _picture_headers(cutout: Cutout, filename: str) -> dict[str, str]:
    return {
        "X-Width": str(cutout.size.width),
        "X-Height": str(cutout.size.height),
        "Content-Disposition": content_disposition(result_name(filename, cutout.format.extension)),
        **NO_STORE,
    }


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
