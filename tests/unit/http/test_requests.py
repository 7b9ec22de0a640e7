"""Reading a proxy event: bodies, headers, query."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rmbg.http.requests import body_bytes, header, query_parameters, request_id
from tests.support.events import proxy_event


def event(**changes: Any) -> APIGatewayProxyEvent:
    return APIGatewayProxyEvent({**proxy_event("GET", "/health"), **changes})


def test_a_body_is_the_bytes_that_were_sent() -> None:
    assert body_bytes(event(body="AP/+", isBase64Encoded=True)) == b"\x00\xff\xfe"
    assert body_bytes(event(body="é", isBase64Encoded=False)) == "é".encode()
    assert body_bytes(event(body=None)) == b""
    assert body_bytes(event(body="a", isBase64Encoded=True)) == b""
    assert body_bytes(event(body="é", isBase64Encoded=True)) == b""


def test_a_header_in_any_case_or_nothing() -> None:
    assert header(event(headers={"X-Api-KEY": "k"}), "x-api-key") == "k"
    assert header(event(headers={"x-api-key": None}), "x-api-key") == ""
    assert header(event(headers=None), "x-api-key") == ""


@pytest.mark.parametrize("context", [None, {}, {"requestId": None}])
def test_a_request_without_an_id_has_an_empty_one(context: dict[str, Any] | None) -> None:
    assert request_id(event(requestContext=context)) == ""


def test_all_values_of_a_query_parameter_in_their_order() -> None:
    query = {"expand": ["b", "a"], "year": ["2026"]}
    assert query_parameters(event(multiValueQueryStringParameters=query)) == query
    assert query_parameters(event(multiValueQueryStringParameters=None)) == {}
