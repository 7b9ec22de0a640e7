"""The event is that of a REST API's proxy integration, version 1.0."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local_gateway.events import EncodedEvent, Request, encode_event, proxy_event, trace_id
from tools.local_gateway.routes import Match, Route

MATCH = Match(Route("POST", "/rmbg", "F"), {})
REQUEST = Request(
    request_id="12345678-1234-1234-1234-1234567890ab",
    method="POST",
    path="/rmbg",
    query="",
    http_version="1.1",
    headers=[("Host", "127.0.0.1:3000"), ("User-Agent", "test/1"), ("tEsT-HEADeR", "aValUE")],
    peer="127.0.0.7",
    port=3000,
    received_epoch=1_700_000_000.25,
    body=b"",
)


def event_of(request: Request, match: Match = MATCH) -> dict[str, Any]:
    return proxy_event(request, match, stage="v1")


def decoded(encoded: EncodedEvent) -> dict[str, Any]:
    whole = b"".join(encoded.chunks())
    assert len(whole) == encoded.size_bytes
    event: dict[str, Any] = json.loads(whole)
    return event


def test_members_are_those_of_version_1() -> None:
    event = decoded(encode_event(REQUEST, MATCH, stage="v1", binary_media_types=["*/*"]))
    assert set(event) == {
        "resource",
        "path",
        "httpMethod",
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "requestContext",
        "body",
        "isBase64Encoded",
    }
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None
    assert event["pathParameters"] is None
    assert event["stageVariables"] is None


def test_request_context() -> None:
    context = event_of(REQUEST)["requestContext"]
    assert context["identity"]["sourceIp"] == "127.0.0.7"
    assert context["identity"]["userAgent"] == "test/1"
    assert context["identity"]["user"] is None
    assert context["requestId"] == REQUEST.request_id
    assert context["stage"] == "v1"
    assert context["path"] == "/rmbg"
    assert context["resourcePath"] == "/rmbg"
    assert context["domainName"] == "127.0.0.1:3000"
    assert context["protocol"] == "HTTP/1.1"
    assert context["requestTimeEpoch"] == 1_700_000_000_250
    assert context["requestTime"] == "14/Nov/2023:22:13:20 +0000"


def test_names_of_headers_keep_their_spelling_and_repeated_ones_their_values() -> None:
    headers = [("X-A", "1"), ("x-a", "2"), ("X-A", "3"), ("Host", "h")]
    event = event_of(replace(REQUEST, headers=headers))
    assert event["multiValueHeaders"]["X-A"] == ["1", "2", "3"]
    assert event["headers"]["X-A"] == "3"
    assert "x-a" not in event["headers"]


def test_what_belongs_to_the_connection_stays_behind() -> None:
    names = ["Connection", "content-length", "TE", "Expect", "Transfer-Encoding", "Keep-Alive", "Upgrade"]
    event = event_of(replace(REQUEST, headers=[(name, "x") for name in names]))
    assert {name.lower() for name in event["headers"]} == {
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-amzn-trace-id",
    }


def test_the_peer_is_appended_to_what_a_client_says_of_itself() -> None:
    headers = [("x-forwarded-for", "1.2.3.4"), ("X-FORWARDED-PROTO", "https"), ("X-Forwarded-Port", "1")]
    event = event_of(replace(REQUEST, headers=headers))
    assert event["headers"]["X-Forwarded-For"] == "1.2.3.4, 127.0.0.7"
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["headers"]["X-Forwarded-Port"] == "3000"
    assert len([name for name in event["headers"] if name.lower().startswith("x-forwarded")]) == 3
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.7"


def test_a_trace_goes_on() -> None:
    ours = event_of(REQUEST)["headers"]["X-Amzn-Trace-Id"]
    assert ours == trace_id(REQUEST)
    theirs = event_of(replace(REQUEST, headers=[("X-Amzn-Trace-Id", "Root=1-2-3")]))
    assert theirs["headers"]["X-Amzn-Trace-Id"] == "Root=1-2-3"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1&a=2&b=", {"a": ["1", "2"], "b": [""]}),
        ("flag", {"flag": [""]}),
        ("email=a%2Bb@c&plus=a+b", {"email": ["a+b@c"], "plus": ["a b"]}),
        ("x=%C3%A9&y=%ff", {"x": ["é"], "y": ["\ufffd"]}),
        ("a;b=1", {"a;b": ["1"]}),
        ("", None),
        ("&&", None),
    ],
)
def test_the_query_is_decoded(query: str, expected: dict[str, list[str]] | None) -> None:
    event = event_of(replace(REQUEST, query=query))
    assert event["multiValueQueryStringParameters"] == expected
    if expected:
        assert event["queryStringParameters"] == {name: values[-1] for name, values in expected.items()}


def test_the_path_stays_as_sent() -> None:
    path = "/jobs/test%2Balias@x/%ff"
    event = event_of(replace(REQUEST, path=path), Match(Route("GET", "/{proxy+}", "F"), {"proxy": path[1:]}))
    assert event["path"] == path
    assert event["pathParameters"] == {"proxy": path[1:]}
    assert event["requestContext"]["resourcePath"] == event["resource"] == "/{proxy+}"


@pytest.mark.parametrize("size", [1, 2, 3, 4, (3 << 18) - 1, 3 << 18, (3 << 18) + 1, (6 << 18) + 2])
def test_a_binary_body_is_one_piece_of_base64(size: int) -> None:
    body = bytes(index % 256 for index in range(size))
    event = decoded(encode_event(replace(REQUEST, body=body), MATCH, stage="v1", binary_media_types=["*/*"]))
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"], validate=True) == body


def test_an_empty_body_is_null() -> None:
    event = decoded(encode_event(REQUEST, MATCH, stage="v1", binary_media_types=["*/*"]))
    assert event["body"] is None
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("content_type", "is_binary"),
    [("image/png", True), ("Image/PNG; q=1", True), ("application/json", False), (None, False)],
)
def test_other_bodies_are_text(content_type: str | None, is_binary: bool) -> None:
    headers = [("Content-Type", content_type)] if content_type else []
    request = replace(REQUEST, headers=headers, body='é"\\\n'.encode() + b"\xff")
    event = decoded(encode_event(request, MATCH, stage="v1", binary_media_types=["image/png"]))
    assert event["isBase64Encoded"] is is_binary
    if not is_binary:
        assert event["body"] == 'é"\\\n\ufffd'


@given(
    path=st.text(max_size=30),
    query=st.text(max_size=60),
    headers=st.lists(st.tuples(st.text(max_size=10), st.text(max_size=10)), max_size=5),
    body=st.binary(max_size=100),
    binary_types=st.sampled_from([["*/*"], ["image/png"], []]),
)
def test_every_request_becomes_an_event(
    path: str, query: str, headers: list[tuple[str, str]], body: bytes, binary_types: list[str]
) -> None:
    request = replace(REQUEST, path=path, query=query, headers=headers, body=body)
    decoded(encode_event(request, MATCH, stage="v1", binary_media_types=binary_types))
