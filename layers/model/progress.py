"""Says that something is still going on while a download or a long computation runs."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]
"""Takes one line for a person, without a line break. It may be called from another thread."""


def silent(_line: str) -> None:
    """A `Progress` that says nothing."""


@contextmanager
def heartbeat(progress: Progress, status: Callable[[], str], every_seconds: float = 2.0) -> Iterator[None]:
    """Reports `status()` and the seconds since the start, every `every_seconds` until the block ends."""
    began = time.monotonic()
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every_seconds):
            progress(f"{status()} ({time.monotonic() - began:.0f} s)")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def megabytes(size_bytes: int) -> str:
    """A size as people read it, in units of 10^6 bytes: `113 MB`, `4.2 MB`."""
    value = size_bytes / 1e6
    return f"{value:.0f} MB" if value >= 10 else f"{value:.1f} MB"


def folder_bytes(folder: Path) -> int:
    """The bytes of all files under `folder`; files that come and go meanwhile are no error."""
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(parent) / name).stat().st_size
            except OSError:
                continue
    return total
