"""Contact sheets: the most demanding part of a picture, at 100 %, of every side on several backgrounds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.quality.arrays import Bytes, Mask, composite
from benchmarks.quality.band import boundary
from benchmarks.quality.sample import Sample, load
from benchmarks.quality.scores import BACKGROUNDS, Truth

_CROP_PX: Final = 360
_LABEL_PX: Final = 14
_SHOWN: Final = ("white", "black", "magenta")


def write_sheet(folder: Path, sample: Sample, truth: Truth, results: Mapping[str, Bytes]) -> None:
    """One PNG: columns are picture and alpha, truth, and each side; rows are alpha and three backgrounds."""
    picture = load(sample.picture, "RGB")
    crop = demanding_crop(None if truth.alpha is None else boundary(truth.alpha), picture.shape[:2])
    columns = {"truth": _true_result(picture, truth), **results}
    height, width = picture[crop].shape[:2]
    sheet = Image.new("RGB", (width * len(columns), (height + _LABEL_PX) * (len(_SHOWN) + 1)), (40, 40, 40))
    draw = ImageDraw.Draw(sheet)
    for column, (name, result) in enumerate(columns.items()):
        colors, alpha = result[crop][..., :3], result[crop][..., 3]
        first = picture[crop] if column == 0 else np.repeat(alpha[..., None], 3, axis=2)
        rows = {"picture" if column == 0 else "alpha": first}
        rows |= {label: composite(colors, alpha, np.array(BACKGROUNDS[label], np.uint8)) for label in _SHOWN}
        for row, (label, pixels) in enumerate(rows.items()):
            left, top = column * width, row * (height + _LABEL_PX)
            draw.text((left + 3, top + 1), f"{name}, {label}", (255, 255, 255))
            sheet.paste(Image.fromarray(pixels), (left, top + _LABEL_PX))
    folder.mkdir(parents=True, exist_ok=True)
    sheet.save(folder / f"{sample.group}-{sample.name}.png", compress_level=3)


def demanding_crop(edge: Mask | None, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The rows and columns of the window with most boundary pixels, of at most 360 px a side; else the middle."""
    height, width = min(shape[0], _CROP_PX), min(shape[1], _CROP_PX)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    if edge is not None and edge.any():
        sums = np.zeros((shape[0] + 1, shape[1] + 1), np.int64)
        sums[1:, 1:] = edge.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
        counts = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
        top, left = (int(at) for at in np.unravel_index(counts.argmax(), counts.shape))
    return slice(top, top + height), slice(left, left + width)


def _true_result(picture: Bytes, truth: Truth) -> Bytes:
    """The truth as a cut-out; with the picture's own colours where the true ones are unknown."""
    alpha = np.zeros(picture.shape[:2], np.uint8) if truth.alpha is None else truth.alpha
    return np.dstack((picture if truth.colors is None else truth.colors, alpha))
