"""A picture to be cut out, and what is known of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.quality.arrays import Bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """`picture` is what a side gets. Without `alpha` there is no subject; `colors` are those of a composite's subject.

    Both are files of the picture's size: mode L, and mode RGB.
    """

    group: str
    name: str
    picture: Path
    alpha: Path | None = None
    colors: Path | None = None

    def true_alpha(self) -> Bytes | None:
        """uint8 (h, w)."""
        return None if self.alpha is None else load(self.alpha, "L")

    def true_colors(self) -> Bytes | None:
        """uint8 (h, w, 3)."""
        return None if self.colors is None else load(self.colors, "RGB")


def load(path: Path, mode: str) -> Bytes:
    """A picture's pixels as uint8, converted to a mode."""
    with Image.open(path) as image:
        pixels: Bytes = np.asarray(image.convert(mode))
    return pixels
