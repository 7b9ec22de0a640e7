"""One worker process, seen from the gateway."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tools.local_gateway import frames
from tools.local_gateway.environment import worker_environment
from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS
from tools.local_gateway.template import Function

_STANDARD_ERROR: Final = 2  # the descriptor, not sys.stderr: a worker writes to it without us
_REAP_SECONDS: Final = 2.0


class InitFailed(Exception):
    """The function's module could not be loaded; the worker has printed why."""


class WorkerProcess:
    """A process with its socket. Whoever starts one kills it."""

    def __init__(self, process: Process, channel: socket.socket) -> None:
        self._process = process
        self._channel = channel

    @classmethod
    async def start(cls, function: Function, root: Path) -> "WorkerProcess":
        """The process, running but not ready. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-u",
                "-m",
                "tools.local_gateway.worker",
                *("--channel", str(theirs.fileno())),
                *("--entry", function.entry),
                *("--timeout", str(function.timeout_seconds)),
                *("--account-id", PSEUDO_PARAMETERS["AWS::AccountId"]),
                stdin=PIPE,  # the worker's lifeline
                stdout=_STANDARD_ERROR,
                pass_fds=(theirs.fileno(),),
                env=worker_environment(function, root),
                cwd=root,
                start_new_session=True,  # Ctrl-C is the gateway's to handle
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ready(self, patience_seconds: float) -> None:
        """Wait for INIT. Raises InitFailed."""
        try:
            async with asyncio.timeout(patience_seconds):
                meta, _ = await self.read()
        except TimeoutError as error:
            raise InitFailed(f"INIT took longer than {patience_seconds:.0f} seconds") from error
        except (EOFError, OSError) as error:
            raise InitFailed("the process ended during INIT") from error
        if meta["kind"] != frames.READY:
            raise InitFailed(str(meta.get("message")))

    async def exited(self) -> None:
        """Wait until the process has ended."""
        await self._process.wait()

    async def write(self, meta: dict[str, Any], payload_bytes: int, payload: Iterable[bytes]) -> None:
        """Send a frame, its payload piece by piece: others are served between them. Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._channel, frames.head(meta, payload_bytes))
        for piece in payload:
            if not piece:
                continue  # sending nothing to a worker that had all, began and has ended fails, as if it had not begun
            await loop.sock_sendall(self._channel, piece)

    async def read_meta(self) -> tuple[dict[str, Any], int]:
        """The next frame's meta and the length of its payload. Raises EOFError and OSError."""
        meta_bytes, payload_bytes = frames.HEADER.unpack(await self._read_exactly(frames.HEADER.size))
        return json.loads(await self._read_exactly(meta_bytes)), payload_bytes

    async def read_payload(self, size: int) -> bytearray:
        """The payload that the last meta announced. Raises EOFError and OSError."""
        return await self._read_exactly(size)

    async def read(self) -> tuple[dict[str, Any], bytearray]:
        """A whole frame. Raises EOFError and OSError."""
        meta, payload_bytes = await self.read_meta()
        return meta, await self.read_payload(payload_bytes)

    async def _read_exactly(self, size: int) -> bytearray:
        loop = asyncio.get_running_loop()
        data = bytearray(size)
        view = memoryview(data)
        while view:
            received = await loop.sock_recv_into(self._channel, view)
            if not received:
                raise EOFError
            view = view[received:]
            if view:
                await asyncio.sleep(0)  # a fast sender must not keep the loop for itself
        return data

    async def kill(self) -> None:
        """End the process and whatever it has started, and wait until it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._channel.close()
        if self._process.stdin:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):  # in the kernel's hands then: it runs no more code
            async with asyncio.timeout(_REAP_SECONDS):
                await self._process.wait()
