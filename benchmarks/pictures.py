"""The pictures that are measured with, made from photographs the same way on every machine.

An enlarged photograph is too smooth: codecs would have less to do than with what a camera gives. It therefore gets a
sensor's noise, more of it where there is more light. Smaller sizes are then reduced from the largest, as a camera's or
a phone's own export is, so that noise shrinks with them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from layers.model.progress import Progress

JPEG_QUALITY: Final = 92
LARGEST: Final = (4000, 3000)
SIZES: Final = {12.0: LARGEST, 1.5: (1416, 1062)}
"""Width and height by megapixels."""

_SEED: Final = 20240229
_NOISE_LEVELS: Final = 5.0  # standard deviation at mid-grey: of a phone's JPEG indoors
_READ_NOISE_SHARE: Final = 0.25
_LUMINANCE, _COLOR = 0.8, 0.6  # cameras smooth colour more than brightness


@dataclass(frozen=True, slots=True)
class JpegFile:
    """A JPEG file; `size` is width and height in pixels."""

    name: str
    path: Path
    size: tuple[int, int]


Pictures = dict[float, list[JpegFile]]
"""The same photographs by megapixels."""


def make_pictures(originals: dict[str, Path], folder: Path, progress: Progress) -> Pictures:
    """Write each original in each size into `folder`; they come back by megapixels."""
    folder.mkdir(parents=True, exist_ok=True)
    made: Pictures = {megapixels: [] for megapixels in SIZES}
    for name, original in originals.items():
        progress(f"making {name} in {' and '.join(f'{m:g}' for m in SIZES)} megapixels")
        with Image.open(original) as opened:
            scene = as_taken(opened.convert("RGB"))
        for megapixels, size in SIZES.items():
            path = folder / f"{name}-{megapixels:g}.jpg"
            picture = scene if scene.size == size else scene.resize(size, Image.Resampling.LANCZOS)
            picture.save(path, "JPEG", quality=JPEG_QUALITY)
            made[megapixels].append(JpegFile(name, path, size))
    return made


def as_taken(original: Image.Image) -> Image.Image:
    """The middle of an RGB photograph in 4:3 and `LARGEST`; with sensor noise if that enlarges it."""
    box = middle(original.size)
    scene = original.crop(box).resize(LARGEST, Image.Resampling.LANCZOS)
    if box[2] - box[0] >= LARGEST[0]:
        return scene
    return Image.fromarray(with_noise(np.asarray(scene), np.random.default_rng(_SEED)))


def middle(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of the largest part in 4:3 around a picture's centre."""
    width, height = size
    inner_width, inner_height = min(width, height * 4 // 3), min(height, width * 3 // 4)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return left, top, left + inner_width, top + inner_height


def with_noise(pixels: npt.NDArray[np.uint8], generator: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Add shot noise (its variance grows with the light) and read noise to (height, width, 3) uint8."""
    light = pixels.mean(axis=2, dtype=np.float32, keepdims=True) / 128
    deviation = _NOISE_LEVELS * np.sqrt(_READ_NOISE_SHARE + (1 - _READ_NOISE_SHARE) * light)
    noise = generator.standard_normal((*pixels.shape[:2], 1), np.float32) * _LUMINANCE
    noise = noise + generator.standard_normal(pixels.shape, np.float32) * _COLOR
    noisy: npt.NDArray[np.float32] = np.rint(pixels + deviation * noise)
    return noisy.clip(0, 255).astype(np.uint8)
