"""Seconds of a call, and those inside of the network and the codecs, taken alike on both sides.

Network and codecs are timed at the libraries' own doors, whoever calls them.
"""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# onnxruntime runs the network; Pillow's file object decodes when it is loaded; save encodes.
INFERENCE, DECODER, ENCODER = "inference", "decoder", "encoder"


class Stopwatch:
    """Wall-clock seconds by name since the last `reset`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def reset(self) -> None:
        self.seconds = dict.fromkeys((INFERENCE, DECODER, ENCODER), 0.0)

    @contextmanager
    def call(self) -> Iterator[dict[str, Any]]:
        """Time one call; at the end of the block the dictionary holds all that was taken, as `Call` wants it."""
        taken: dict[str, Any] = {}
        self.reset()
        start, cpu_start = time.perf_counter(), time.process_time()
        yield taken
        taken["seconds"] = time.perf_counter() - start
        taken["cpu_seconds"] = time.process_time() - cpu_start
        taken["inside_seconds"] = self.seconds

    def install(self) -> None:
        """Time the libraries' calls from now on, in this process. Imports onnxruntime and Pillow."""
        import onnxruntime
        from PIL import Image, ImageFile

        self.wrap(onnxruntime.InferenceSession, "run", INFERENCE)
        self.wrap(ImageFile.ImageFile, "load", DECODER)
        self.wrap(Image.Image, "save", ENCODER)
        self.reset()

    def wrap(self, owner: object, method: str, name: str) -> None:
        """Count the calls of a class's method, or of a module's function that is called through the module."""
        original: Callable[..., Any] = getattr(owner, method)

        @functools.wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self._running(name):
                return original(*args, **kwargs)

        setattr(owner, method, timed)

    @contextmanager
    def _running(self, name: str) -> Iterator[None]:
        before = dict(self.seconds)
        start = time.perf_counter()
        try:
            yield
        finally:
            # A timed call inside of another one (save loads, say) counts once, for the outer one.
            self.seconds = {**before, name: before.get(name, 0.0) + time.perf_counter() - start}
