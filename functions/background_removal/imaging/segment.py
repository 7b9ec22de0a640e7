"""The segmentation network: a picture in, the foreground's matte out."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from functions.background_removal.imaging.decode import Picture
from functions.background_removal.imaging.resize import resized_picture
from functions.background_removal.imaging.subject import settled
from rmbg.domain.geometry import Size

# What the network does not know leaves a few levels of haze: the subject is made truly opaque, the background truly
# empty. A fixed stretch: one to the extremes of the picture would invent a subject where there is none.
_EMPTY_LEVEL: Final = 4
_OPAQUE_LEVEL: Final = 251
_LEVELS: Final = np.array(
    [min(255, max(0, round((level - _EMPTY_LEVEL) * 255 / (_OPAQUE_LEVEL - _EMPTY_LEVEL)))) for level in range(256)],
    np.uint8,
)
# Behind a transparent picture the network sees mid-grey: white or black would swallow white or black subjects.
_BACKDROP: Final = (128, 128, 128)
# The box filter before the bilinear one: half the time of the bilinear one alone. What it blurs costs a large view
# nothing; from a small one U-2-Net makes mattes with a fifth more error (benchmarks/quality).
_REDUCING_GAP: Final = 1.0
_SMALL_VIEW_PX: Final = 512
_SMALL_VIEW_REDUCING_GAP: Final = 2.0

FloatArray = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What the network said of a picture, in its own square size (side, side), and what it had to look at.

    `matte`: uint8, 255 is foreground. `view`: mode RGB. `opaque`: the picture's own alpha, uint8; None if it has none.
    """

    matte: Levels
    view: Image.Image
    opaque: Levels | None = None


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How pixels become the network's input: divided by 255 or by the picture's maximum, then (x - mean) / std."""

    divide_by_maximum: bool
    mean: FloatArray
    std: FloatArray

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> FloatArray:
        """From (height, width, 3) uint8 to (1, 3, height, width) float32."""
        divisor = max(float(pixels.max()), 1.0) if self.divide_by_maximum else 255.0
        scale = (1.0 / (divisor * self.std)).astype(np.float32)
        offset = (self.mean / self.std).astype(np.float32)
        tensor = np.empty((1, 3, *pixels.shape[:2]), np.float32)
        for channel in range(3):
            np.multiply(pixels[:, :, channel], scale[channel], out=tensor[0, channel])
            tensor[0, channel] -= offset[channel]
        return tensor


class Segmenter:
    """A network and its session, loaded once a process."""

    def __init__(self, model_dir: Path, threads: int) -> None:
        """Load the prepared model of a folder (`model.json`, `model.onnx`); `threads` is onnxruntime's intra-op."""
        description = json.loads((model_dir / "model.json").read_text("utf-8"))
        self.name: str = description["name"]
        self.side_px: int = description["input_size"]
        self._input: str = description["input"]
        self._output: str = description["output"]
        normalisation = description["normalisation"]
        self._normalise = Normalisation(
            divide_by_maximum=normalisation["divide_by"] == "max",
            mean=np.array(normalisation["mean"], np.float32),
            std=np.array(normalisation["std"], np.float32),
        )
        self._session = onnxruntime.InferenceSession(
            model_dir / "model.onnx", _session_options(threads), providers=["CPUExecutionProvider"]
        )

    def segment(self, picture: Picture) -> Segmentation:
        """The foreground's matte, cleared of what is no subject."""
        view, opaque = self._network_view(picture)
        (output,) = self._session.run([self._output], {self._input: self._normalise(np.asarray(view))})
        probability: FloatArray = np.squeeze(output)
        np.nan_to_num(probability, copy=False)
        levels = (probability.clip(0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
        return Segmentation(settled(_LEVELS[levels]), view, opaque)

    def release_memory(self) -> None:
        """Give back what onnxruntime keeps for the next picture: 300 MB of 430, for a tenth of the next one's time.

        Its memory can be shrunk at the end of a run only: of one that ends before it begins.
        """
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        options.terminate = True
        nothing = np.zeros((1, 3, self.side_px, self.side_px), np.float32)
        with suppress(Exception):  # onnxruntime's word that the run was ended
            self._session.run([self._output], {self._input: nothing}, options)

    def _network_view(self, picture: Picture) -> tuple[Image.Image, Levels | None]:
        """The picture stretched to the network's square, and its own alpha there."""
        square = (self.side_px, self.side_px)
        gap = _SMALL_VIEW_REDUCING_GAP if self.side_px <= _SMALL_VIEW_PX else _REDUCING_GAP
        if picture.alpha is None:
            return picture.rgb.resize(square, Image.Resampling.BILINEAR, reducing_gap=gap), None
        small = resized_picture(picture, Size(*square), Image.Resampling.BILINEAR, gap)
        view = Image.new("RGB", square, _BACKDROP)
        view.paste(small.rgb, mask=small.alpha)
        return view, np.asarray(small.alpha)


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # halves the peak memory at no cost in time
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # CPU that Lambda bills for waiting
    options.log_severity_level = 3
    return options
