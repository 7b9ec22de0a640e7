"""Desks over the store in memory, in both modes and both shapes; and an emulator for what must be seen there."""

from collections.abc import Iterator

import pytest

from rmbg.storage.store import Store
from tests.integration.accounts.books import opened
from tests.integration.stripe.desk import Desk, Objects
from tests.support.memory import memory_store
from tests.support.store import store as running_store
from tools.stripe_events.make import Shape

RACERS = 64


@pytest.fixture(params=["payload", "fetch"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(Shape), ids=lambda shape: shape.value)
def shape(request: pytest.FixtureRequest) -> Shape:
    assert isinstance(request.param, Shape)
    return request.param


@pytest.fixture
def desk(mode: str, shape: Shape) -> Desk:
    """In both modes, in both shapes."""
    return Desk(memory_store(), objects=Objects() if mode == "fetch" else None, shape=shape)


@pytest.fixture
def payloads() -> Desk:
    """In payload mode."""
    return Desk(memory_store())


@pytest.fixture
def fetching() -> Desk:
    """In fetch mode; `objects` is what Stripe has."""
    return Desk(memory_store(), objects=Objects())


@pytest.fixture(scope="session")
def emulated() -> Iterator[Store]:
    """Empty tables on an emulator."""
    with running_store() as tables, opened(tables, max_pool_connections=RACERS) as store:
        yield store
