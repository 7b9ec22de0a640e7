"""Health, and the gateway's side of the contract: JSON 404, 405 with Allow, HEAD, OPTIONS."""

from typing import TYPE_CHECKING

import pytest

import rmbg
from tests.support.events import proxy_event

if TYPE_CHECKING:
    from tests.contract.conftest import Client


def test_health(client: "Client") -> None:
    answer = client.send(proxy_event("GET", "/health"))
    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "version": rmbg.__version__,
        "model": "u2netp",
        "max_upload_bytes": 4_600_000,
        "max_file_bytes": 52_428_800,
    }
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/nope", "/rmbg/x", "/health/x", "//", "/%2e%2e", "/RMBG", "/api"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE", "BREW"])
def test_unknown_paths(client: "Client", method: str, path: str) -> None:
    answer = client.send(proxy_event(method, path))
    assert (answer.status, answer.error) == (404, "Not found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "BREW"])
def test_wrong_methods(client: "Client", method: str) -> None:
    answer = client.send(proxy_event(method, "/rmbg"))
    assert (answer.status, answer.error) == (405, "Method not allowed")
    assert answer.headers["allow"] == "POST, OPTIONS"
    if method != "GET":
        answer = client.send(proxy_event(method, "/health"))
        assert (answer.status, answer.error) == (405, "Method not allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_trailing_slash_is_tolerated(client: "Client") -> None:
    assert client.send(proxy_event("GET", "/health/")).status == 200
    assert client.send(proxy_event("GET", "/rmbg/")).status == 405
    assert client.send(proxy_event("PUT", "/rmbg//")).status == 404


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/rmbg", 405), ("/nope", 404)])
def test_head_is_get_for_the_function(client: "Client", path: str, status: int) -> None:
    """The gateway leaves the body out (tests/integration)."""
    head, get = client.send(proxy_event("HEAD", path)), client.send(proxy_event("GET", path))
    assert head == get
    assert head.status == status


@pytest.mark.parametrize(("path", "allow"), [("/rmbg", "POST, OPTIONS"), ("/health", "GET, HEAD, OPTIONS")])
def test_options_and_the_preflight(client: "Client", path: str, allow: str) -> None:
    headers = {
        "Origin": "https://example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key,x-custom",
    }
    answer = client.send(proxy_event("OPTIONS", path, headers=headers))
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == allow
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == allow
    assert answer.headers["access-control-allow-headers"] == "x-api-key,x-custom"


def test_a_preflight_repeats_nothing_but_header_names(client: "Client") -> None:
    for asked in ("", "x-é", "a\r\nX-Injected: 1", "x" * 1001):
        answer = client.send(proxy_event("OPTIONS", "/rmbg", headers={"Access-Control-Request-Headers": asked}))
        assert answer.headers["access-control-allow-headers"].startswith("Authorization, Content-Type")
