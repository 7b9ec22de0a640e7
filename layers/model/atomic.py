"""Folders that are either whole or absent, whatever kills the run and however many run at once.

A folder is made in a staging folder beside its place and moved there at the end. The kernel gives the lock back when
its holder dies, so a killed run blocks nobody; what it left behind is removed by the next one.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layers.model.progress import Progress


@contextmanager
def locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Holds the lock on making `folder`, whose parents are made; waits for another process that holds it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"{folder.name}: another process is making it; waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def staging_beside(folder: Path) -> Iterator[Path]:
    """An empty folder on the same file system, removed at the end. Call it under the lock of `folder`.

    Staging folders that exist already belong to runs that died, and are removed first.
    """
    prefix = f".{folder.name}.making-"
    for leftover in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put_in_place(made: Path, folder: Path, staging: Path) -> None:
    """Moves the whole folder `made` to `folder`; an older one there goes into `staging`.

    Two renames, as POSIX cannot exchange folders: killed between them, the place is empty, never half-filled.
    """
    if folder.exists():
        folder.rename(staging / "replaced")
    made.rename(folder)
