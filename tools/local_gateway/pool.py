"""The workers of one function, and the queue before them.

Each worker takes one call at a time. One that ends, hangs beyond the function's timeout or fails to start is replaced;
a call that it had not begun goes to another one. As on Lambda, a call that has begun runs to its end, whoever has left.
Workers in the background are started by the first call.
"""

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.local_gateway import frames, log
from tools.local_gateway.events import EncodedEvent
from tools.local_gateway.process import InitFailed, WorkerProcess
from tools.local_gateway.settings import Settings
from tools.local_gateway.tasks import all_or_none
from tools.local_gateway.template import Function

_HAND_OVER_SECONDS: Final = 30.0  # to take in a whole event; 140 MB take under one
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 10.0


class FunctionFailed(Exception):
    """The call came to no answer: it raised, took too long, or its process ended. The message is for the log."""


class FunctionUnavailable(Exception):
    """There is no worker, and the last attempt to start one failed."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a function returned: its JSON without the body, the body's text as UTF-8, and the size of both as JSON."""

    answer: Any
    body: bytearray | None
    answer_bytes: int


@dataclass(order=True, slots=True)
class _Call:
    number: int
    event: EncodedEvent = field(compare=False)
    meta: dict[str, Any] = field(compare=False)
    result: asyncio.Future[Returned] = field(compare=False)
    attempts: int = field(default=0, compare=False)

    def fail(self, error: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(error)

    def finish(self, returned: Returned) -> None:
        if not self.result.done():
            self.result.set_result(returned)


class Pool:
    """Start it before the first call; stop it whatever happens."""

    def __init__(self, function: Function, root: Path, settings: Settings, *, in_background: bool = False) -> None:
        self.function = function
        self._root = root
        self._settings = settings
        self._size = settings.workers_for(function, in_background=in_background)
        self._starts_late = in_background
        self._calls: asyncio.PriorityQueue[_Call] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._workers: set[WorkerProcess] = set()
        self._slots: list[asyncio.Task[None]] = []
        self._live = 0
        self._broken = False

    @property
    def size(self) -> int:
        """How many calls run at once."""
        return self._size

    async def start(self) -> None:
        """Start all workers and wait for their INIT; in the background, do nothing. Raises InitFailed and OSError."""
        if self._starts_late:
            return
        workers = await all_or_none(self._start_worker() for _ in range(self._size))
        self._slots = [asyncio.create_task(self._serve(worker)) for worker in workers]

    async def stop(self) -> None:
        """Kill every worker; calls under way are lost."""
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        await asyncio.gather(*(worker.kill() for worker in tuple(self._workers)))
        self._workers.clear()

    async def invoke(self, event: EncodedEvent, *, request_id: str, trace_id: str) -> Returned:
        """Run the function once. Raises FunctionFailed and FunctionUnavailable.

        Cancelled while it waits for a worker, it is never run.
        """
        if self._broken:
            raise FunctionUnavailable
        if self._starts_late and not self._slots:
            self._slots = [asyncio.create_task(self._serve(None)) for _ in range(self._size)]
        call = _Call(
            number=next(self._numbers),
            event=event,
            meta={"request_id": request_id, "trace_id": trace_id},
            result=asyncio.get_running_loop().create_future(),
        )
        self._calls.put_nowait(call)
        return await call.result

    async def _start_worker(self) -> WorkerProcess:
        worker = await WorkerProcess.start(self.function, self._root)
        self._workers.add(worker)
        try:
            await worker.ready(self._settings.init_seconds)
        except BaseException:
            await self._end(worker)
            raise
        return worker

    async def _end(self, worker: WorkerProcess) -> None:
        await worker.kill()
        self._workers.discard(worker)

    async def _serve(self, worker: WorkerProcess | None) -> None:
        """One slot: a worker and its replacements, for ever."""
        worker = worker or await self._replacement()
        while True:
            self._live += 1
            self._broken = False
            try:
                await self._use(worker)
            finally:
                self._live -= 1
            await self._end(worker)
            worker = await self._replacement()

    async def _use(self, worker: WorkerProcess) -> None:
        """Give a worker calls until it has ended or must end."""
        exited = asyncio.ensure_future(worker.exited())
        try:
            while call := await self._next(exited):
                if not await self._run(worker, call):
                    return
            log.line(f"gateway: {self.function.name}: worker {worker.pid} ended while it was idle")
        finally:
            exited.cancel()

    async def _next(self, exited: asyncio.Future[None]) -> _Call | None:
        """The next call somebody still waits for; None when the worker ended first."""
        while True:
            get = asyncio.ensure_future(self._calls.get())
            either: list[asyncio.Future[Any]] = [get, exited]
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            except BaseException:
                get.cancel()
                raise
            if exited.done():
                if get.done():
                    self._calls.put_nowait(get.result())  # its number keeps its place
                else:
                    get.cancel()
                return None
            if not get.result().result.done():
                return get.result()

    async def _run(self, worker: WorkerProcess, call: _Call) -> bool:
        """One call on one worker; False when the worker is of no further use."""
        try:
            async with asyncio.timeout(_HAND_OVER_SECONDS):
                await worker.write(call.meta, call.event.size_bytes, call.event.chunks())
                await worker.read()  # "started"
        except (EOFError, OSError):  # a TimeoutError is an OSError
            self._pass_on(call)
            return False
        try:
            async with asyncio.timeout(self.function.timeout_seconds):
                meta, payload_bytes = await worker.read_meta()
            payload = await worker.read_payload(payload_bytes)
        except TimeoutError:
            await worker.kill()  # before anybody hears of it
            self._fail(call, f"killed after {self.function.timeout_seconds:g} seconds, the function's Timeout")
            return False
        except (EOFError, OSError):
            self._fail(call, "the process ended during the call")
            return False
        if meta["kind"] == frames.RESULT:
            body = payload if meta["has_body"] else None
            call.finish(Returned(answer=meta["answer"], body=body, answer_bytes=meta["answer_bytes"]))
        else:
            self._fail(call, f"raised {meta['error_type']}")
        return True

    def _pass_on(self, call: _Call) -> None:
        """The worker ended before it began the call. All may have ended at once; one more is the call's own doing."""
        call.attempts += 1
        if call.attempts <= self._size:
            self._calls.put_nowait(call)
        else:
            self._fail(call, "the process ended before the call")

    def _fail(self, call: _Call, reason: str) -> None:
        log.line(f"gateway: {self.function.name}: request {call.meta['request_id']}: {reason}")
        call.fail(FunctionFailed(reason))

    async def _replacement(self) -> WorkerProcess:
        """Another worker, however long it takes. Where there is none at all, waiting calls fail at the second try."""
        pause_seconds = 0.0
        while True:
            try:
                return await self._start_worker()
            except (InitFailed, OSError) as error:
                log.line(f"gateway: {self.function.name}: no new worker: {error}")
            if self._live == 0 and pause_seconds:
                self._broken = True
                while not self._calls.empty():
                    self._calls.get_nowait().fail(FunctionUnavailable())
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
