"""What a cold start pays for, by name: a package more in a handler's list is a decision, not an accident."""

from pathlib import Path
from typing import Any

import pytest

from rmbg.domain.keys import api_key
from tests.support.events import File, multipart, proxy_event
from tests.unit.imports.child import ACCOUNT, HANDLERS, IMAGE, SYNC, WEBHOOK, imported

# Of botocore, Powertools imports the empty package itself; typing_extensions and jmespath are its too.
POWERTOOLS = {"aws_lambda_powertools", "botocore", "jmespath", "typing_extensions"}
ALLOWED = {
    IMAGE: POWERTOOLS | {"numpy", "onnxruntime", "PIL", "isal"},
    ACCOUNT: POWERTOOLS,
    WEBHOOK: POWERTOOLS,
    SYNC: POWERTOOLS,
}
# Of Python's own, what costs milliseconds and no handler needs to be ready.
LATE_STANDARD = {"http.client", "urllib.request", "email.message", "xml", "multiprocessing", "unittest", "zoneinfo"}
SDK = {"boto3", "botocore.session", "botocore.client", "botocore.loaders", "urllib3"}
TOKENS = {"jwt", "cryptography"}
FORM = {"requests", "requests_toolbelt"}

KEY = api_key("0" * 36)
MISTYPED_KEY = KEY[:-1] + ("1" if KEY.endswith("0") else "0")


def post(data: bytes, **headers: str) -> dict[str, Any]:
    body = multipart([("image", File(data))])
    kind = {"content-type": "multipart/form-data; boundary=----rmbgTestBoundary7f3a"}
    return proxy_event("POST", "/rmbg", body, {**kind, **headers})


def get(path: str, **headers: str) -> dict[str, Any]:
    return proxy_event("GET", path, None, headers)


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_starts_with_these_packages_and_no_others(handler: str, small_model: Path) -> None:
    loaded = imported(handler, model=small_model)
    assert loaded.foreign_packages == ALLOWED[handler]
    assert loaded.modules & (SDK | TOKENS | FORM | LATE_STANDARD) == set()


def test_health_needs_nothing_more() -> None:
    loaded = imported(ACCOUNT, get("/health"), get("/health"))
    assert loaded.statuses == [200, 200]
    assert loaded.foreign_packages == POWERTOOLS
    assert loaded.modules & SDK == set()


def test_a_mistyped_key_is_refused_without_the_sdk_and_without_reading_the_form() -> None:
    mistyped = {"x-api-key": MISTYPED_KEY}
    for loaded in (
        imported(IMAGE, post(b"x", **mistyped)),
        imported(ACCOUNT, get("/api/membership-usage", **mistyped)),
    ):
        assert loaded.statuses == [401]
        assert loaded.foreign_packages == POWERTOOLS
        assert loaded.modules & SDK == set()


def test_what_is_no_route_is_refused_without_either() -> None:
    loaded = imported(IMAGE, get("/rmbg"), proxy_event("OPTIONS", "/rmbg"), get("/nothing"))
    assert loaded.statuses == [405, 204, 404]
    assert loaded.foreign_packages == POWERTOOLS


def test_an_unsigned_stripe_event_is_refused_without_the_sdk() -> None:
    event = proxy_event("POST", "/webhooks/stripe", b"{}", {"stripe-signature": "t=1,v1=00"})
    loaded = imported(WEBHOOK, event)
    assert loaded.statuses == [400]
    assert loaded.modules & SDK == set()


def test_a_key_that_may_exist_takes_the_sdk_and_still_no_cryptography() -> None:
    loaded = imported(IMAGE, post(b"x", **{"x-api-key": KEY}))
    assert loaded.statuses == [503]  # there is no store here
    assert loaded.modules >= SDK
    assert loaded.modules & (TOKENS | FORM) == set()


def test_a_token_takes_the_cryptography() -> None:
    loaded = imported(ACCOUNT, get("/api/api-keys", authorization="Bearer a.b.c"))
    assert loaded.statuses == [401]
    assert loaded.modules >= {"jwt"}
    assert loaded.modules & SDK == set()
