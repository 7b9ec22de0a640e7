"""What Lambda does for an SQS event source: poll the queue, call the function with batches, delete what it managed.

Differences, all on purpose: a message that failed comes again after `redelivery_seconds`, not after what is left of the
queue's visibility timeout; there is one poller a source, not five and more; a stop gives messages back at once.
"""

import asyncio
import contextlib
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final, Protocol

from tools.local_gateway import log
from tools.local_gateway.batches import MalformedBatchAnswer, Message, encode_batch, failed_messages
from tools.local_gateway.pool import FunctionFailed, FunctionUnavailable, Pool
from tools.local_gateway.settings import Settings
from tools.local_gateway.template import QueueSource

# Lambda waits 20. A poll cannot be called off, so this is what it may add to a stop.
_WAIT_SECONDS: Final = 1
_GRACE_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 1.0


class QueueUnavailable(Exception):
    """The queue did not do what it was asked. The message is for the log."""


class Queue(Protocol):
    """One queue. Every method blocks, is called from several threads, and raises QueueUnavailable."""

    @property
    def arn(self) -> str: ...

    def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        """Up to `limit` messages, which nobody else gets for now; none when none came in time."""

    def delete(self, messages: Sequence[Message]) -> None:
        """They were managed."""

    def give_back(self, messages: Sequence[Message], seconds: int) -> None:
        """Whoever asks gets them again, so many seconds from now."""


class Poller:
    """Moves messages from one queue to one function."""

    def __init__(self, source: QueueSource, queue: Queue, pool: Pool, settings: Settings) -> None:
        self._source = source
        self._queue = queue
        self._pool = pool
        self._settings = settings
        # more would only wait for a worker while their visibility timeout runs
        self._at_once = min(source.maximum_concurrency or pool.size, pool.size)
        self._is_unavailable = False

    async def run(self, ended: asyncio.Event) -> None:
        """Until `ended`, and a second longer for the calls under way. What is not managed then is given back."""
        ending = asyncio.ensure_future(ended.wait())
        batches: set[asyncio.Task[None]] = set()
        receiving: asyncio.Task[list[Message]] | None = None
        while not ending.done():
            if receiving is None and len(batches) < self._at_once:
                receiving = asyncio.create_task(self._receive())
            any_of: list[asyncio.Future[Any]] = [ending, *batches, *([receiving] if receiving else [])]
            await asyncio.wait(any_of, return_when=asyncio.FIRST_COMPLETED)
            batches = {batch for batch in batches if not batch.done()}
            if receiving and receiving.done() and not ending.done():
                if messages := receiving.result():
                    batches.add(asyncio.create_task(self._process(messages)))
                receiving = None
        if batches:
            await asyncio.wait(batches, timeout=_GRACE_SECONDS)
            for batch in batches:
                batch.cancel()
            await asyncio.gather(*batches, return_exceptions=True)
        if receiving:
            await self._give_back(await receiving, 0)

    async def _receive(self) -> list[Message]:
        """One long poll; never raises. A queue that does not answer is asked again a second later."""
        try:
            messages = await asyncio.to_thread(self._queue.receive, self._source.batch_size, _WAIT_SECONDS)
        except QueueUnavailable as error:
            if not self._is_unavailable:  # once, not every second
                log.line(f"gateway: queue {self._source.queue}: {error}")
        except Exception:  # noqa: BLE001 - a fault of ours must not end the polling in silence
            log.line(traceback.format_exc())
        else:
            self._is_unavailable = False
            return messages
        self._is_unavailable = True
        await asyncio.sleep(_PAUSE_SECONDS)
        return []

    async def _process(self, messages: list[Message]) -> None:
        """One call with one batch; never raises but for cancellation."""
        began = time.monotonic()
        try:
            failed = await self._failed(messages)
        except asyncio.CancelledError:
            await self._give_back(messages, 0)
            raise
        except Exception:  # noqa: BLE001 - as above
            log.line(traceback.format_exc())
            failed = {message["MessageId"] for message in messages}
        done = [message for message in messages if message["MessageId"] not in failed]
        left = [message for message in messages if message["MessageId"] in failed]
        self._say(done, left, time.monotonic() - began)
        if done:
            try:
                await asyncio.to_thread(self._queue.delete, done)
            except QueueUnavailable as error:
                log.line(f"gateway: queue {self._source.queue}: {error}; messages that are done come again")
        await self._give_back(left, self._settings.redelivery_seconds)

    async def _failed(self, messages: Sequence[Message]) -> Collection[str]:
        """Call the function; the ids of the messages that it has not managed."""
        ids = {message["MessageId"] for message in messages}
        request_id = str(uuid.uuid4())
        trace_id = f"Root=1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]}"
        event = encode_batch(messages, self._queue.arn)
        try:
            returned = await self._pool.invoke(event, request_id=request_id, trace_id=trace_id)
            return failed_messages(returned.answer, ids) if self._source.reports_item_failures else set()
        except FunctionFailed:  # the pool has said why
            return ids
        except FunctionUnavailable:
            log.line(f"gateway: {self._source.function}: there is no worker")
        except MalformedBatchAnswer as error:
            log.line(f"gateway: {self._source.function}: request {request_id}: {error}")
        return ids

    def _say(self, done: Sequence[Message], left: Sequence[Message], seconds: float) -> None:
        """A line a batch: never a message's body, attributes or id."""
        failures = ""
        if left:
            receives = max(int(message["Attributes"]["ApproximateReceiveCount"]) for message in left)
            failures = f", {len(left)} failed (received {receives} times)"
        names = f"{self._source.queue} {self._source.function}"
        log.line(f"SQS {names} {len(done)} done{failures} {seconds * 1000:.0f} ms")

    async def _give_back(self, messages: Sequence[Message], seconds: int) -> None:
        """Failing that, they come again after the queue's visibility timeout."""
        if messages:
            with contextlib.suppress(QueueUnavailable):
                await asyncio.to_thread(self._queue.give_back, messages, seconds)


@contextlib.asynccontextmanager
async def polling(pollers: Sequence[Poller], stop: asyncio.Event) -> AsyncIterator[None]:
    """Run pollers until `stop` or the end of the block, whichever is first; when it is left, they have ended."""
    ended = asyncio.Event()
    running = [asyncio.create_task(poller.run(ended)) for poller in pollers]
    following = asyncio.create_task(_follow(stop, ended))
    try:
        yield
    finally:
        following.cancel()
        ended.set()
        await asyncio.gather(*running)


async def _follow(stop: asyncio.Event, ended: asyncio.Event) -> None:
    await stop.wait()
    ended.set()
