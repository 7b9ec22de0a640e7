"""The matte at the picture's own resolution, and the subject's own colours at its edge.

Where the matte is neither empty nor opaque, the compositing equation I = a F + (1 - a) B is solved for a, with the
colours that are near (`local_colors`); how far that is believed against the network's word depends on how well they
tell the two apart. With a known, the equation gives F: what would be left of the old background is a halo on the new
one. Nothing else is touched, so the cost grows with the length of the outline, not with the picture.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from functions.background_removal.imaging.cells import FloatArray
from functions.background_removal.imaging.local_colors import LocalColors, estimate_local_colors
from functions.background_removal.imaging.segment import Segmentation

# Large enough that calls cost less than pixels, small enough for the cache, and to leave out most of a picture.
TILE_PX: Final = 256
# Variance of the network's own error: some everywhere, most where it is undecided.
_SURE_VARIANCE: Final = 0.02
_UNDECIDED_VARIANCE: Final = 1.5
_FINER: Final = 2
# Where less is known of F or B, nothing would change: wide areas of which the network is unsure.
_LITTLE_TRUST: Final = 0.02
_NOT_HIDDEN: Final = [0, *[255] * 255]

Box = tuple[int, int, int, int]


def refine(rgb: Image.Image, segmentation: Segmentation) -> Image.Image:
    """The matte in the size of a picture, mode L; the picture's pixels become the subject's own colours, in place.

    `rgb` is the segmented picture, mode RGB, of any size. Colours under matte 0 become 0: they would betray the
    background.
    """
    matte = Image.fromarray(segmentation.matte)
    alpha = Image.new("L", rgb.size)
    sampler: _Sampler | None = None
    for box in _tiles(rgb.size):
        lowest, highest = _extremes(segmentation.matte, box, rgb.size)
        if lowest == highest and lowest in {0, 255}:
            (rgb if lowest == 0 else alpha).paste((0, 0, 0) if lowest == 0 else 255, box)
            continue
        if sampler is None:
            sampler = _Sampler(
                estimate_local_colors(segmentation.view, segmentation.matte, segmentation.opaque), rgb.size
            )
        colors, coverage = np.array(rgb.crop(box)), _upsampled(matte, box, rgb.size)
        _refine_tile(colors, coverage, sampler, box)
        tile_alpha = Image.fromarray(coverage)
        alpha.paste(tile_alpha, box)
        rgb.paste((0, 0, 0), box)
        rgb.paste(Image.fromarray(colors), box, tile_alpha.point(_NOT_HIDDEN, "1"))
    return alpha


def solve(pixels: FloatArray, alpha: FloatArray, local: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Alpha (n) in 0 to 1 and foreground colours (n, 3) of pixels at an edge, float32.

    `pixels` (n, 3) are what is seen, 0 to 255, `alpha` (n) the network's matte, `local` (n, 9) samples of the local
    colours. There are two opinions of alpha, the network's and that of the pixel's place between B and F; they are
    averaged by their inverse variances. A colour that is far from that line is neither a mixture of the two nor any of
    them, and says little. The foreground colour is F = I + (1 - a) (F - B), from the equation above.
    """
    background, line, (slope, doubt, trust) = local[:, :3], local[:, 3:6], local[:, 6:].T
    offset = pixels - background
    solved = (_dot(offset, line) * slope).clip(0, 1)
    away = offset - solved[:, None] * line
    variance = _SURE_VARIANCE + _UNDECIDED_VARIANCE * alpha * (1 - alpha)
    refined = alpha + variance / (variance + doubt + _dot(away, away) * slope) * (solved - alpha)
    colors = pixels + ((1 - refined) * trust)[:, None] * line
    return refined, colors.clip(0, 255)


def _dot(first: FloatArray, second: FloatArray) -> FloatArray:
    products: FloatArray = np.einsum("ij,ij->i", first, second)
    return products


def _refine_tile(colors: npt.NDArray[np.uint8], coverage: npt.NDArray[np.uint8], sampler: "_Sampler", box: Box) -> None:
    """Both in place: (rows, columns, 3) and (rows, columns) uint8 of the box."""
    flat_alpha, flat_colors = coverage.reshape(-1), colors.reshape(-1, 3)
    edge = np.flatnonzero((flat_alpha - np.uint8(1)) < 254)  # 0 wraps around to 255: one comparison for 1 to 254
    edge, local = sampler.at(edge, box)
    network = flat_alpha[edge] * np.float32(1 / 255)
    alpha, solved = solve(flat_colors[edge].astype(np.float32), network, local)
    flat_alpha[edge] = (alpha * 255 + np.float32(0.5)).astype(np.uint8)
    flat_colors[edge] = (solved + np.float32(0.5)).astype(np.uint8)


class _Sampler:
    """Samples of the local colours' grid, first made twice as fine by bilinear interpolation: no step can be seen."""

    def __init__(self, colors: LocalColors, size: tuple[int, int]) -> None:
        rows, columns = colors.trust.shape
        colored = (*np.moveaxis(colors.background, -1, 0), *np.moveaxis(colors.line, -1, 0))
        planes = (*colored, colors.slope, colors.doubt, colors.trust)
        finer = (columns * _FINER, rows * _FINER)
        resized = [np.asarray(Image.fromarray(plane).resize(finer, Image.Resampling.BILINEAR)) for plane in planes]
        self._cells = np.stack(resized, axis=-1).reshape(-1, len(planes))
        self._trusted = self._cells[:, -1] > _LITTLE_TRUST
        self._grid = finer
        self._size = size

    def at(self, indices: npt.NDArray[np.intp], box: Box) -> tuple[npt.NDArray[np.intp], FloatArray]:
        """Those of some places in a box where anything is known, and their samples (n, 9).

        Places are given by their index in the box's rows.
        """
        left, top, right, bottom = box
        column = np.arange(left, right) * self._grid[0] // self._size[0]
        row = np.arange(top, bottom) * self._grid[1] // self._size[1] * self._grid[0]
        y, x = np.divmod(indices, right - left)
        cell = row[y] + column[x]
        known = self._trusted[cell]
        return indices[known], self._cells[cell[known]]


def _tiles(size: tuple[int, int]) -> Iterator[Box]:
    width, height = size
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            yield left, top, min(left + TILE_PX, width), min(top + TILE_PX, height)


def _extremes(matte: npt.NDArray[np.uint8], box: Box, size: tuple[int, int]) -> tuple[int, int]:
    """Least and greatest level that may show in a box: those of its part of the matte and of two pixels around it."""
    rows, columns = matte.shape
    left, right = box[0] * columns // size[0] - 2, -(-box[2] * columns // size[0]) + 2
    top, bottom = box[1] * rows // size[1] - 2, -(-box[3] * rows // size[1]) + 2
    part = matte[max(top, 0) : bottom, max(left, 0) : right]
    return int(part.min()), int(part.max())


def _upsampled(matte: Image.Image, box: Box, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The matte of a box, bilinear: that never overshoots, so what the levels made opaque or empty stays so."""
    x, y = matte.width / size[0], matte.height / size[1]
    part = (box[0] * x, box[1] * y, box[2] * x, box[3] * y)
    return np.array(matte.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR, box=part))
