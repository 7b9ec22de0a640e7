"""Subjects drawn with supersampling: exact coverage becomes alpha, the colours' mean weighted by it the foreground."""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.quality.arrays import Bytes, Floats, smooth, to_bytes

Point = tuple[float, float]
Color = tuple[int, int, int, int]

_ROWS_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Subject:
    """`colors` uint8 (h, w, 3), `alpha` uint8 (h, w). Colours under alpha 0 mean nothing."""

    colors: Bytes
    alpha: Bytes


class Canvas:
    """A picture to draw a subject on, in units of its height: x from 0 to `aspect`, y from 0 (top) to 1.

    Later strokes replace what is under them, alpha too. Widths are in pixels of the result.
    """

    def __init__(self, width: int, height: int, seed: int, scale: int = 3) -> None:
        self.width, self.height, self.scale = width, height, scale
        self.aspect = width / height
        self.random = np.random.default_rng(seed)
        self._image = Image.new("RGBA", (width * scale, height * scale))
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: list[Point], color: Color, width_px: float) -> None:
        """An open polyline."""
        self._draw.line(self._at(points), color, max(1, round(width_px * self.scale)), "curve")

    def strand(self, points: list[Point], color: Color, width_px: float) -> None:
        """A polyline that tapers to a third of its width: a hair."""
        placed = self._at(points)
        for index, (start, end) in enumerate(itertools.pairwise(placed)):
            thickness = width_px * self.scale * (1 - index / len(placed) * 2 / 3)
            self._draw.line([start, end], color, max(1, round(thickness)))

    def polygon(self, points: list[Point], color: Color) -> None:
        self._draw.polygon(self._at(points), color)

    def disc(self, centre: Point, radii: Point, color: Color) -> None:
        """A filled ellipse."""
        self._draw.ellipse(self._box(centre, radii), color)

    def ring(self, centre: Point, radii: Point, color: Color, width_px: float) -> None:
        """The outline of an ellipse, inside of it."""
        self._draw.ellipse(self._box(centre, radii), None, color, max(1, round(width_px * self.scale)))

    def rounded(self, low: Point, high: Point, radius: float, color: Color) -> None:
        """A rectangle with rounded corners."""
        unit = self.height * self.scale
        box = (low[0] * unit, low[1] * unit, high[0] * unit, high[1] * unit)
        self._draw.rounded_rectangle(box, radius * unit, color)

    def subject(self) -> Subject:
        """What was drawn, reduced, as a lens shows it (a blur of 0.7 px); the canvas cannot be drawn on afterwards."""
        alpha = np.empty((self.height, self.width), np.float32)
        weighted = np.empty((self.height, self.width, 3), np.float32)
        for top in range(0, self.height, _ROWS_AT_ONCE):
            rows = slice(top, min(top + _ROWS_AT_ONCE, self.height))
            alpha[rows], weighted[rows] = self._reduced(rows)
        self._image.close()
        alpha, weighted = smooth(alpha), smooth(weighted)
        levels = to_bytes(alpha * 255)
        colors = weighted / np.maximum(alpha, 1e-6)[..., None]
        return Subject(to_bytes(colors), levels)

    def _reduced(self, rows: slice) -> tuple[Floats, Floats]:
        scale = self.scale
        drawn = np.asarray(self._image.crop((0, rows.start * scale, self._image.width, rows.stop * scale)))
        alpha = drawn[..., 3:].astype(np.float32) / np.float32(255)
        premultiplied = np.concatenate((alpha, drawn[..., :3] * alpha), axis=2)
        blocks = premultiplied.reshape(rows.stop - rows.start, scale, self.width, scale, 4).mean(axis=(1, 3))
        return blocks[..., 0], blocks[..., 1:]

    def _at(self, points: list[Point]) -> list[Point]:
        unit = self.height * self.scale
        return [(x * unit, y * unit) for x, y in points]

    def _box(self, centre: Point, radii: Point) -> tuple[float, float, float, float]:
        unit = self.height * self.scale
        (x, y), (across, down) = centre, radii
        return (x - across) * unit, (y - down) * unit, (x + across) * unit, (y + down) * unit
