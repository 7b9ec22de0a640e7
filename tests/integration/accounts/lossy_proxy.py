"""A proxy on the loopback interface that lets every write through, and loses some of the answers."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_WRITES = ("UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems")
_PATIENCE_SECONDS = 30


class Loss(Enum):
    """What becomes of a write whose answer is lost. All but the last two have been applied by then."""

    ERROR = "applied, then 500"
    CLOSED = "applied, then the connection is closed"
    SILENT = "applied, and no answer before the client gives up"
    NEVER = "never applied, then 500"
    LATE = "applied when `apply_late` is called, long after the client gave up"


@dataclass
class Plan:
    """Lose the writes with these numbers, counted from 1."""

    loss: Loss
    first: int
    last: int
    seen: int = 0
    lost: list[str] = field(default_factory=list)


class LossyProxy:
    """Loses what it is told to; everything else passes."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._plan: Plan | None = None
        self._lock = threading.Lock()
        self._late: list[tuple[str, bytes, dict[str, str]]] = []
        self.released = threading.Event()
        self.url = ""

    @contextmanager
    def losing(self, loss: Loss, *, first: int, count: int = 1) -> Iterator[Plan]:
        """In the block, lose `count` writes from the `first` one on, the client's own retries included."""
        self._plan = Plan(loss, first, first + count - 1)
        self.released.clear()
        try:
            yield self._plan
        finally:
            self._plan = None
            self.released.set()

    def fate(self, operation: str) -> Loss | None:
        """What is to become of an operation."""
        plan = self._plan
        if plan is None or operation not in _WRITES:
            return None
        with self._lock:
            plan.seen += 1
            if not plan.first <= plan.seen <= plan.last:
                return None
            plan.lost.append(operation)
            return plan.loss

    def forward(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_SECONDS)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def keep_for_later(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        with self._lock:
            self._late.append((path, body, headers))

    def apply_late(self) -> list[int]:
        """Let the writes through that were kept; their statuses."""
        with self._lock:
            late, self._late = self._late, []
        return [self.forward(*request)[0] for request in late]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    proxy: LossyProxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client had gone: as intended."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"connection", "host"}}
        loss = proxy.fate(self.headers.get("X-Amz-Target", "").rpartition(".")[2])
        if loss is Loss.LATE:
            proxy.keep_for_later(self.path, body, headers)
        if loss in (Loss.NEVER, Loss.LATE):
            self._answer(500, [], b"{}")
            return
        status, answered, content = proxy.forward(self.path, body, headers)
        match loss:
            case Loss.ERROR:
                self._answer(500, [], b"{}")
            case Loss.CLOSED:
                self.close_connection = True
            case Loss.SILENT:
                proxy.released.wait(_PATIENCE_SECONDS)
                self.close_connection = True
            case _:
                self._answer(status, answered, content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Nothing."""


@contextmanager
def running_proxy(upstream: str) -> Iterator[LossyProxy]:
    """A proxy in front of an emulator, until the end of the block."""
    proxy = LossyProxy(upstream)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.proxy = proxy
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.released.set()
            server.shutdown()
            thread.join()
