"""A real animal as a subject: the colours of the eval set's lemur, estimated once from picture and reference matte.

Whatever the estimate is, the composites made of it have exactly it as their truth.
"""

from typing import Final

import numpy as np
from PIL import Image

from benchmarks.quality.arrays import Bytes, Floats, smooth, to_bytes
from benchmarks.quality.canvas import Subject
from benchmarks.quality.eval_set import FOLDER
from benchmarks.quality.sample import load

_LEVELS: Final = 7
_SURE: Final = 0.98


def lemur(width: int, height: int) -> Subject | None:
    """The animal in that size; None where the eval set is absent."""
    picture, matte = FOLDER / "lemur" / "images" / "lemur.png", FOLDER / "lemur" / "masks" / "lemur.png"
    if not (picture.is_file() and matte.is_file()):
        return None
    alpha = load(matte, "L")
    colors = foreground_colors(load(picture, "RGB"), alpha)
    size = (width, height)
    return Subject(
        np.asarray(Image.fromarray(colors).resize(size, Image.Resampling.BICUBIC)),
        np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC)),
    )


def foreground_colors(picture: Bytes, alpha: Bytes) -> Bytes:
    """The foreground's colours of a picture (h, w, 3) with a known alpha (h, w): uint8 (h, w, 3).

    Both layers are first filled in smoothly from where they are sure (`filled`), then moved by the least change that
    makes them composite to the picture: F += a (I - aF - (1-a)B) / (a² + (1-a)²).
    """
    a = alpha.astype(np.float32)[..., None] / np.float32(255)
    seen = picture.astype(np.float32)
    front = filled(seen, (a >= _SURE).astype(np.float32))
    back = filled(seen, (a <= 1 - _SURE).astype(np.float32))
    missing = seen - a * front - (1 - a) * back
    return to_bytes(np.where(a >= _SURE, seen, front + a * missing / (a * a + (1 - a) ** 2)))


def filled(values: Floats, weights: Floats) -> Floats:
    """Values (h, w, c) spread to where their weights (h, w, 1) are 0, out of a pyramid (push-pull)."""
    return _filled(values * weights, weights, _LEVELS)


def _filled(weighted: Floats, weights: Floats, levels: int) -> Floats:
    known = weighted / np.maximum(weights, 1e-6)
    if levels == 0 or min(weights.shape[:2]) < 4:
        overall = weighted.sum(axis=(0, 1)) / max(float(weights.sum()), 1e-6)
        rest: Floats = np.where(weights > 0, known, overall).astype(np.float32)
        return rest
    coarse = _filled(_halved(smooth(weighted)), _halved(smooth(weights)), levels - 1)
    height, width = weights.shape[:2]
    spread = smooth(np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:height, :width])
    share = np.minimum(weights, 1)
    mixed: Floats = (share * known + (1 - share) * spread).astype(np.float32)
    return mixed


def _halved(values: Floats) -> Floats:
    return values[::2, ::2]
