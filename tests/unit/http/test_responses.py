"""Writing answers: sizes, names in headers, and what every answer carries."""

import base64

import pytest

from rmbg.domain.filenames import content_disposition
from rmbg.domain.geometry import Size
from rmbg.domain.options import OutputFormat
from rmbg.domain.pictures import Cutout
from rmbg.errors import PublicError
from rmbg.http.responses import (
    base64_size_bytes,
    error_response,
    fits_answer,
    picture_response,
    result_too_large,
    see_other,
    with_common_headers,
)

CUTOUT = Cutout(bytes(3_000_000), OutputFormat.WEBP, Size(1200, 800))


def test_a_picture_and_what_is_said_of_it() -> None:
    answer = picture_response(CUTOUT, filename="фото.jpg", credits_charged=1, server_timing="decode;dur=1.5")
    assert (answer.status_code, answer.content_type, answer.body) == (200, "image/webp", CUTOUT.data)
    assert dict(answer.headers) == {
        "Content-Type": "image/webp",
        "X-Width": "1200",
        "X-Height": "800",
        "Content-Disposition": (
            "inline; filename=\"____-rmbg.webp\"; filename*=UTF-8''%D1%84%D0%BE%D1%82%D0%BE-rmbg.webp"
        ),
        "Cache-Control": "no-store",
        "X-Credits-Charged": "1",
        "Server-Timing": "decode;dur=1.5",
    }


@pytest.mark.parametrize("size_bytes", [0, 1, 2, 3, 4, 1000])
def test_the_size_of_base64(size_bytes: int) -> None:
    assert base64_size_bytes(size_bytes) == len(base64.b64encode(bytes(size_bytes)))


def test_an_answer_may_be_as_large_as_the_bound_with_its_headers() -> None:
    headers = picture_response(CUTOUT, filename="a.jpg", credits_charged=1, server_timing="").headers
    own = ("X-Width", "X-Height", "Content-Disposition", "Cache-Control")
    bound = 4_000_000 + sum(len(name) + len(str(headers[name])) for name in own)
    assert fits_answer(CUTOUT, filename="a.jpg", max_response_bytes=bound)
    assert fits_answer(CUTOUT, filename="a.jpg", max_response_bytes=0)  # no bound
    assert not fits_answer(CUTOUT, filename="a.jpg", max_response_bytes=bound - 1)


def test_a_result_that_has_nowhere_to_go() -> None:
    refusal = result_too_large(CUTOUT)
    assert refusal.status == 413
    assert refusal.message == (
        "The result (2.9 MB) is larger than this API can return; use format=webp or a smaller w/h."
    )


def test_a_long_name_counts_as_much_as_it_takes() -> None:
    assert fits_answer(CUTOUT, filename="a.jpg", max_response_bytes=4_000_200)
    assert not fits_answer(CUTOUT, filename="图" * 100, max_response_bytes=4_000_200)


def test_a_redirection_says_of_the_picture_what_the_picture_s_answer_says() -> None:
    answer = see_other("https://s3/x", CUTOUT, filename="a.jpg", credits_charged=1, server_timing="decode;dur=1.5")
    direct = picture_response(CUTOUT, filename="a.jpg", credits_charged=1, server_timing="decode;dur=1.5")
    assert (answer.status_code, answer.body) == (303, "")
    expected = {**dict(direct.headers), "Location": "https://s3/x"}
    del expected["Content-Type"]
    assert dict(answer.headers) == expected


def test_a_name_that_is_not_ascii_is_given_twice() -> None:
    assert content_disposition("a-rmbg.png") == 'inline; filename="a-rmbg.png"'
    assert content_disposition("é b.png") == "inline; filename=\"_ b.png\"; filename*=UTF-8''%C3%A9%20b.png"


def test_an_error_repeats_its_status_and_has_its_headers() -> None:
    answer = error_response(PublicError(429, "Too – much", headers={"Retry-After": "3"}))
    assert answer.body == '{"error": "Too – much", "status": 429}'
    assert dict(answer.headers) == {"Retry-After": "3", "Content-Type": "application/json"}


def test_common_headers_are_added_to_what_there_is() -> None:
    result = {"statusCode": 200, "multiValueHeaders": {"X-Width": ["7"], "X-Request-Id": ["forged"]}}
    answer = with_common_headers(result, request_id="id", cors_allow_origin="", announced={"RateLimit": '"short";r=1'})
    assert answer["multiValueHeaders"] == {
        "X-Width": ["7"],
        "RateLimit": ['"short";r=1'],
        "X-Request-Id": ["id"],
        "X-Content-Type-Options": ["nosniff"],
    }
    bare = with_common_headers({"statusCode": 204}, request_id="", cors_allow_origin="*", announced=None)
    assert bare["multiValueHeaders"]["Access-Control-Allow-Origin"] == ["*"]


def test_nothing_announced_can_take_the_place_of_the_request_id() -> None:
    answer = with_common_headers({}, request_id="id", cors_allow_origin="", announced={"X-Request-Id": "forged"})
    assert answer["multiValueHeaders"]["X-Request-Id"] == ["id"]
