"""What a web page may do with the emulator: post a signed form to one bucket, read signed URLs of another.

Everything else that could come from a page is refused, whosever page it is: any of them can send requests to this
machine, and among the emulator's services are some that a page must never reach. What passes is written anew from what
was checked here, so that nothing passes along with it. Only the standard library is imported, as in `signatures`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

from tools.local_store.post_form import MAX_HEAD_BYTES, MalformedForm, boundary_of, read_head, rewritten
from tools.local_store.signatures import Signer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Mapping[str, str]

# CONTRACT.md, Large files: the policy's own limit, and room for the fields.
_MAX_BODY_BYTES: Final = 104_857_600 + MAX_HEAD_BYTES + 1024
_QUERY: Final = frozenset(
    {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"}
)
_ANSWER_HEADERS: Final = frozenset({"response-content-type", "response-content-disposition"})
_READING_HEADERS: Final[Sequence[str]] = (
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
)
_CORS: Final = b"access-control-"


class Cors(Protocol):
    """The rules of a bucket: headers of an answer, and a preflight's whole answer."""

    def headers(self, bucket: str, method: str, request: Headers) -> Headers: ...

    def preflight(self, bucket: str, key: str, request: Headers) -> tuple[int, Headers]: ...


class Refused(Exception):
    """It is none of what a page may do. `status` is all that it learns."""

    def __init__(self, status: int = 403) -> None:
        super().__init__()
        self.status = status


@dataclass(frozen=True, slots=True)
class Pages:
    """An application for requests that a page may have made."""

    app: App
    cors: Cors
    inputs_bucket: str
    results_bucket: str
    signer: Signer
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = _headers(scope)
            method, path = scope["method"], scope["path"]
            if method == "OPTIONS":
                await self._preflight(scope, headers, send)
            elif method == "POST" and self._is_inputs(scope):
                await self._upload(scope, headers, receive, send)
            elif method in ("GET", "HEAD") and self._is_signed_result(scope, headers, method):
                kept = {name: headers[name] for name in _READING_HEADERS if name in headers}
                answered = self._answering(send, path, method, headers)
                await self.app(_scope(scope, {"host": headers["host"], **kept}), _nothing, answered)
            else:
                raise Refused
        except Refused as refused:
            await _answer(send, refused.status, {})

    def _is_inputs(self, scope: Scope) -> bool:
        return scope["path"] in (f"/{self.inputs_bucket}", f"/{self.inputs_bucket}/") and not scope["query_string"]

    def _is_signed_result(self, scope: Scope, headers: Headers, method: str) -> bool:
        path = str(scope["path"])
        bucket, _, key = path.removeprefix("/").partition("/")
        if not path.startswith("/") or bucket != self.results_bucket or not key:
            return False
        query = _query(scope["query_string"])
        if not query.keys() >= _QUERY or not query.keys() <= _QUERY | _ANSWER_HEADERS:
            return False
        return self.signer.signed_query(method, headers["host"], path, query, self.now())

    async def _preflight(self, scope: Scope, headers: Headers, send: Send) -> None:
        method = headers.get("access-control-request-method", "")
        is_upload = method == "POST" and self._is_inputs(scope)
        if not is_upload and not (method in ("GET", "HEAD") and self._is_signed_result(scope, headers, method)):
            raise Refused
        bucket, _, key = str(scope["path"])[1:].partition("/")
        await _answer(send, *self.cors.preflight(bucket, key, headers))

    async def _upload(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Nothing is taken in beyond the fields before their signature is known to be good."""
        length = headers.get("content-length", "")
        if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
            raise Refused(411)
        if len(length) > len(str(_MAX_BODY_BYTES)) or int(length) > _MAX_BODY_BYTES:
            raise Refused(413)
        body, head = bytearray(), None
        try:
            boundary = boundary_of(headers.get("content-type", ""))
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    return  # it has gone
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if head is None and (head := read_head(body, boundary)) and not self.signer.signed_form(head.fields):
                    raise Refused
                if len(body) > _MAX_BODY_BYTES:
                    raise Refused(413)
            if head is None:
                raise MalformedForm
            content_type, parts = await asyncio.to_thread(rewritten, head.fields, body, head, boundary)
        except MalformedForm:
            raise Refused(400) from None
        del body
        size = str(sum(map(len, parts)))
        own = {"host": headers["host"], "content-type": content_type, "content-length": size}
        await self.app(_scope(scope, own), _replay(parts), self._answering(send, scope["path"], "POST", headers))

    def _answering(self, send: Send, path: str, method: str, headers: Headers) -> Send:
        """The emulator would let any page read any answer; the bucket's own rules count."""
        bucket = path.split("/")[1]

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = [(n, v) for n, v in message.get("headers", []) if not n.lower().startswith(_CORS)]
                message = {**message, "headers": [*own, *_encoded(self.cors.headers(bucket, method, headers))]}
            await send(message)

        return answer


def _headers(scope: Scope) -> dict[str, str]:
    """No browser sends one twice, or needs anything but ASCII. Raises Refused."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in headers:
            raise Refused(400)
        headers[key] = value.decode("latin-1")
    return headers


def _query(text: bytes) -> dict[str, str]:
    """Raises Refused when it is none, or names a parameter twice."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=16
        )
    except ValueError:
        raise Refused from None
    query = dict(pairs)
    if len(query) != len(pairs):
        raise Refused
    return query


def _scope(scope: Scope, headers: Headers) -> Scope:
    return {**scope, "headers": _encoded(headers)}


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


def _replay(parts: list[bytes]) -> Receive:
    left = list(parts)

    async def receive() -> Any:
        part = left.pop(0) if left else b""
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    return receive


async def _answer(send: Send, status: int, headers: Headers) -> None:
    own = {**{name.lower(): value for name, value in headers.items()}, "content-length": "0"}
    await send({"type": "http.response.start", "status": status, "headers": _encoded(own)})
    await send({"type": "http.response.body", "body": b""})
