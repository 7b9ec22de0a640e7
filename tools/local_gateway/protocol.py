"""HTTP/1.1 itself: uvicorn's h11 protocol, stricter, more patient with clients that are refused, less with slow ones.

What uvicorn answers as text is answered in our JSON; a request must have its headers sent within a time; a client may
close its half of the connection and still gets its answer; and header names keep their spelling, as on API Gateway.
"""

import asyncio
from typing import Any, Final, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from tools.local_gateway import log
from tools.local_gateway.app import Gateway
from tools.local_gateway.asgi import CONNECTION, Receive, Scope, Send

MAX_HEADER_BYTES: Final = 16_384  # request line and headers
_LINGER_SECONDS: Final = 2.0
_MESSAGES: Final = {
    400: "Bad request",
    408: "Request timeout",
    431: "Request header fields too large",
    501: "Not implemented",
    505: "HTTP version not supported",
}


class _StrictConnection(h11.Connection):
    """h11, remembering the request as sent, and refusing what h11 lets pass."""

    request: h11.Request | None = None
    refusal_status: int = 400

    def next_event(self) -> Any:
        try:
            event = super().next_event()
            if isinstance(event, h11.Request):
                self.request = event
                _check(event)
        except h11.RemoteProtocolError as error:
            self.refusal_status = error.error_status_hint if error.error_status_hint in _MESSAGES else 400
            raise
        return event


def _check(request: h11.Request) -> None:
    """Raises RemoteProtocolError."""
    names = [name for name, _ in request.headers]
    if b"transfer-encoding" in names and b"content-length" in names:
        # RFC 9112, section 6.1: one of them lies, and whoever stands before us may believe the other
        raise h11.RemoteProtocolError("Content-Length and Transfer-Encoding")
    if not request.http_version.startswith(b"1."):
        raise h11.RemoteProtocolError("HTTP version", error_status_hint=505)
    # h11 looks at the size only while a request is incomplete
    size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)
    if size > MAX_HEADER_BYTES:
        raise h11.RemoteProtocolError("headers", error_status_hint=431)


class GatewayProtocol(H11Protocol):
    """One connection; also the app's `asgi.Connection`."""

    conn: _StrictConnection

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = _StrictConnection(h11.SERVER, MAX_HEADER_BYTES)
        self._gateway = cast(Gateway, self.app)
        self.app = self._with_connection
        self._header_timer: asyncio.TimerHandle | None = None
        self._is_lingering = False
        self._is_half_closed = False
        self.is_refused = False

    async def _with_connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"] = {CONNECTION: self}
        await self._gateway(scope, receive, send)

    @property
    def request_headers(self) -> list[tuple[bytes, bytes]]:
        return self.conn.request.headers.raw_items() if self.conn.request else []

    def abort(self) -> None:
        self.transport.abort()

    # what the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_header_timer()

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_header_timer()
        elif self._header_timer is None and self.conn.trailing_data[0]:
            self._start_header_timer()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """True keeps the connection open for the answer to a request that has arrived completely."""
        if self._is_lingering or self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return None
        self._is_half_closed = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_header_timer()
        super().connection_lost(exc)

    # what uvicorn calls

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_half_closed and self.cycle.response_complete:
            self.transport.close()

    def shutdown(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:
            self.cycle.keep_alive = False

    def timeout_keep_alive_handler(self) -> None:
        self.transport.close()  # once everything is sent, which a client with a slow line may take its time for
        self.loop.call_later(self._gateway.settings.stall_seconds, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """The request is no HTTP, or more of it than we take."""
        self._refuse(self.conn.refusal_status)

    # ours

    def _start_header_timer(self) -> None:
        self._header_timer = self.loop.call_later(self._gateway.settings.stall_seconds, self._header_timeout)

    def _header_timeout(self) -> None:
        self._header_timer = None
        if self.conn.trailing_data[0]:
            self._refuse(408)
        else:
            self.transport.close()  # a browser's spare connection: it has asked for nothing

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, status: int) -> None:
        self._stop_header_timer()
        self.is_refused = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = self._gateway.refusal(status, _MESSAGES[status])
            headers = [*answer.headers, ("content-length", str(len(answer.body))), ("connection", "close")]
            for event in (
                h11.Response(status_code=status, headers=self.server_state.default_headers + _encoded(headers)),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
            log.access("-", "-", status, 0, len(answer.body))
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._linger()

    def _linger(self) -> None:
        """Close our half and read on for a while, so that the client is not reset before it has read the answer."""
        self._is_lingering = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
