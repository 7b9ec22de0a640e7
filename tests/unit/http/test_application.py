"""What surrounds every route: errors, announced limits and common headers."""

from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from rmbg.domain.options import FieldProblem
from rmbg.errors import PublicError, invalid_parameters
from rmbg.http.application import Application
from rmbg.http.rate_limits import Limit
from rmbg.http.responses import json_response
from rmbg.observability import logger
from tests.support.events import Context, proxy_event

ANNOUNCED = {"RateLimit-Policy": ['"short";q=5;w=10'], "RateLimit": ['"short";r=4;t=2'], "X-RateLimit-Limit": ["5"]}


def application(cors_allow_origin: str = "*") -> Application:
    """Every request to /health announces; what it answers is in the query."""
    made = Application(cors_allow_origin=cors_allow_origin)

    @made.router.get("/health")
    def announce() -> Response[str]:
        made.announce(Limit("short", 5, 10, 4, 2))
        made.headers["X-RateLimit-Limit"] = "5"
        match made.router.current_event.get_query_string_value("do"):
            case "refuse":
                raise PublicError(429, "No", headers={"Retry-After": "7"})
            case "several":
                raise invalid_parameters([FieldProblem("w", "one"), FieldProblem("h", "two")])
            case "fault":
                raise ValueError("secret")
            case _:
                return json_response(200, {"ok": True})

    @made.router.delete("/api/api-keys/<key_id>")
    def take(key_id: str) -> Response[str]:
        return json_response(200, {"key_id": key_id})

    return made


def call(made: Application, path: str = "/health", method: str = "GET", **query: str) -> dict[str, Any]:
    event = {**proxy_event(method, path), "queryStringParameters": query or None}
    return made(event, Context())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield
    logger.setLevel(level)


@pytest.mark.parametrize(("do", "status"), [("answer", 200), ("refuse", 429), ("several", 400), ("fault", 500)])
def test_limits_are_announced_on_answers_and_on_errors_of_every_kind(do: str, status: int) -> None:
    answer = call(application(), do=do)
    assert answer["statusCode"] == status
    assert {name: answer["multiValueHeaders"].get(name) for name in ANNOUNCED} == ANNOUNCED
    assert answer["multiValueHeaders"]["X-Request-Id"] == ["c6af9ac6-7b61-11e6-9a41-93e8deadbeef"]
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/rmbg", 405)])
@pytest.mark.parametrize("do", ["answer", "refuse", "several", "fault"])
def test_nothing_leaks_into_the_next_answer(do: str, path: str, status: int) -> None:
    made = application()
    call(made, do=do)
    answer = call(made, path)
    assert answer["statusCode"] == status
    assert not set(answer["multiValueHeaders"]) & set(ANNOUNCED)


def test_two_calls_do_not_add_up() -> None:
    made = application()
    assert call(made) == call(made)
    assert call(made)["multiValueHeaders"]["RateLimit"] == ['"short";r=4;t=2']


def test_a_later_word_on_a_policy_takes_the_place_of_an_earlier_one() -> None:
    made = application()

    @made.router.get("/api/membership-usage")
    def twice() -> Response[str]:
        made.announce(Limit("short", 5, 10, 4, 2), Limit("credits", 50, 100, None, 7))
        made.announce(Limit("credits", 50, 100, 3, 7))
        return json_response(200, {})

    headers = call(made, "/api/membership-usage")["multiValueHeaders"]
    assert headers["RateLimit-Policy"] == ['"short";q=5;w=10, "credits";q=50;w=100']
    assert headers["RateLimit"] == ['"short";r=4;t=2, "credits";r=3;t=7']


def test_an_error_s_own_headers_stand_beside_the_announced_ones() -> None:
    answer = call(application(), do="refuse")
    assert answer["multiValueHeaders"]["Retry-After"] == ["7"]
    assert answer["body"] == '{"error": "No", "status": 429}'


def test_several_problems_are_details() -> None:
    assert call(application(), do="several")["body"] == (
        '{"error": "Multiple validation errors", '
        '"details": [{"field": "w", "message": "one"}, {"field": "h", "message": "two"}], "status": 400}'
    )


def test_an_unexpected_fault_tells_no_internals() -> None:
    answer = call(application(), do="fault")
    assert answer["body"] == '{"error": "Internal server error", "status": 500}'
    assert "secret" not in str(answer)


def test_head_announces_what_get_does() -> None:
    assert call(application(), method="HEAD") == call(application())


def test_announced_headers_are_exposed_to_browsers() -> None:
    headers = call(application())["multiValueHeaders"]
    exposed = headers["Access-Control-Expose-Headers"][0].split(", ")
    assert {*ANNOUNCED, "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"} <= set(exposed)
    assert headers["Access-Control-Allow-Origin"] == ["*"]
    headers = call(application("https://example.com"))["multiValueHeaders"]
    assert (headers["Access-Control-Allow-Origin"], headers["Vary"]) == (["https://example.com"], ["Origin"])
    headers = call(application(""))["multiValueHeaders"]
    assert not [name for name in headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "key_id", ["key_0aZ9", "x", "a b", "a.b~c", "é", "{key_id}", 'a"b', "a?b", "a#b", "a\\b", "🐱"]
)
def test_every_path_that_the_routes_name_is_one_that_is_served(key_id: str) -> None:
    """Else DELETE would be refused, with an Allow header that lists it."""
    answer = call(application(), f"/api/api-keys/{key_id}", "DELETE")
    assert answer["statusCode"] in (200, 404)


def test_a_path_with_a_parameter_takes_its_method_alone() -> None:
    answer = call(application(), "/api/api-keys/key_1", "GET")
    assert (answer["statusCode"], answer["multiValueHeaders"]["Allow"]) == (405, ["DELETE, OPTIONS"])
    assert call(application(), "/api/api-keys/", "DELETE")["statusCode"] == 405
    assert call(application(), "/api/api-keys/a/b", "DELETE")["statusCode"] == 404
