"""The whole gateway: workers first, then the port and the queues; and an end to all of them."""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import uvicorn

from tools.local_gateway.app import Gateway
from tools.local_gateway.intrinsics import TemplateError
from tools.local_gateway.poller import Poller, Queue, polling
from tools.local_gateway.pool import Pool
from tools.local_gateway.protocol import MAX_HEADER_BYTES, GatewayProtocol
from tools.local_gateway.settings import Settings
from tools.local_gateway.tasks import all_or_none, unless_stopped
from tools.local_gateway.template import Deployment

_POLL_SECONDS: Final = 0.01
_NO_QUEUES: Final[Mapping[str, Queue]] = MappingProxyType({})


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals are for whoever calls `serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    deployment: Deployment,
    *,
    root: Path,
    settings: Settings,
    listener: socket.socket,
    stop: asyncio.Event,
    on_ready: Callable[[], None],
    queues: Mapping[str, Queue] = _NO_QUEUES,
) -> None:
    """Serve a deployment on a bound socket until `stop` is set; no process is left when this returns or raises.

    `root` is the folder that the functions' paths start from. `on_ready` is called when every function that somebody
    waits for has been loaded and the port answers; one in the background is loaded for its first message. `queues`
    holds, by logical id, those that functions take messages from.
    Raises InitFailed and OSError, and TemplateError for a queue that is not there.
    """
    for source in deployment.queue_sources:
        if source.queue not in queues:
            raise TemplateError(f"{source.function}: there is no queue {source.queue} on this machine")
    pools = {
        function.name: Pool(function, root, settings, in_background=deployment.is_background(function))
        for function in deployment.functions
    }
    try:
        starting = asyncio.ensure_future(all_or_none(pool.start() for pool in pools.values()))
        if not await unless_stopped(starting, stop):
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return
        pollers = [
            Poller(source, queues[source.queue], pools[source.function], settings)
            for source in deployment.queue_sources
        ]
        async with polling(pollers, stop):
            await _serve_http(Gateway(deployment, pools, settings), settings, listener, stop, on_ready)
    finally:
        await asyncio.gather(*(pool.stop() for pool in pools.values()))


async def _serve_http(
    gateway: Gateway, settings: Settings, listener: socket.socket, stop: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    logger = _quiet_loggers()
    server = _Server(
        uvicorn.Config(
            gateway,
            http=GatewayProtocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # sourceIp is the peer: nobody stands before us
            server_header=False,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(_POLL_SECONDS)
        if server.started:
            on_ready()
        await unless_stopped(serving, stop)
    finally:
        logger.disabled = True  # what it says of requests that are cut off now is no news
        server.should_exit = True
        await serving


def _quiet_loggers() -> logging.Logger:
    """uvicorn's and asyncio's errors only: requests are logged in `app`, refused ones in `protocol`."""
    handler = logging.StreamHandler(sys.stderr)
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.handlers = [handler]
        logger.propagate = False
    return logging.getLogger("uvicorn.error")
