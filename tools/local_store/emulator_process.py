"""The emulator's own process, under the Python of its virtual environment.

    python -m tools.local_store.emulator_process FD HOST...    the descriptor of the bound socket to serve on,
                                                               and what requests may call it (name:port)

The emulator alone saves its tables only when it is told to stop. Here they are saved shortly after each change as well,
and the end of the parent (standard input reaches its end) is told like a SIGTERM. Nothing of our own requirements can
be imported here, and nothing of the emulator's can be imported elsewhere.
"""

import asyncio
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Container, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# From the first change that is not saved to its save. Each save writes everything, so a large store is saved less
# often, and saving takes a twentieth of the time at most.
_SAVE_AFTER_SECONDS: Final = 0.25
_PAUSE_PER_SAVING: Final = 20.0
_DRAIN_SECONDS: Final = 0.5
# Whatever hangs, the process ends this long after it was told to.
_STOP_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.01
_READING: Final = (
    b"GetItem",
    b"BatchGetItem",
    b"TransactGetItems",
    b"Query",
    b"Scan",
    b"Describe",
    b"List",
    b"GetQueue",
)
# It changes the messages that it brings, if it brings any: a poller that waits for some must not have all saved.
_RECEIVING: Final = b"ReceiveMessage"
_NO_MESSAGES_BYTES: Final = len(b"{}")
_HEALTH: Final = "/_ministack/health"


class Saving:
    """Saves what has changed, now and then, in the loop's own thread: there no request is half done."""

    def __init__(self, save: Callable[[], None]) -> None:
        self._save = save
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()

    def now(self) -> None:
        """Save if there is anything to save."""
        if self._changed.is_set():
            self._changed.clear()
            self._save()

    async def run(self) -> None:
        """For ever; cancel it."""
        pause_seconds = _SAVE_AFTER_SECONDS
        while True:
            await self._changed.wait()
            await asyncio.sleep(pause_seconds)
            began = time.monotonic()
            self.now()
            pause_seconds = max(_SAVE_AFTER_SECONDS, _PAUSE_PER_SAVING * (time.monotonic() - began))


class Guard:
    """The emulator without what a web page could do to it; says when it has changed, and closes before the end.

    Its own administration (reset, configuration) is closed but for the health check. A browser says of every request
    that could come from a page of another origin what it is (Origin; Fetch Metadata, Sec-Fetch-Site), and by which
    name it found us, which under DNS rebinding is not one of `hosts`: none of them passes, whatever CORS headers the
    emulator would send.
    """

    def __init__(self, app: App, changed: Callable[[], None], hosts: Container[bytes]) -> None:
        self._app = app
        self._changed = changed
        self._hosts = hosts
        self._under_way = 0
        self._is_closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._live(scope, receive, send)
            return
        path, headers = scope["path"], dict(scope["headers"])
        target = headers.get(b"x-amz-target", b"").rpartition(b".")[2]
        is_from_a_page = b"origin" in headers or b"sec-fetch-site" in headers
        is_called_otherwise = headers.get(b"host", b"").lower() not in self._hosts
        if is_from_a_page or is_called_otherwise or (path.startswith("/_") and path != _HEALTH):
            await _refuse(send, 403)
            return
        if self._is_closed:
            await _refuse(send, 503)
            return
        answer_bytes = 0

        async def counted(message: Any) -> None:
            nonlocal answer_bytes
            answer_bytes += len(message.get("body", b""))
            await send(message)

        self._under_way += 1
        try:
            await self._app(scope, receive, counted)
        finally:
            self._under_way -= 1
            is_read = target.startswith(_READING) or (target == _RECEIVING and answer_bytes <= _NO_MESSAGES_BYTES)
            if scope["method"] not in ("GET", "HEAD") and not is_read:
                self._changed()

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The emulator's start and end. One that could not load what was kept must not go on, and then save nothing."""
        try:
            await self._app(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever it was, it ends us
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)

    async def close(self) -> None:
        """Take no more requests, and give those under way half a second."""
        self._is_closed = True
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._under_way and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main() -> int:
    """Serve until SIGTERM, SIGINT or the end of the parent, then save. Exit status 0; 1 when it ends otherwise."""
    emulator = importlib.import_module("ministack.app")
    importlib.import_module("ministack.core.hypercorn_compat").install()
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{sys.argv[1]}"]
    config.loglevel = "WARNING"
    config.backlog = 1024
    config.keep_alive_timeout = 3600
    config.keep_alive_max_requests = 1_000_000_000
    asyncio.run(_serve(emulator, config))
    return 1


async def _serve(emulator: Any, config: Any) -> None:
    persistence = importlib.import_module("ministack.core.persistence")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def request_stop() -> None:
        threading.Thread(target=_end_soon, daemon=True).start()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, request_stop)
    threading.Thread(target=_watch_parent, args=(loop, request_stop), daemon=True).start()

    # a service that was never used is not in this mapping, and keeps the file it has
    saving = Saving(lambda: persistence.save_all(emulator._build_persistence_save_dict()))
    guard = Guard(emulator.app, saving.changed, frozenset(host.lower().encode() for host in sys.argv[2:]))
    hypercorn = importlib.import_module("hypercorn.asyncio")
    serving = asyncio.ensure_future(hypercorn.serve(guard, config, shutdown_trigger=asyncio.Event().wait, mode="asgi"))
    stopping = asyncio.ensure_future(stop.wait())
    asyncio.ensure_future(saving.run())  # noqa: RUF006 - nothing else to do with it: the process ends with it
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
        return
    await guard.close()
    saving.now()
    os._exit(0)  # the server would wait for every client that keeps its connection (Python 3.12 and newer)


def _watch_parent(loop: asyncio.AbstractEventLoop, request_stop: Callable[[], None]) -> None:
    while os.read(0, 1):
        pass
    loop.call_soon_threadsafe(request_stop)


def _end_soon() -> None:
    time.sleep(_STOP_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
