"""What API Gateway says by itself is worded by the template, status and headers included."""

import json
from typing import Any

import pytest

from tools.local_gateway import gateway_responses as responses
from tools.local_gateway.gateway_responses import GatewayResponses, parse_gateway_response
from tools.local_gateway.intrinsics import TemplateError
from tools.make_events import deployment


def parsed(**entry: Any) -> responses.GatewayResponse:
    return parse_gateway_response(entry, "here")


def test_a_customised_type() -> None:
    timeout = parsed(
        StatusCode="504",
        ResponseParameters={"Headers": {"X-Request-Id": "context.requestId", "Retry-After": "'1'"}},
        ResponseTemplates={"application/json": '{"error": "late", "id": "$context.requestId"}'},
    )
    answer = GatewayResponses({responses.INTEGRATION_TIMEOUT: timeout}).answer(responses.INTEGRATION_TIMEOUT, "r-1")
    assert answer.status == 504
    assert answer.headers == [("Content-Type", "application/json"), ("X-Request-Id", "r-1"), ("Retry-After", "1")]
    assert answer.body == b'{"error": "late", "id": "r-1"}'


def test_the_fall_back_is_the_class_and_then_aws_itself() -> None:
    default = GatewayResponses({responses.DEFAULT_5XX: parsed(ResponseTemplates={"application/json": "{}"})})
    assert default.answer(responses.INTEGRATION_TIMEOUT, "r").status == 504
    assert default.answer(responses.INTEGRATION_TIMEOUT, "r").body == b"{}"
    assert default.answer(responses.DEFAULT_5XX, "r").status == 502
    plain = default.answer(responses.MISSING_AUTHENTICATION_TOKEN, "r")
    assert (plain.status, plain.body) == (403, b'{"message": "Missing Authentication Token"}')


@pytest.mark.parametrize(
    "entry",
    [
        [],
        {"StatusCode": "ok"},
        {"StatusCode": "200"},
        {"StatusCode": "600"},
        {"ResponseParameters": {"Headers": {"X": "unquoted"}}},
        {"ResponseParameters": {"Headers": {"X": "method.request.header.Origin"}}},
        {"ResponseParameters": {"Paths": {}}},
        {"ResponseTemplates": {"application/json": "$context.error.message"}},
    ],
)
def test_what_we_cannot_word_the_same_is_an_error(entry: Any) -> None:
    with pytest.raises(TemplateError):
        parse_gateway_response(entry, "here")


@pytest.mark.parametrize("status", ["400", "599", 404])
def test_a_status_is_an_error_status(status: object) -> None:
    assert parsed(StatusCode=status).status == int(str(status))


OURS = {
    responses.MISSING_AUTHENTICATION_TOKEN: (404, "Not found"),
    responses.INTEGRATION_FAILURE: (503, "Service unavailable"),
    responses.INTEGRATION_TIMEOUT: (504, "Gateway timeout"),
    responses.API_CONFIGURATION_ERROR: (500, "Internal server error"),
    responses.DEFAULT_5XX: (500, "Internal server error"),
}


@pytest.mark.parametrize(("kind", "expected"), OURS.items())
def test_our_own_template(kind: str, expected: tuple[int, str]) -> None:
    answer = deployment().gateway_responses.answer(kind, "r-1")
    status, message = expected
    assert answer.status == status
    assert json.loads(answer.body) == {"error": message, "status": status}
    assert ("X-Request-Id", "r-1") in answer.headers
    assert ("Access-Control-Allow-Origin", "*") in answer.headers


def test_every_type_of_our_template_repeats_its_status() -> None:
    customised = deployment().gateway_responses._responses
    assert len(customised) >= 20
    for response in customised.values():
        assert response.body is not None
        assert json.loads(response.body)["status"] == response.status
        assert {"X-Request-Id", "Access-Control-Allow-Origin"} <= set(response.headers)
    assert customised["THROTTLED"].status == 429
    assert "Retry-After" in customised["THROTTLED"].headers
