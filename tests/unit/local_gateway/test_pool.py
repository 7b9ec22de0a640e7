"""The queue before the workers, with workers that do as a test says."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tools.local_gateway import frames
from tools.local_gateway import pool as pool_module
from tools.local_gateway.events import EncodedEvent
from tools.local_gateway.pool import FunctionFailed, FunctionUnavailable, Pool, Returned
from tools.local_gateway.process import InitFailed, WorkerProcess
from tools.local_gateway.settings import Settings
from tools.local_gateway.template import Function

FUNCTION = Function("F", "h.h", "h.h", is_image=False, timeout_seconds=5, memory_mb=128, environment={})
DIES, NEVER_STARTS = "dies when a call is handed to it", "cannot be started"


class FakeWorker:
    """Answers each call with its own number, unless its fate is another one."""

    def __init__(self, number: int, fate: str | None) -> None:
        self.pid = number
        self.fate = fate
        self.calls: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ready(self, _patience_seconds: float) -> None:
        if self.fate == NEVER_STARTS:
            raise InitFailed("as told")

    async def exited(self) -> None:
        await asyncio.Event().wait()

    async def write(self, meta: dict[str, Any], _payload_bytes: int, _payload: Iterable[bytes]) -> None:
        if self.fate == DIES:
            raise BrokenPipeError
        self.calls.append(meta["request_id"])

    async def read(self) -> tuple[dict[str, Any], bytearray]:
        return {"kind": frames.STARTED}, bytearray()

    async def read_meta(self) -> tuple[dict[str, Any], int]:
        await self.may_answer.wait()
        return {"kind": frames.RESULT, "answer": self.pid, "has_body": False, "answer_bytes": 1}, 0

    async def read_payload(self, _size: int) -> bytearray:
        return bytearray()

    async def kill(self) -> None:
        pass


def play(
    monkeypatch: pytest.MonkeyPatch,
    fates: Iterable[str | None],
    size: int,
    scene: Callable[[Pool, list[FakeWorker]], Awaitable[None]],
    *,
    in_background: bool = False,
) -> None:
    """A scene with a started pool; `fates` are those of its workers, in the order of their start."""
    workers: list[FakeWorker] = []
    told = itertools.chain(fates, itertools.repeat(None))

    async def start(_function: Function, _root: Path) -> FakeWorker:
        workers.append(FakeWorker(len(workers), next(told)))
        return workers[-1]

    async def run() -> None:
        pool = Pool(FUNCTION, Path(), Settings(workers={"F": size}), in_background=in_background)
        await pool.start()
        try:
            async with asyncio.timeout(5):
                await scene(pool, workers)
        finally:
            await pool.stop()

    monkeypatch.setattr(WorkerProcess, "start", start)
    asyncio.run(run())


async def invoke(pool: Pool, name: str = "r") -> Returned:
    return await pool.invoke(EncodedEvent(b"{}", b"", b""), request_id=name, trace_id="t")


def test_a_call_that_a_worker_did_not_begin_goes_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pool: Pool, workers: list[FakeWorker]) -> None:
        assert (await invoke(pool)).answer == 2
        assert workers[2].calls == ["r"]

    play(monkeypatch, [DIES, DIES], 2, scene)


def test_a_call_that_no_worker_can_take_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pool: Pool, _workers: list[FakeWorker]) -> None:
        with pytest.raises(FunctionFailed):
            await invoke(pool)
        assert (await invoke(pool)).answer in (3, 4)

    play(monkeypatch, [DIES, DIES, DIES], 2, scene)


def test_a_call_whose_caller_left_the_queue_is_never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pool: Pool, workers: list[FakeWorker]) -> None:
        workers[0].may_answer.clear()
        names = ("first", "second", "third")
        first, second, third = [asyncio.create_task(invoke(pool, name)) for name in names]
        await asyncio.sleep(0.01)
        first.cancel()  # it has begun and runs to its end
        second.cancel()
        workers[0].may_answer.set()
        assert (await third).answer == 0
        assert workers[0].calls == ["first", "third"]

    play(monkeypatch, [], 1, scene)


def test_calls_are_run_in_the_order_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pool: Pool, workers: list[FakeWorker]) -> None:
        names = [str(number) for number in range(20)]
        await asyncio.gather(*(invoke(pool, name) for name in names))
        assert workers[1].calls == names  # the first worker died when it was given the first call

    play(monkeypatch, [DIES], 1, scene)


def test_without_any_worker_calls_fail_at_once_until_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pool: Pool, _workers: list[FakeWorker]) -> None:
        with pytest.raises(FunctionUnavailable):
            await invoke(pool, "waited")
        with pytest.raises(FunctionUnavailable):
            await invoke(pool, "came later")
        await asyncio.sleep(0.6)  # the pause after the second failure
        assert (await invoke(pool)).answer == 3

    play(monkeypatch, [DIES, NEVER_STARTS, NEVER_STARTS], 1, scene)


def test_one_failed_start_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pool: Pool, _workers: list[FakeWorker]) -> None:
        assert (await invoke(pool)).answer == 2

    play(monkeypatch, [DIES, NEVER_STARTS], 1, scene)


def test_a_start_that_fails_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(_pool: Pool, _workers: list[FakeWorker]) -> None:
        raise AssertionError("the pool must not have started")

    with pytest.raises(InitFailed):
        play(monkeypatch, [None, NEVER_STARTS], 2, scene)


def test_in_the_background_the_first_call_starts_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(pool: Pool, workers: list[FakeWorker]) -> None:
        await asyncio.sleep(0.01)
        assert not workers
        answers = await asyncio.gather(*(invoke(pool, name) for name in ("first", "second", "third")))
        assert {answer.answer for answer in answers} <= {0, 1}
        assert len(workers) == 2

    play(monkeypatch, [], 2, scene, in_background=True)


def test_a_worker_in_the_background_that_cannot_be_started_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_FIRST_PAUSE_SECONDS", 0.01)

    async def scene(pool: Pool, _workers: list[FakeWorker]) -> None:
        with pytest.raises(FunctionUnavailable):
            await invoke(pool, "first")
        async with asyncio.timeout(2):
            while True:
                try:
                    assert (await invoke(pool, "second")).answer == 3
                    return
                except FunctionUnavailable:
                    await asyncio.sleep(0.01)

    play(monkeypatch, [NEVER_STARTS] * 3, 1, scene, in_background=True)


def test_one_in_the_background_that_was_never_called_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(_pool: Pool, _workers: list[FakeWorker]) -> None:
        pass

    play(monkeypatch, [], 1, scene, in_background=True)
