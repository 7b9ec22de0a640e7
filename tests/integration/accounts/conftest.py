"""One emulator a session; tests keep apart by accounts that nobody else has."""

from collections.abc import Iterator

import pytest

from rmbg.storage.store import Store
from tests.integration.accounts.books import Books, Clock, opened
from tests.support.store import Store as Tables
from tests.support.store import store as running_store

RACERS = 256


@pytest.fixture(scope="session")
def tables() -> Iterator[Tables]:
    with running_store() as running:
        yield running


@pytest.fixture(scope="session")
def store(tables: Tables) -> Iterator[Store]:
    """Over one client for all racers: botocore's clients are thread-safe, it has a connection for each of them, and
    what races is the store; a client each would take 0.1 seconds a racer to make.
    """
    with opened(tables, max_pool_connections=RACERS) as shared:
        yield shared


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def books(store: Store, clock: Clock) -> Books:
    """100 included credits, at most 14 in flight."""
    return Books(store, clock)
