"""The wish to stop, from Ctrl-C or a SIGTERM, at any time: before there is an event loop, in it, and after it."""

import asyncio
import contextlib
import signal
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """One for a process, installed before anything slow; the second and third signal change nothing."""

    def __init__(self) -> None:
        self._is_requested = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: asyncio.Event | None = None

    def install(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, self._request)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # a closed terminal; under nohup it is ignored
            signal.signal(signal.SIGHUP, self._request)

    def event(self) -> asyncio.Event:
        """The event of the running loop that is set once somebody wants us to stop; set already if somebody did."""
        self._loop, self._event = asyncio.get_running_loop(), asyncio.Event()
        if self._is_requested:
            self._event.set()
        return self._event

    def ignore_signals(self) -> None:
        """For the last moments: Python would give the signals their default action back, and that ends it with one."""
        for number in (*_SIGNALS, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self._is_requested = True
        if self._loop is not None and self._event is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: we are on our way out
                self._loop.call_soon_threadsafe(self._event.set)
