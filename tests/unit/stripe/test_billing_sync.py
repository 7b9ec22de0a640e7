"""The worker's function: of a batch, those that could not be applied come again, and no others."""

import importlib
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from rmbg.storage.database import StoreUnavailable
from rmbg.storage.stripe_api import StripeUnavailable
from tests.support.events import Context


class Applied:
    """A service that notes what it is given, and fails where it is told to."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def apply(self, document: dict[str, Any]) -> None:
        self.ids.append(document["id"])
        if document["type"] == "store":
            raise StoreUnavailable
        if document["type"] == "stripe":
            raise StripeUnavailable


@pytest.fixture(scope="module")
def function() -> Iterator[ModuleType]:
    patch = pytest.MonkeyPatch()
    patch.setenv("CORE_TABLE", "core")
    patch.setenv("EPHEMERAL_TABLE", "ephemeral")
    yield importlib.import_module("functions.billing_sync.handler")
    patch.undo()


@pytest.fixture
def applied(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Applied:
    service = Applied()
    monkeypatch.setattr(function, "service", lambda: service)
    return service


def batch(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{place}",
                "body": body,
                "eventSource": "aws:sqs",
                "attributes": {},
                "messageAttributes": {},
            }
            for place, body in enumerate(bodies)
        ]
    }


def body(kind: str, name: str = "evt") -> str:
    return json.dumps({"id": name, "type": kind})


def failures(function: ModuleType, *bodies: str) -> list[str]:
    response = function.handler(batch(*bodies), Context())
    assert set(response) == {"batchItemFailures"}
    return [each["itemIdentifier"] for each in response["batchItemFailures"]]


def test_a_batch_that_is_applied(function: ModuleType, applied: Applied) -> None:
    assert failures(function, body("x", "a"), body("y", "b")) == []
    assert applied.ids == ["a", "b"]


def test_only_what_failed_comes_again(function: ModuleType, applied: Applied) -> None:
    bodies = (body("x", "a"), body("store", "b"), "no JSON", body("stripe", "c"), body("y", "d"))
    assert failures(function, *bodies) == ["m1", "m2", "m3"]
    assert applied.ids == ["a", "b", "c", "d"]


def test_a_batch_of_nothing_but_failures_is_no_crash(function: ModuleType, applied: Applied) -> None:
    assert failures(function, body("store"), body("stripe")) == ["m0", "m1"]
