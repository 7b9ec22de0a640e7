"""The function that processes objects: what it takes of an event, and what comes again."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from rmbg.storage.database import StoreUnavailable
from tests.support.buckets import object_created, queued
from tests.support.events import Context

NAME = "functions.background_removal.s3_handler"
TEST_EVENT: dict[str, Any] = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-11-10T12:00:00.000Z",
    "Bucket": "b",
}


class Processed:
    """A service that notes what it is given, and fails where it is told to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []

    def process(self, bucket: str, key: str, *, left_seconds: float, last: bool) -> None:
        assert 0 < left_seconds <= 120
        self.told.append((bucket, key, last))
        if "fault" in key:
            raise StoreUnavailable


@pytest.fixture(scope="module")
def function() -> Iterator[ModuleType]:
    """With a stand-in for the network, and not kept for other tests."""
    patch = pytest.MonkeyPatch()
    for name in ("CORE_TABLE", "EPHEMERAL_TABLE", "INPUTS_BUCKET", "RESULTS_BUCKET", "MODEL_DIR"):
        patch.setenv(name, "some")
    patch.setattr("functions.background_removal.imaging.pipeline.Pipeline", lambda *_: None)
    kept = sys.modules.pop(NAME, None)
    yield importlib.import_module(NAME)
    patch.undo()
    del sys.modules[NAME]
    if kept is not None:
        sys.modules[NAME] = kept


@pytest.fixture
def processed(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Processed:
    service = Processed()
    monkeypatch.setattr(function, "service", lambda: service)
    return service


def call(function: ModuleType, event: Any, milliseconds: int = 120_000) -> Any:
    return function.handler(event, Context(remaining_milliseconds=milliseconds))


def failures(answer: dict[str, Any]) -> list[str]:
    assert set(answer) == {"batchItemFailures"}
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def test_keys_are_decoded_as_s3_encodes_them(function: ModuleType, processed: Processed) -> None:
    keys = ["inbox/u/a b+c.jpg", "inbox/u/100%.jpg", "inbox/u/фото/日本 😀.png", "inbox/u/%2B.jpg"]
    assert failures(call(function, queued(object_created("b", *keys)))) == []
    assert processed.told == [("b", key, False) for key in keys]
    raw = object_created("b", "x")
    raw["Records"][0]["s3"]["object"]["key"] = "inbox/u/a+b%2Bc%C3%BC.jpg"
    call(function, raw)
    assert processed.told[-1][1] == "inbox/u/a b+cü.jpg"


def test_only_what_failed_comes_again(function: ModuleType, processed: Processed) -> None:
    events: list[dict[str, Any] | str] = [
        object_created("b", "1"),
        object_created("b", "fault"),
        "no JSON",
        object_created("b", "2"),
    ]
    assert failures(call(function, queued(*events))) == ["m1", "m2"]
    assert [key for _, key, _ in processed.told] == ["1", "fault", "2"]


@pytest.mark.parametrize(("receives", "last"), [(1, False), (4, False), (5, True), (6, True)])
def test_the_fifth_receive_is_the_last(function: ModuleType, processed: Processed, receives: int, last: bool) -> None:
    assert failures(call(function, queued(object_created("b", "fault"), receives=receives))) == ["m0"]
    assert processed.told == [("b", "fault", last)]


def test_what_is_no_creation_is_nothing(function: ModuleType, processed: Processed) -> None:
    removed = object_created("b", "a", eventName="ObjectRemoved:Delete")
    events: list[dict[str, Any]] = [TEST_EVENT, removed, {"Records": []}, {}]
    for event in events:
        assert failures(call(function, queued(event))) == []
        assert call(function, event) == {}
    assert processed.told == []


@pytest.mark.parametrize(
    "kind", ["ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload", "s3:ObjectCreated:Post"]
)
def test_every_kind_of_creation_counts(function: ModuleType, processed: Processed, kind: str) -> None:
    call(function, queued(object_created("b", "a", eventName=kind)))
    assert processed.told == [("b", "a", False)]


def test_a_plain_event_raises_what_fails(function: ModuleType, processed: Processed) -> None:
    assert call(function, object_created("b", "a", "c")) == {}
    with pytest.raises(StoreUnavailable):
        call(function, object_created("b", "fault"))
    assert [key for _, key, _ in processed.told] == ["a", "c", "fault"]


def test_what_there_is_no_time_for_comes_again(function: ModuleType, processed: Processed) -> None:
    assert failures(call(function, queued(object_created("b", "a")), milliseconds=14_999)) == ["m0"]
    assert processed.told == []
    assert failures(call(function, queued(object_created("b", "a")), milliseconds=15_000)) == []
