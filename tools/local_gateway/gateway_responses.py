"""The answers that API Gateway gives by itself, as template.yaml words them (GatewayResponses).

Types, default statuses and the fall-back to DEFAULT_4XX and DEFAULT_5XX: API Gateway developer guide, "Gateway response
types". Header values are mapping expressions: a literal in single quotes, or `context.requestId`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tools.local_gateway.answers import Answer
from tools.local_gateway.intrinsics import TemplateError, as_text

INTEGRATION_FAILURE: Final = "INTEGRATION_FAILURE"
INTEGRATION_TIMEOUT: Final = "INTEGRATION_TIMEOUT"
MISSING_AUTHENTICATION_TOKEN: Final = "MISSING_AUTHENTICATION_TOKEN"  # noqa: S105 - AWS's name for "no such route"
API_CONFIGURATION_ERROR: Final = "API_CONFIGURATION_ERROR"
DEFAULT_4XX: Final = "DEFAULT_4XX"
DEFAULT_5XX: Final = "DEFAULT_5XX"

_AWS_DEFAULTS: Final = {
    INTEGRATION_FAILURE: (504, "Network error communicating with endpoint"),
    INTEGRATION_TIMEOUT: (504, "Endpoint request timed out"),
    MISSING_AUTHENTICATION_TOKEN: (403, "Missing Authentication Token"),
    API_CONFIGURATION_ERROR: (500, "Internal server error"),
    # What a function answers that failed, or that is no proxy answer, has no type of its own and the status 502.
    DEFAULT_5XX: (502, "Internal server error"),
}


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One type's customisation. None leaves AWS's own status or body."""

    status: int | None
    headers: Mapping[str, str]
    body: str | None


class GatewayResponses:
    def __init__(self, responses: Mapping[str, GatewayResponse]) -> None:
        self._responses = responses

    def answer(self, kind: str, request_id: str) -> Answer:
        """The answer of a type, or of DEFAULT_4XX or DEFAULT_5XX where that type is not customised."""
        default_status, message = _AWS_DEFAULTS[kind]
        response = self._responses.get(kind) or self._default(default_status)
        body = json.dumps({"message": message}) if response.body is None else response.body
        return Answer(
            status=response.status or default_status,
            headers=[("Content-Type", "application/json"), *_headers(response, request_id)],
            body=body.replace("$context.requestId", request_id).encode(),
        )

    def refusal(self, status: int, message: str, request_id: str) -> Answer:
        """An answer in our JSON to what API Gateway's front refuses in a format of its own (bad HTTP, stalls)."""
        return Answer(
            status=status,
            headers=[("Content-Type", "application/json"), *_headers(self._default(status), request_id)],
            body=json.dumps({"error": message, "status": status}).encode(),
            close=True,
        )

    def _default(self, status: int) -> GatewayResponse:
        kind = DEFAULT_4XX if status < 500 else DEFAULT_5XX
        return self._responses.get(kind, GatewayResponse(status=None, headers={}, body=None))


def parse_gateway_response(entry: Any, where: str) -> GatewayResponse:
    """One entry of GatewayResponses, intrinsic functions resolved. Raises TemplateError."""
    if not isinstance(entry, dict):
        raise TemplateError(f"{where}: a mapping is expected")
    parameters = entry.get("ResponseParameters") or {}
    headers = parameters.get("Headers") or {}
    templates = entry.get("ResponseTemplates") or {}
    if set(parameters) - {"Headers"}:
        raise TemplateError(f"{where}.ResponseParameters: only Headers can be had on this machine")
    status = entry.get("StatusCode")
    status_text = None if status is None else as_text(status, f"{where}.StatusCode")
    if status_text is not None and not (status_text.isdecimal() and 400 <= int(status_text) <= 599):
        raise TemplateError(f"{where}.StatusCode: 400 to 599 is expected, got: {status_text!r}")
    body = templates.get("application/json")
    if body is not None and "$context." in as_text(body, where).replace("$context.requestId", ""):
        raise TemplateError(f"{where}.ResponseTemplates: only $context.requestId can be had on this machine")
    return GatewayResponse(
        status=None if status_text is None else int(status_text),
        headers={str(name): _expression(value, f"{where}.{name}") for name, value in headers.items()},
        body=None if body is None else as_text(body, where),
    )


def _expression(value: Any, where: str) -> str:
    text = as_text(value, where)
    if text == "context.requestId" or (len(text) >= 2 and text[0] == text[-1] == "'"):
        return text
    raise TemplateError(f"{where}: a literal in single quotes or context.requestId is expected, got: {text!r}")


def _headers(response: GatewayResponse, request_id: str) -> list[tuple[str, str]]:
    return [(name, text[1:-1] if text[0] == "'" else request_id) for name, text in response.headers.items()]
