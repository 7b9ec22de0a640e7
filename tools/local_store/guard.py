"""The emulator without what a web page could do to it. Only the standard library is imported, as in `signatures`."""

import asyncio
import os
import sys
import time
import traceback
from collections.abc import Callable, Container
from typing import Any, Final

from tools.local_store.pages import App, Receive, Scope, Send

_DRAIN_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.01
# Events of S3 reach their queue from threads of their own, just after the request is answered.
_SETTLE_SECONDS: Final = 0.05
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


class Guard:
    """The emulator without what a web page could do to it; says when it has changed, and closes before the end.

    Its own administration (reset, configuration) is closed but for the health check. A browser says of every request
    that could come from a page of another origin what it is (Origin; Fetch Metadata, Sec-Fetch-Site), and by which
    name it found us, which under DNS rebinding is not one of `hosts`: none of them passes, whatever CORS headers the
    emulator would send, but for what `pages` takes.
    """

    def __init__(
        self, app: App, changed: Callable[[], None], hosts: Container[bytes], pages: App | None = None
    ) -> None:
        self._app = app
        self._pages = pages or _refuse_page
        self._changed = changed
        self._hosts = hosts
        self._under_way = 0
        self._is_closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket, which pages may open to anybody
            await send({"type": "websocket.close", "code": 1008})
            return
        path, headers = scope["path"], dict(scope["headers"])
        target = headers.get(b"x-amz-target", b"").rpartition(b".")[2]
        is_from_a_page = b"origin" in headers or b"sec-fetch-site" in headers
        is_called_otherwise = headers.get(b"host", b"").lower() not in self._hosts
        is_signed_twice = b"authorization" in headers and b"x-amz-signature=" in scope["query_string"].lower()
        if is_called_otherwise or (path.startswith("/_") and path != _HEALTH):
            await _refuse(send, 403)
            return
        if is_signed_twice:  # by S3 as well: "Only one auth mechanism allowed"
            await _refuse(send, 400)
            return
        if self._is_closed:
            await _refuse(send, 503)
            return
        answer_bytes, status = 0, 0

        async def counted(message: Any) -> None:
            nonlocal answer_bytes, status
            status = message.get("status", status)
            answer_bytes += len(message.get("body", b""))
            await send(message)

        self._under_way += 1
        try:
            await (self._pages if is_from_a_page else self._app)(scope, receive, counted)
        finally:
            self._under_way -= 1
            is_read = target.startswith(_READING) or (target == _RECEIVING and answer_bytes <= _NO_MESSAGES_BYTES)
            is_change = status < 400 if is_from_a_page else not is_read  # a page may say of itself what it likes
            if scope["method"] not in ("GET", "HEAD", "OPTIONS") and is_change:
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
        await asyncio.sleep(_SETTLE_SECONDS)


async def _refuse_page(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _refuse(send, 403)


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
