"""What of a matte is the subject: no haze and no specks beside it, no thin spots and no pinholes in it.

A region counts when the network is sure of some part of it (hysteresis thresholding, Canny, 1986) and when it is more
than a speck. The rule for the background inside of a subject is the same one, seen in the negative.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from functions.background_removal.imaging.cells import Levels, cell_maxima, spread

# Below it a pixel belongs to no region, from it on a region is there.
_FAINT: Final = 10
_LIKELY: Final = 128
# Regions smaller than this share of the matte are specks, if the largest likely one is a hundred times as large.
_SPECK: Final = 1e-4
_SPECK_OF_LARGEST: Final = 1e-2


def settled(matte: Levels) -> Levels:
    """A matte (rows, columns) uint8 without what is no region; one of nothing likely becomes empty.

    Regions that share a cell are one (`cells`).
    """
    cleared = _without_unlikely(matte, smallest=_SPECK)
    # Gaps between hairs and spokes are as small as specks, and real.
    return 255 - _without_unlikely(255 - cleared, smallest=0)


def _without_unlikely(matte: Levels, smallest: float) -> Levels:
    peaks = cell_maxima(matte)
    labels, count = label_regions(peaks >= _FAINT)
    likely = np.zeros(count + 1, bool)
    likely[labels[peaks >= _LIKELY]] = True
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * likely
    sizes[0] = 0
    kept = likely & ((sizes >= smallest * labels.size) | (sizes >= _SPECK_OF_LARGEST * sizes.max()))
    if not kept.any():
        return np.zeros_like(matte)
    kept[0] = True
    if kept.all():
        return matte
    return np.where(spread(kept[labels], len(matte)), matte, np.uint8(0))


def label_regions(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], int]:
    """Labels 1 to n of the 8-connected regions of a mask (rows, columns), 0 outside, and n.

    By runs: those of neighbouring rows that touch are joined by union-find (Rosenfeld and Pfaltz, 1966).
    """
    rows, starts, ends = _runs(mask)
    parents = _joined(rows.tolist(), starts.tolist(), ends.tolist())
    roots, numbers = np.unique(parents, return_inverse=True)
    labels = np.zeros(mask.shape, np.intp)
    labels[mask] = np.repeat(numbers + 1, ends - starts)
    return labels, len(roots)


def _joined(rows: list[int], starts: list[int], ends: list[int]) -> npt.NDArray[np.intp]:
    """For each run one run of its region, the same for all of them."""
    parents = list(range(len(rows)))

    def root(run: int) -> int:
        while parents[run] != run:
            parents[run] = parents[parents[run]]
            run = parents[run]
        return run

    above = 0
    for run, row in enumerate(rows):
        # Runs above that end before this one begins end before all that follow in this row, too.
        while rows[above] < row - 1 or (rows[above] == row - 1 and ends[above] < starts[run]):
            above += 1
        touching = above
        while rows[touching] == row - 1 and starts[touching] <= ends[run]:
            parents[root(touching)] = root(run)
            touching += 1
    return np.array([root(run) for run in parents], np.intp)


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Row, first column and column after the last of each run, in reading order."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    return rows, starts, np.nonzero(edges == -1)[1]
