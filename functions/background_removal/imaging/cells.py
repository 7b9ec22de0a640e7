"""Planes in the size of the network's view, brought down to a coarser grid of square cells."""

from typing import Final

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Cells to a side, at least: whatever the network's side, a cell is about the same part of the picture. More of them
# gain little (benchmarks/quality), and cost time.
_LEAST_CELLS: Final = 256


def cell_px(side_px: int) -> int:
    """Pixels of a view to a side of a cell."""
    return max(1, side_px // _LEAST_CELLS)


def cell_means(plane: Levels) -> FloatArray:
    """From (side, side) uint8 to cells, float32; the side is a multiple of its `cell_px`, which is at most 16."""
    pixels = cell_px(plane.shape[0])
    # Along the rows first, where additions run along memory; 16-bit sums hold 16 x 16 x 255.
    rows = plane.reshape(-1, pixels, plane.shape[1]).sum(axis=1, dtype=np.uint16)
    cells = rows[:, 0::pixels]
    for offset in range(1, pixels):
        cells = cells + rows[:, offset::pixels]
    means: FloatArray = cells * np.float32(1 / pixels**2)
    return means


def cell_maxima(plane: Levels) -> Levels:
    """From (side, side) uint8 to cells; the side is a multiple of its `cell_px`."""
    pixels = cell_px(plane.shape[0])
    rows = plane.reshape(-1, pixels, plane.shape[1]).max(axis=1)
    cells: Levels = rows[:, 0::pixels]
    for offset in range(1, pixels):
        cells = np.maximum(cells, rows[:, offset::pixels])
    return cells


def spread(cells: npt.NDArray[np.bool_], side_px: int) -> npt.NDArray[np.bool_]:
    """From cells back to the pixels that they hold, (side, side)."""
    pixels = cell_px(side_px)
    return cells.repeat(pixels, axis=0).repeat(pixels, axis=1)
