"""A Stripe world over HTTP on the loopback interface: the GET requests of Stripe's API that a worker makes.

Statuses and error bodies are those of the API reference, "Errors"; lists are its "Pagination" (10 objects unless
`limit` says otherwise, `starting_after`, `has_more`).
"""

import base64
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from tests.support.stripe_world import StripeWorld
from tools.stripe_events.make import Shape

KEY: Final = "sk_test_" + "0" * 24

_DEFAULT_LIMIT: Final = 10
_MAX_LIMIT: Final = 100
_KINDS: Final = {"charges": "charges", "refunds": "refunds", "disputes": "disputes", "invoices": "invoices"}
_FILTERS: Final = ("charge", "customer", "payment_intent", "subscription")
_FAILURES: Final[dict[int, dict[str, str]]] = {
    400: {"type": "invalid_request_error", "message": "Received unknown parameter"},
    401: {"type": "invalid_request_error", "message": "Invalid API Key provided"},
    403: {"type": "invalid_request_error", "message": "The provided key does not have the required permissions"},
    404: {"type": "invalid_request_error", "code": "resource_missing", "message": "No such object"},
    429: {"type": "invalid_request_error", "code": "rate_limit", "message": "Request rate limit exceeded"},
    500: {"type": "api_error", "message": "An unknown error occurred"},
    503: {"type": "api_error", "message": "Stripe is temporarily unavailable"},
}

Answer = tuple[int, dict[str, Any]]


class StripeServer:
    """Serves a world while the block lasts: `with StripeServer(world) as server: ... server.url`.

    `fail(status, times)` makes the next so many requests fail, all of them without `times`; `fail(200)` ends that.
    `delay` is waited before each answer, in seconds. `requests` are the paths that were asked for, with their queries.
    """

    def __init__(self, world: StripeWorld, *, key: str = KEY) -> None:
        self.world = world
        self.requests: list[str] = []
        self.delay = 0.0
        self._key = key
        self._failure = 200
        self._failures_left: int | None = None
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Without a path: `STRIPE_API_BASE`."""
        assert self._server is not None, "inside the block only"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = outer.answer(self.path, self.headers)
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Request-Id", f"req_{len(outer.requests)}")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, status: int, times: int | None = None) -> None:
        with self._lock:
            self._failure, self._failures_left = status, times

    def answer(self, path: str, headers: Any) -> Answer:
        """What is answered to a GET: the status and the body."""
        if self.delay:
            time.sleep(self.delay)
        with self._lock:
            self.requests.append(path)
            failure = self._failure
            if failure != 200 and self._failures_left is not None:
                self._failures_left -= 1
                if self._failures_left <= 0:
                    self._failure = 200
        if failure != 200:
            return _failed(failure)
        if self._key not in _credentials(headers.get("Authorization", "")):
            return _failed(401)
        try:
            shape = Shape.of(headers.get("Stripe-Version") or Shape.CURRENT.value)
        except ValueError:
            return _failed(400, "Invalid Stripe API version")
        asked = urlsplit(path)
        return self._found(asked.path.strip("/").split("/"), parse_qs(asked.query), shape)

    def _found(self, parts: list[str], query: dict[str, list[str]], shape: Shape) -> Answer:
        world = self.world
        retrieve: dict[str, Callable[[str, Shape], dict[str, Any] | None]] = {
            "subscriptions": world.subscription,
            "invoices": world.invoice,
            "charges": world.charge,
            "payment_intents": world.payment_intent,
            "refunds": world.refund,
            "disputes": world.dispute,
            "customers": world.customer,
            "events": lambda event_id, _: world.event(event_id),
        }
        match parts:
            case ["v1", "subscriptions"]:
                customer = query.get("customer", [""])[0]
                status = query["status"][0] if "status" in query else None
                return _page(world.subscriptions_of(customer, status, shape), query, "/v1/subscriptions")
            case ["v1", "checkout", "sessions"]:
                filters = {name: query[name][0] for name in _FILTERS if name in query}
                return _page(world.listed("sessions", **filters), query, "/v1/checkout/sessions")
            case ["v1", kind] if kind in _KINDS:
                filters = {name: query[name][0] for name in _FILTERS if name in query}
                return _page(world.listed(_KINDS[kind], **filters), query, f"/v1/{kind}")
            case ["v1", "checkout", "sessions", session_id]:
                session = world.checkout_session(session_id, shape)
                if session is None:
                    return _missing("checkout.session", session_id)
                if "line_items" not in query.get("expand[]", []) + query.get("expand[0]", []):
                    del session["line_items"]
                return 200, session
            case ["v1", kind, object_id] if kind in retrieve:
                found = retrieve[kind](object_id, shape)
                return (200, found) if found is not None else _missing(kind.removesuffix("s"), object_id)
        return _failed(404, "Unrecognized request URL")


def _page(found: list[dict[str, Any]], query: dict[str, list[str]], url: str) -> Answer:
    limit = int(query.get("limit", [str(_DEFAULT_LIMIT)])[0])
    if not 1 <= limit <= _MAX_LIMIT:
        return _failed(400, "This value must be between 1 and 100")
    after = query.get("starting_after", [""])[0]
    if after:
        ids = [each["id"] for each in found]
        if after not in ids:
            return _missing("object", after)
        found = found[ids.index(after) + 1 :]
    return 200, {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": url}


def _credentials(header: str) -> list[str]:
    """The key of `Bearer`, or the user's name of `Basic`."""
    scheme, _, content = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            return [base64.b64decode(content).decode().partition(":")[0]]
        except ValueError:
            return []
    return [content] if scheme.lower() == "bearer" else []


def _missing(kind: str, object_id: str) -> Answer:
    return _failed(404, f"No such {kind}: '{object_id}'")


def _failed(status: int, message: str = "") -> Answer:
    error = dict(_FAILURES.get(status, _FAILURES[500]))
    if message:
        error["message"] = message
    return status, {"error": error}
