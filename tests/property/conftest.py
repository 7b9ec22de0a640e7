"""The emulator that some of the properties are held against: one a session."""

from collections.abc import Iterator

import pytest

from rmbg.storage.store import Store
from tests.integration.accounts.books import opened
from tests.support.store import store as running_store


@pytest.fixture(scope="session")
def emulated_store() -> Iterator[Store]:
    """Empty tables on an emulator."""
    with running_store() as tables, opened(tables) as store:
        yield store
