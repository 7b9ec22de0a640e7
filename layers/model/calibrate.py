"""Measures the int8 calibration ranges of a model and writes `ranges/<model>.json`. Use tools/calibrate.sh.

Needed only when weights, recipe or manifest change. The pictures are the photographs inside the scikit-image wheel:
a locked package everyone can have, and no picture the models are judged by. For isnet-general-use it takes 42 s and
5.6 GB of memory on 2 cores.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from layers.model.download import download
from layers.model.errors import ModelError
from layers.model.manifest import Model, load_manifest
from layers.model.pixels import to_input
from layers.model.prepare import optimise, quantise_with, save_plain
from layers.model.ranges import Ranges, ranges_file, save_ranges
from layers.model.ready import DEFAULT_CACHE, Download, fetch_weights

# The order matters: sums of float32 depend on it.
PHOTOGRAPHS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "camera.png",
    "coins.png",
    "clock_motion.png",
    "moon.png",
    "page.png",
    "retina.jpg",
    "motorcycle_left.png",
)


class Photographs:
    """A CalibrationDataReader: network inputs of the photographs, one at a time, then None."""

    def __init__(self, model: Model, input_name: str) -> None:
        self._inputs = _inputs(model, input_name)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._inputs, None)


def calibrate(model: Model, target: Path, cache_dir: Path = DEFAULT_CACHE, download: Download = download) -> None:
    """Writes the ranges of `model` to `target`; raises `ModelError` when its weights cannot be had."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization.calibrate import load_tensors_data

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        source = fetch_weights(model, scratch / "weights", cache_dir.resolve(), _say, download)
        save_plain(model, scratch / "weights", scratch / "plain.onnx")
        optimise(scratch / "plain.onnx", scratch / "basic.onnx", level="BASIC")
        input_name = onnx.load(scratch / "basic.onnx").graph.input[0].name
        _say(f"measuring with {len(PHOTOGRAPHS)} photographs")
        measured = scratch / "measured.json"
        reader = Photographs(model, input_name)
        quantise_with(scratch / "basic.onnx", scratch / "int8.onnx", model.fp32_nodes, measured, reader)
        tensors = load_tensors_data(measured)
    by_tensor = {name: (float(data.lowest[0]), float(data.highest[0])) for name, data in tensors.items()}
    target.parent.mkdir(exist_ok=True)
    how = f"onnxruntime {onnxruntime.__version__}, mean of the extremes over {', '.join(PHOTOGRAPHS)} of scikit-image"
    save_ranges(target, Ranges(source.sha256, by_tensor), how)


def _inputs(model: Model, input_name: str) -> Iterator[dict[str, Any]]:
    import numpy as np
    import skimage
    from PIL import Image

    folder = Path(skimage.__file__).parent / "data"
    for name in PHOTOGRAPHS:
        with Image.open(folder / name) as picture:
            square = picture.convert("RGB").resize((model.input_size, model.input_size), Image.Resampling.BILINEAR)
        yield {input_name: to_input(np.asarray(square), model.normalisation)}


def _say(line: str) -> None:
    print(f"rmbg: {line}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """`arguments` are the names of models, or none for the default one."""
    try:
        manifest = load_manifest()
        for name in arguments or [manifest.default]:
            target = ranges_file(name)
            calibrate(manifest.named(name), target)
            _say(f"{name}: wrote {target}")
    except ModelError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
