"""The prepared network by itself, and what the service first made of its output.

This does not use the service's own segmentation, so that `raw` stays what it is while the service changes.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import onnxruntime
from PIL import Image

from benchmarks.quality.arrays import Bytes, to_bytes
from layers.model.manifest import Normalisation
from layers.model.pixels import to_input

_EMPTY_LEVEL: Final = 4
_OPAQUE_LEVEL: Final = 251


class Network:
    """A network and its session; `side_px` is the side of the square it sees."""

    def __init__(self, model_dir: Path, threads: int) -> None:
        description = json.loads((model_dir / "model.json").read_text("utf-8"))
        self.side_px: int = description["input_size"]
        self._input: str = description["input"]
        self._output: str = description["output"]
        normalisation = description["normalisation"]
        self._normalisation = Normalisation(
            normalisation["divide_by"], tuple(normalisation["mean"]), tuple(normalisation["std"])
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model_dir / "model.onnx", options, providers=["CPUExecutionProvider"]
        )

    def matte(self, colors: Image.Image) -> Bytes:
        """The network's output for a picture of mode RGB, uint8 (side_px, side_px), 255 is foreground."""
        square = colors.resize((self.side_px, self.side_px), Image.Resampling.BILINEAR)
        inputs = {self._input: to_input(np.asarray(square), self._normalisation)}
        (output,) = self._session.run([self._output], inputs)
        return to_bytes(np.nan_to_num(np.squeeze(output)) * 255)


def input_side_px(model_dir: Path) -> int:
    """The side of the square that a prepared model sees."""
    side_px: int = json.loads((model_dir / "model.json").read_text("utf-8"))["input_size"]
    return side_px


def levelled(matte: Bytes) -> Bytes:
    """Levels 4 to 251 stretched to 0 to 255: a network's haze becomes empty, its nearly opaque subject opaque."""
    stretched = (matte.astype(np.float32) - _EMPTY_LEVEL) * np.float32(255 / (_OPAQUE_LEVEL - _EMPTY_LEVEL))
    return to_bytes(stretched)


@contextmanager
def network_answering(matte: Bytes) -> Iterator[None]:
    """Whatever session is run inside of the block, its output is this matte, uint8 (side, side)."""
    probability = matte[None, None].astype(np.float32) / np.float32(255)

    def run(*_arguments: Any, **_named: Any) -> list[Any]:
        return [probability.copy()]

    with mock.patch.object(onnxruntime.InferenceSession, "run", run):
        yield
