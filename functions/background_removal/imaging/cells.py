"""Planes in the size of the network's view, brought down to a coarser grid of square cells."""

from typing import Final

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

# Pixels of the network's view to a side of a cell. Finer gains little (benchmarks/quality), and costs four times that.
CELL_PX: Final = 4


def cell_means(plane: Levels) -> FloatArray:
    """From (rows, columns) uint8 to a quarter of both, float32; rows and columns are multiples of `CELL_PX`."""
    # Along the rows first, where additions run along memory; 16-bit sums hold 16 x 255.
    rows = plane.reshape(-1, CELL_PX, plane.shape[1]).sum(axis=1, dtype=np.uint16)
    cells = rows[:, 0::CELL_PX] + rows[:, 1::CELL_PX] + rows[:, 2::CELL_PX] + rows[:, 3::CELL_PX]
    means: FloatArray = cells * np.float32(1 / CELL_PX**2)
    return means


def cell_maxima(plane: Levels) -> Levels:
    """From (rows, columns) uint8 to a quarter of both; rows and columns are multiples of `CELL_PX`."""
    rows = plane.reshape(-1, CELL_PX, plane.shape[1]).max(axis=1)
    cells: Levels = rows[:, 0::CELL_PX]
    for offset in range(1, CELL_PX):
        cells = np.maximum(cells, rows[:, offset::CELL_PX])
    return cells


def spread(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """From cells back to the pixels that they hold."""
    return cells.repeat(CELL_PX, axis=0).repeat(CELL_PX, axis=1)
