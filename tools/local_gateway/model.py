"""Makes the model ready before anything is served, in a process of its own.

Preparing needs gigabytes for a while, starts package managers, and may be deep in native code when Ctrl-C comes: a
process gives all of it back at once.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.local_gateway.tasks import unless_stopped

PREPARE: Final = (sys.executable, "-m", "tools.local_gateway.supervised", "layers.model")
_CACHE: Final = Path(".cache/models")
_UNKNOWN_NAME_STATUS: Final = 2
_CLEAN_UP_SECONDS: Final = 1.5
# Younger than this it has made nothing that is worth cleaning up, and may not even know how to end quietly.
_YOUNG_SECONDS: Final = 1.0


class Stopped(Exception):
    """Somebody wants us to stop."""


class UnknownModel(Exception):
    """No such name; the process has listed the choices."""


class ModelFailed(Exception):
    """The model cannot be had; the process has said why."""


async def prepare_model(name: str, root: Path, stop: asyncio.Event, command: Sequence[str] = PREPARE) -> Path:
    """The absolute folder of a ready model, made when it is absent.

    `command` gets the model's name and `--cache FOLDER`, talks on standard error and prints the folder as its last line
    (layers.model). Raises Stopped, UnknownModel and ModelFailed.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        name,
        *("--cache", str(root / _CACHE)),
        stdin=PIPE,  # its lifeline
        stdout=PIPE,
        cwd=root,
        start_new_session=True,
    )
    began = time.monotonic()
    reading = asyncio.ensure_future(_output(process))
    try:
        if not await unless_stopped(reading, stop):
            raise Stopped
    finally:
        reading.cancel()
        await _end(process, age_seconds=time.monotonic() - began)
    lines = reading.result().splitlines()
    if process.returncode == _UNKNOWN_NAME_STATUS:
        raise UnknownModel(name)
    if process.returncode != 0 or not lines:
        raise ModelFailed(name)
    return Path(os.fsdecode(lines[-1]))


async def _output(process: Process) -> bytes:
    output = await process.stdout.read() if process.stdout else b""
    await process.wait()
    return output


async def _end(process: Process, age_seconds: float) -> None:
    """Ctrl-C first, so that nothing half-made is left; then the end of the process and of what it started."""
    if process.returncode is None and age_seconds > _YOUNG_SECONDS:
        _signal_group(process, signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLEAN_UP_SECONDS):
                await process.wait()
    _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
