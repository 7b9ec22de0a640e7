"""One request from its first header to its last byte: body → route → event → function → answer."""

import asyncio
import time
import traceback
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from tools.local_gateway import exchange, log
from tools.local_gateway import gateway_responses as responses
from tools.local_gateway.answers import Answer, MalformedAnswer, UndecodableBody, map_answer
from tools.local_gateway.asgi import CONNECTION, Connection, Receive, Scope, Send
from tools.local_gateway.events import Request, encode_event, trace_id
from tools.local_gateway.media_types import is_binary
from tools.local_gateway.pool import FunctionFailed, FunctionUnavailable, Pool, Returned
from tools.local_gateway.routes import Match, Router
from tools.local_gateway.settings import Settings
from tools.local_gateway.template import Deployment

_CLIENT_GONE: Final = 499  # for the log alone
_LARGE_BYTES: Final = 1 << 20


class Gateway:
    """The ASGI application. `pools` holds one pool a function of the deployment, by its name."""

    def __init__(self, deployment: Deployment, pools: Mapping[str, Pool], settings: Settings) -> None:
        self._deployment = deployment
        self._router = Router(deployment.routes)
        self._pools = pools
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; never raises but for cancellation."""
        started = time.monotonic()
        request_id = str(uuid.uuid4())
        connection: Connection = scope["extensions"][CONNECTION]
        status, size_bytes = _CLIENT_GONE, 0
        try:
            answer, is_read = await self._answer(scope, receive, request_id)
            answer.headers.append(("x-amzn-RequestId", request_id))
            status, size_bytes = answer.status, len(answer.body)
            await exchange.send_answer(answer, receive, send, self.settings, linger=not is_read)
        except asyncio.CancelledError:  # the service stops; uvicorn would answer with a text of its own
            if status == _CLIENT_GONE:
                status = HTTPStatus.SERVICE_UNAVAILABLE
                answer = self._own(responses.INTEGRATION_FAILURE, request_id)
                await exchange.send_answer(answer, receive, send, self.settings, linger=False)
            else:  # half of it is sent
                connection.abort()
            raise
        except exchange.ClientGone:
            pass
        except exchange.ClientStalled:
            connection.abort()
        except Exception:  # noqa: BLE001 - a fault of ours must not end as uvicorn's text
            log.line(traceback.format_exc())
            connection.abort()
        if not connection.is_refused:
            milliseconds = (time.monotonic() - started) * 1000
            log.access(scope["method"], scope["raw_path"].decode("ascii"), status, milliseconds, size_bytes)

    def refusal(self, status: int, message: str) -> Answer:
        """The answer to what is no request: it has an id all the same."""
        request_id = str(uuid.uuid4())
        answer = _signed(self._deployment.gateway_responses.refusal(status, message, request_id), request_id)
        answer.headers.append(("x-amzn-RequestId", request_id))
        return answer

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> tuple[Answer, bool]:
        """The answer, and whether the request's body has been read to its end. Raises ClientGone."""
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            body = await exchange.read_body(receive, int(announced), self.settings)
        except exchange.BodyTooLarge:
            return _signed(self._too_large(), request_id), False
        except exchange.ClientStalled:
            refusal = self._deployment.gateway_responses.refusal(408, "Request timeout", request_id)
            return _signed(refusal, request_id), True  # a client that sends nothing need not be listened to
        request = _request(scope, body, request_id)
        try:
            return await self._integrate(request), True
        except Exception:  # noqa: BLE001 - as above
            log.line(traceback.format_exc())
            return self._own(responses.DEFAULT_5XX, request_id), True

    async def _integrate(self, request: Request) -> Answer:
        match = self._router.match(request.method, request.path)
        if match is None:
            return self._own(responses.MISSING_AUTHENTICATION_TOKEN, request.request_id)
        event = encode_event(
            request,
            match,
            stage=self._deployment.stage,
            binary_media_types=self._deployment.binary_media_types,
        )
        limit = self.settings.limits.event_bytes
        if limit is not None and event.size_bytes > limit:
            answer = Answer(413, [("Content-Type", "application/json")], b'{"message":"Request Too Long"}')
            return _signed(answer, request.request_id)
        pool = self._pools[match.route.function]
        try:
            async with asyncio.timeout(self.settings.integration_seconds):
                returned = await pool.invoke(event, request_id=request.request_id, trace_id=trace_id(request))
        except TimeoutError:
            return self._own(responses.INTEGRATION_TIMEOUT, request.request_id)
        except FunctionUnavailable:
            return self._own(responses.INTEGRATION_FAILURE, request.request_id)
        except FunctionFailed:
            # On AWS all of them (raised, killed at its timeout, died) come as 502, which DEFAULT_5XX words.
            return self._own(responses.DEFAULT_5XX, request.request_id)
        return await self._mapped(returned, request, match)

    async def _mapped(self, returned: Returned, request: Request, match: Match) -> Answer:
        limit = self.settings.limits.answer_bytes
        if limit is not None and returned.answer_bytes > limit:
            log.line(f"gateway: {match.route.function}: an answer of {returned.answer_bytes} bytes; {limit} may pass")
            return self._own(responses.DEFAULT_5XX, request.request_id)
        decode_base64 = is_binary(self._deployment.binary_media_types, request.header("Accept"))
        try:
            if len(returned.body or b"") < _LARGE_BYTES:
                return map_answer(returned.answer, returned.body, decode_base64=decode_base64)
            return await asyncio.to_thread(map_answer, returned.answer, returned.body, decode_base64=decode_base64)
        except MalformedAnswer as error:
            log.line(f"gateway: {match.route.function}: malformed proxy answer: {error}")
            return self._own(responses.DEFAULT_5XX, request.request_id)
        except UndecodableBody:
            log.line(f"gateway: {match.route.function}: isBase64Encoded, but the body is no base64")
            return self._own(responses.API_CONFIGURATION_ERROR, request.request_id)

    def _own(self, kind: str, request_id: str) -> Answer:
        return _signed(self._deployment.gateway_responses.answer(kind, request_id), request_id)

    def _too_large(self) -> Answer:
        limit = self.settings.limits.body_bytes
        text = f"HTTP content length exceeded {limit} bytes."
        return Answer(413, [("Content-Type", "text/plain")], text.encode(), close=True)


def _signed(answer: Answer, request_id: str) -> Answer:
    """The gateway's own answers carry the request's id; functions name it themselves."""
    if not answer.has_header("X-Request-Id"):
        answer.headers.append(("X-Request-Id", request_id))
    return answer


def _request(scope: Scope, body: bytearray, request_id: str) -> Request:
    connection: Connection = scope["extensions"][CONNECTION]
    return Request(
        request_id=request_id,
        method=scope["method"],
        path=_origin_form(scope["raw_path"].decode("ascii")),
        query=scope["query_string"].decode("ascii"),
        http_version=scope["http_version"],
        headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in connection.request_headers],
        peer=_peer(scope),
        port=scope["server"][1] if scope.get("server") else 0,
        received_epoch=time.time(),
        body=body,
    )


def _peer(scope: Scope) -> Any:
    return scope["client"][0] if scope.get("client") else "127.0.0.1"


def _origin_form(target: str) -> str:
    """The path of a request target; servers must take the form that proxies use, too (RFC 9112, section 3.2.2)."""
    for scheme in ("http://", "https://"):
        if target.lower().startswith(scheme):
            _, slash, path = target[len(scheme) :].partition("/")
            return slash + path or "/"
    return target
