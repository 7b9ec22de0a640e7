"""A wish to stop is heard before, in and after the event loop, however often it comes."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tools.local_gateway.stop import StopRequest

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def same_handlers_afterwards() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_in_the_loop(number: signal.Signals) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    stop = StopRequest()
    stop.install()

    async def wait() -> None:
        event = stop.event()
        assert not event.is_set()
        for _ in range(3):
            os.kill(os.getpid(), number)
        await asyncio.wait_for(event.wait(), 5)

    asyncio.run(wait())
    os.kill(os.getpid(), number)  # the loop is closed


def test_before_the_loop() -> None:
    stop = StopRequest()
    stop.install()
    os.kill(os.getpid(), signal.SIGTERM)

    async def is_set() -> bool:
        return stop.event().is_set()

    assert asyncio.run(is_set())


def test_under_nohup_a_closed_terminal_is_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    StopRequest().install()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_at_the_end_nothing_is_heard() -> None:
    stop = StopRequest()
    stop.install()
    stop.ignore_signals()
    assert all(signal.getsignal(number) is signal.SIG_IGN for number in SIGNALS)
