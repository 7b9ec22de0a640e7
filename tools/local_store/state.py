"""The folder that the store is kept in: one user at a time, and nothing deleted that is not ours."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local_store.errors import StartCancelled, StateInUse, StateNotOurs

# Lock and mark at once: a folder without it is not ours. It holds the process id of whoever has the lock.
_MARK: Final = ".rmbg-store"
# A second lock, which the emulator inherits: it is held for as long as somebody may still write.
_WRITERS: Final = ".rmbg-store-writers"
_FOLDERS: Final = ("tables", "objects")
_LOG: Final = "emulator.log"
_POLL_SECONDS: Final = 0.05
# An emulator whose parent was killed saves its tables and ends; it holds the lock until then.
_PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class LockedState:
    """A folder that is ours alone. A child that writes there inherits `descriptor`, and holds it if we are killed."""

    folder: Path
    descriptor: int

    @property
    def tables(self) -> Path:
        return self.folder / _FOLDERS[0]

    @property
    def objects(self) -> Path:
        return self.folder / _FOLDERS[1]

    @property
    def log(self) -> Path:
        return self.folder / _LOG

    def clear(self) -> None:
        """Throw away what the store has kept, and nothing else that may be in the folder. Raises OSError."""
        for name in _FOLDERS:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self.folder / name)
        self.log.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[LockedState]:
    """Take the folder, made with mode 0700 when it is absent, until the end of the block.

    Raises StateInUse at once if a live process has it; waits up to 10 seconds for what a killed one has left behind,
    unless `cancelled` says so (StartCancelled). Raises StateNotOurs, and OSError when nothing can be written there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / _MARK).exists() and any(entry.name != _MARK for entry in folder.iterdir()):
        raise StateNotOurs(f"{folder} holds other files than a store's; name another STATE_DIR")
    with ExitStack() as stack:
        own, writers = (_opened(folder / name, stack) for name in (_MARK, _WRITERS))
        if not _try_lock(own):
            holder = os.pread(own, 32, 0).decode(errors="replace").strip() or "?"
            raise StateInUse(f"{folder} is in use by process {holder}; stop it, or name another STATE_DIR")
        os.ftruncate(own, 0)
        os.pwrite(own, f"{os.getpid()}\n".encode(), 0)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _try_lock(writers):
            if cancelled():
                raise StartCancelled
            if time.monotonic() > deadline:
                raise StateInUse(f"{folder} is still written to by the emulator of a run that was killed")
            time.sleep(_POLL_SECONDS)
        yield LockedState(folder, writers)


def _opened(path: Path, stack: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, descriptor)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
