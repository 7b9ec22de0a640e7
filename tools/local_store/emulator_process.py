"""The emulator's own process, under the Python of its virtual environment.

    python -m tools.local_store.emulator_process FD HOST...    the descriptor of the bound socket to serve on,
                                                               and what requests may call it (name:port)

With the variables of PAGES, web pages may do what `pages` says; without them, nothing.

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
from collections.abc import Callable, Mapping
from typing import Any, Final

from tools.local_store.guard import Guard
from tools.local_store.pages import App, Headers, Pages
from tools.local_store.signatures import Signer

# From the first change that is not saved to its save. Each save writes everything, so a large store is saved less
# often, and saving takes a twentieth of the time at most.
_SAVE_AFTER_SECONDS: Final = 0.25
_PAUSE_PER_SAVING: Final = 20.0
# Whatever hangs, the process ends this long after it was told to.
_STOP_SECONDS: Final = 3.0
# Who may sign for a web page, and for what.
PAGES: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MINISTACK_REGION", "PAGES_INPUTS", "PAGES_RESULTS")


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


class BucketCors:
    """The emulator's own reading of a bucket's rules, which it follows only where it checks all signatures."""

    def headers(self, bucket: str, method: str, request: Headers) -> Headers:
        return self._headers(self._s3().cors_response_headers(bucket, method, request))

    def preflight(self, bucket: str, key: str, request: Headers) -> tuple[int, Headers]:
        status, headers, _ = self._s3().cors_preflight(bucket, key, request)
        return status, self._headers(headers)

    def _s3(self) -> Any:
        return importlib.import_module("ministack.services.s3")

    def _headers(self, headers: Mapping[str, Any]) -> Headers:
        return {name: str(value) for name, value in headers.items() if name.lower().startswith(("access-", "vary"))}


def pages_of(environment: Mapping[str, str], app: App) -> App | None:
    """What web pages may do; None without all variables of PAGES."""
    if not all(environment.get(name) for name in PAGES):
        return None
    access_key, secret, region, inputs, results = (environment[name] for name in PAGES)
    return Pages(app, BucketCors(), inputs, results, Signer(access_key, secret, region))


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
    hosts = frozenset(host.lower().encode() for host in sys.argv[2:])
    guard = Guard(emulator.app, saving.changed, hosts, pages_of(os.environ, emulator.app))
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
