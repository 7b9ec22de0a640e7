"""rembg as a side: a process in its own environment, whose results are kept between runs."""

import dataclasses
import hashlib
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.paths import CACHE, LOCK_FILE
from benchmarks.process import Contender
from benchmarks.quality.arrays import Bytes
from benchmarks.quality.files import whole
from benchmarks.quality.sides import rgba
from benchmarks.rembg_side import environment, weights
from benchmarks.sides import their_side
from layers.model.progress import Progress


class Rembg:
    """One variant of `remove()` (`theirs.VARIANTS`); its process starts with the first picture that is not kept.

    Leaving `stack` ends the process.
    """

    takes_matte = False

    def __init__(self, name: str, model: str, threads: int, stack: ExitStack, progress: Progress) -> None:
        self.name = name
        self._model, self._threads, self._stack, self._progress = model, threads, stack, progress
        self._contender: Contender | None = None
        version = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()[:16]
        self._folder = CACHE / "quality" / "rembg" / f"{name}-{model}-{version}"

    def cut_out(self, data: bytes, matte: Bytes | None) -> Bytes:
        """Raises BenchmarkError if rembg cannot be had, or dies."""
        assert matte is None
        kept = self._folder / f"{hashlib.sha256(data).hexdigest()}.png"
        if not kept.is_file():
            self._remove(data, kept)
        return rgba(kept.read_bytes())

    def _remove(self, data: bytes, target: Path) -> None:
        if self._contender is None:
            self._contender = self._stack.enter_context(self._started())
        with whole(target) as unfinished, tempfile.NamedTemporaryFile() as picture:
            picture.write(data)
            picture.flush()
            self._contender.remove(Path(picture.name), "png", unfinished)

    def _started(self) -> Contender:
        side = their_side(self._model, environment(self._progress), weights(self._model, self._progress))
        command = (side.command[0], "-m", "benchmarks.quality.theirs", self._model, self.name)
        return Contender(dataclasses.replace(side, name=self.name, command=command), self._threads)
