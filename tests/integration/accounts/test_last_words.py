"""What a function still says to the store when its time is nearly up ends before the function is ended."""

import socket
import time
from collections.abc import Iterator

import pytest

from rmbg.config import load_catalogue
from rmbg.domain.credits import Bucket, Channel, Reservation
from rmbg.services.credits import Charge, Credits
from rmbg.services.deadline import ANSWER_SECONDS
from rmbg.storage import database, schema
from rmbg.storage.store import Store, open_store
from tools.make_events import deployment

CHARGE = Charge(
    schema.account("someone"), Reservation("r" * 22, 2_000_000_000, Channel.API, "202611"), Bucket.PREPAID, 1
)
ONE_CALL_SECONDS = database.BRIEF_CONNECT_TIMEOUT_SECONDS + database.BRIEF_READ_TIMEOUT_SECONDS


@pytest.fixture
def silent_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Takes connections and never answers."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield open_store("core", "ephemeral", f"http://127.0.0.1:{listener.getsockname()[1]}")


def test_a_last_call_fits_between_the_deadline_and_the_function_s_timeout() -> None:
    (image,) = (function for function in deployment().functions if function.name == "BackgroundRemovalFunction")
    assert image.timeout_seconds > ANSWER_SECONDS + ONE_CALL_SECONDS


def test_a_commit_at_the_deadline_is_tried_once(silent_store: Store) -> None:
    start = time.monotonic()
    assert Credits(silent_store, load_catalogue("")).commit(CHARGE, deadline=lambda: 0.0) is False
    assert time.monotonic() - start < 2 * ONE_CALL_SECONDS  # one call, not the three that others get


def test_a_refund_is_left_to_the_lease_after_two_tries(silent_store: Store) -> None:
    start = time.monotonic()
    Credits(silent_store, load_catalogue("")).refund(CHARGE)
    assert time.monotonic() - start < 3 * ONE_CALL_SECONDS
