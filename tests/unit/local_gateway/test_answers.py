"""What a function returns becomes HTTP as API Gateway would make it, or is malformed as it would say."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local_gateway.answers import Answer, MalformedAnswer, UndecodableBody, decode, map_answer


def mapped(returned: Any, body: bytes | None = None, *, decode_base64: bool = True) -> Answer:
    return map_answer(returned, body, decode_base64=decode_base64)


def test_status_headers_and_body() -> None:
    answer = mapped({"statusCode": 201, "headers": {"X-A": "1", "X-N": 5, "X-T": True, "X-0": None}}, b"text")
    assert answer.status == 201
    assert answer.headers == [("Content-Type", "application/json"), ("X-A", "1"), ("X-N", "5"), ("X-T", "true")]
    assert answer.body == b"text"


def test_a_status_may_be_text() -> None:
    assert mapped({"statusCode": "404"}).status == 404


def test_multi_value_headers_are_joined_to_the_others_without_pairs_that_are_in_both() -> None:
    answer = mapped(
        {
            "statusCode": 200,
            "headers": {"content-type": "image/png", "Set-Cookie": "b=2", "x-one": "1"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "X-One": ["2"]},
        }
    )
    assert answer.headers == [
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-One", "2"),
        ("content-type", "image/png"),
        ("x-one", "1"),
    ]


def test_headers_of_the_connection_are_dropped_and_the_gateways_own_are_renamed() -> None:
    headers = {"Connection": "close", "TRANSFER-ENCODING": "chunked", "Content-Length": "3", "Date": "x", "Vary": "y"}
    answer = mapped({"statusCode": 200, "headers": headers})
    assert answer.headers[1:] == [
        ("x-amzn-Remapped-Content-Length", "3"),
        ("x-amzn-Remapped-Date", "x"),
        ("Vary", "y"),
    ]


def test_base64_is_decoded_where_the_binary_media_types_cover_it() -> None:
    text = base64.b64encode(b"\x00\xff" * 10)
    returned = {"statusCode": 200, "isBase64Encoded": True}
    assert mapped(returned, text).body == b"\x00\xff" * 10
    assert mapped(returned, text, decode_base64=False).body == text
    assert mapped(returned | {"isBase64Encoded": False}, text).body == text
    assert mapped(returned, None).body == b""


@pytest.mark.parametrize("text", [b"a", b"abc", b"!!!!", b"\xc3\xa9\xc3\xa9", b"ab=c"])
def test_what_claims_to_be_base64_must_be(text: bytes) -> None:
    with pytest.raises(UndecodableBody):
        mapped({"statusCode": 200, "isBase64Encoded": True}, text)


@given(st.binary(max_size=50), st.integers(0, 3))
def test_decoding_in_steps_is_decoding(data: bytes, extra: int) -> None:
    whole = data * 30_000 + bytes(extra)  # up to 1.5 MB: some take two steps
    assert decode(base64.b64encode(whole)) == whole


@pytest.mark.parametrize(
    "returned",
    [
        None,
        "ok",
        [],
        {},
        {"body": None},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 200.5},
        {"statusCode": "ok"},
        {"statusCode": "²00"},
        {"statusCode": 199},
        {"statusCode": 101},
        {"statusCode": 600},
        {"statusCode": "9" * 50},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "extra": 1},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "headers": "x"},
        {"statusCode": 200, "headers": {"X": ["1"]}},
        {"statusCode": 200, "headers": {"X": {}}},
        {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}},
        {"statusCode": 200, "headers": {"X": "a\x00"}},
        {"statusCode": 200, "headers": {"X Y": "a"}},
        {"statusCode": 200, "headers": {"": "a"}},
        {"statusCode": 200, "headers": {"X:": "a"}},
        {"statusCode": 200, "headers": {"é": "a"}},
        {"statusCode": 200, "multiValueHeaders": {"X": "1"}},
        {"statusCode": 200, "multiValueHeaders": {"X": [None]}},
        {"statusCode": 200, "isBase64Encoded": "true"},
        {"errorMessage": "x", "errorType": "y"},
    ],
)
def test_malformed(returned: Any) -> None:
    with pytest.raises(MalformedAnswer) as caught:
        mapped(returned)
    assert "Set-Cookie" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 599])
def test_the_statuses_at_the_edges_pass(status: int) -> None:
    assert mapped({"statusCode": status}).status == status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"statusCode": st.just(200) | JSON},
        optional={"headers": JSON, "multiValueHeaders": JSON, "isBase64Encoded": JSON, "body": JSON, "x": JSON},
    ),
    st.none() | st.binary(max_size=20),
)
def test_any_json_is_an_answer_or_malformed(returned: dict[str, Any], body: bytes | None) -> None:
    try:
        answer = mapped(returned, body)
    except (MalformedAnswer, UndecodableBody):
        return
    assert 200 <= answer.status <= 599
