"""Connected components by runs (Rosenfeld and Pfaltz 1966), vectorised: as fast as numpy gets. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.quality.arrays import Mask

Indices = npt.NDArray[np.int64]
_GAP = 2  # between rows laid end to end, so that no run touches one of another row's end


@dataclass(frozen=True, slots=True)
class Regions:
    """Horizontal runs of a mask: first and one past the last index in its flattened pixels, and each run's region."""

    starts: Indices
    ends: Indices
    labels: Indices

    @property
    def areas(self) -> Indices:
        """Pixels of each region."""
        return self._summed(self.ends - self.starts)

    def touching(self, mask: Mask) -> npt.NDArray[np.bool_]:
        """Whether each region has a pixel in the mask, which has the labelled mask's shape."""
        before = np.concatenate(([0], np.cumsum(mask.ravel(), dtype=np.int64)))
        return self._summed(before[self.ends] - before[self.starts]) > 0

    def _summed(self, weights: Indices) -> Indices:
        return np.bincount(self.labels, weights).astype(np.int64)


def regions(mask: Mask, *, diagonal: bool) -> Regions:
    """The connected regions of a bool mask (h, w), with 8 neighbours a pixel (`diagonal`) or 4."""
    height, width = mask.shape
    framed = np.zeros((height, width + _GAP), np.int8)
    framed[:, 1:-1] = mask
    change = np.diff(framed.ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    reach = 0 if diagonal else 1
    first = np.searchsorted(ends, starts + width + _GAP + reach)
    past = np.searchsorted(starts, ends + width + _GAP - reach, side="right")
    counts = np.maximum(past - first, 0)
    upper = np.repeat(np.arange(len(starts)), counts)
    lower = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    shift = 1 + _GAP * (starts // (width + _GAP))
    return Regions(starts - shift, ends - shift, _joined(len(starts), upper, lower))


def _joined(count: int, one: Indices, other: Indices) -> Indices:
    """Number the connected sets of a graph 0, 1, ...: the least number among neighbours spreads until none changes."""
    labels = np.arange(count)
    while True:
        least = np.minimum(labels[one], labels[other])
        before = labels.copy()
        for node in (one, other):
            np.minimum.at(labels, before[node], least)
            np.minimum.at(labels, node, least)
        labels = labels[labels]
        if np.array_equal(labels, before):
            break
    unique: Indices = np.unique(labels, return_inverse=True)[1]
    return unique
