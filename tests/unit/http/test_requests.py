"""Reading a proxy event: bodies, headers, query."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rmbg.http.requests import body_bytes, header, own_url, query_parameters, request_id
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


@pytest.mark.parametrize(
    ("path", "context", "headers", "url"),
    [
        # under the stage's own address, under a domain of one's own, on the local gateway
        ("/jobs", {"path": "/Prod/jobs", "domainName": "x.amazonaws.com"}, {}, "https://x.amazonaws.com/Prod/jobs/1"),
        ("/jobs", {"path": "/jobs", "domainName": "api.example.com"}, {}, "https://api.example.com/jobs/1"),
        (
            "/jobs",
            {"path": "/v1/jobs", "domainName": "e.com"},
            {"x-forwarded-proto": "https"},
            "https://e.com/v1/jobs/1",
        ),
        (
            "/jobs",
            {"path": "/jobs", "domainName": "127.0.0.1:3000"},
            {"X-Forwarded-Proto": "http"},
            "http://127.0.0.1:3000/jobs/1",
        ),
        ("/jobs", {"path": "/other", "domainName": "e.com"}, {}, "https://e.com/jobs/1"),
        ("/jobs", {}, {"Host": "e.com"}, "https://e.com/jobs/1"),
    ],
)
def test_the_api_s_own_address(path: str, context: dict[str, str], headers: dict[str, str], url: str) -> None:
    assert own_url(event(path=path, requestContext=context, headers=headers), "/jobs/1") == url
