"""Reading one request's body and sending one answer, over ASGI's receive and send.

Patience is limited in both directions; a client that is refused before its body has arrived still gets to see why.
"""

import asyncio
from typing import Final

from tools.local_gateway.answers import Answer
from tools.local_gateway.asgi import Message, Receive, Send
from tools.local_gateway.settings import Settings

_PIECE: Final = 1 << 18  # bytes to hand to the socket before looking whether it takes them
_LINGER_BYTES: Final = 1 << 30
_LINGER_IDLE_SECONDS: Final = 2.0
_NO_BODY: Final = frozenset({204, 304})


class BodyTooLarge(Exception):
    """More than the limit, announced or sent; the rest has not been read."""


class ClientStalled(Exception):
    """The client sent or took nothing for too long."""


class ClientGone(Exception):
    """The connection has ended."""


async def read_body(receive: Receive, announced_bytes: int, settings: Settings) -> bytearray:
    """The whole body. Raises BodyTooLarge (at once when `announced_bytes` says so), ClientStalled and ClientGone."""
    limit = settings.limits.body_bytes
    if announced_bytes > limit:
        raise BodyTooLarge
    body = bytearray()
    deadline = asyncio.get_running_loop().time() + settings.body_seconds
    while True:
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(now + settings.stall_seconds, deadline)):
                message = await receive()
        except TimeoutError as error:
            raise ClientStalled from error
        if message["type"] != "http.request":
            raise ClientGone
        body += message["body"]
        if len(body) > limit:
            raise BodyTooLarge
        if not message["more_body"]:
            return body


async def send_answer(answer: Answer, receive: Receive, send: Send, settings: Settings, *, linger: bool) -> None:
    """Send an answer, always with its length. `linger`: the request's body has not been read to its end.

    Raises ClientStalled; a client that went away is no error.
    """
    headers = [(name.encode("latin-1"), _value(value)) for name, value in answer.headers]
    body = b"" if answer.status in _NO_BODY else answer.body
    if answer.status not in _NO_BODY:
        headers.append((b"content-length", str(len(body)).encode()))
    if answer.close or linger:
        headers.append((b"connection", b"close"))
    patience = settings.stall_seconds
    await _send(send, {"type": "http.response.start", "status": answer.status, "headers": headers}, patience)
    view = memoryview(body)
    for start in range(0, len(view), _PIECE):
        piece = view[start : start + _PIECE]
        await _send(send, {"type": "http.response.body", "body": piece, "more_body": True}, patience)
    if linger:
        await _discard_rest(receive, settings)
    await _send(send, {"type": "http.response.body", "body": b"", "more_body": False}, patience)


async def _send(send: Send, message: Message, patience_seconds: float) -> None:
    """Waits while what was sent before has not been taken."""
    try:
        async with asyncio.timeout(patience_seconds):
            await send(message)
    except TimeoutError as error:
        raise ClientStalled from error


async def _discard_rest(receive: Receive, settings: Settings) -> None:
    """Read on for a while: closing while data arrives would reset the connection before the answer is read."""
    discarded_bytes = 0
    deadline = asyncio.get_running_loop().time() + settings.linger_seconds
    while discarded_bytes < _LINGER_BYTES:
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(now + _LINGER_IDLE_SECONDS, deadline)):
                message = await receive()
        except TimeoutError:
            return
        if message["type"] != "http.request" or not message["more_body"]:
            return
        discarded_bytes += len(message["body"])


def _value(text: str) -> bytes:
    """ISO 8859-1, as HTTP had it, and UTF-8 for what that does not hold."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", errors="replace")
