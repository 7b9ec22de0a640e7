"""The boundary band: where a matte's quality is decided. Pure."""

import math

import numpy as np
import numpy.typing as npt

from benchmarks.quality.arrays import Bytes, Mask

BAND_SHARE = 0.01
_HALF = 128


def is_soft(alpha: Bytes) -> bool:
    """Whether a true alpha (h, w) has values between empty and opaque at all."""
    return bool(_between(alpha).any())


def boundary_band(alpha: Bytes) -> Mask:
    """Where the other side of the true boundary is within 1 % of the long side; bool (h, w).

    The sides are alpha (h, w) of at least one half, and below; the distance is Euclidean, centre to centre, and at
    least one pixel. This is the band of docs/models.md.
    """
    inside = alpha >= _HALF
    radius = _radius(alpha)
    return dilated(inside, radius) & dilated(~inside, radius)


def edge_zone(alpha: Bytes) -> Mask:
    """The boundary band, and everything as near to pixels strictly between empty and opaque; bool (h, w).

    For a binary alpha that is the band; of a soft one it also holds hairs that nowhere reach one half.
    """
    return boundary_band(alpha) | dilated(_between(alpha), _radius(alpha))


def boundary(alpha: Bytes) -> Mask:
    """The pixels of the boundary itself, bool (h, w): soft ones, and both sides of each crossing of one half."""
    inside = alpha >= _HALF
    edge = _between(alpha)
    across, down = inside[:, 1:] != inside[:, :-1], inside[1:] != inside[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def dilated(mask: Mask, radius: float) -> Mask:
    """All pixels within `radius` pixels (Euclidean, centre to centre) of a pixel of the mask; bool (h, w)."""
    width = mask.shape[1]
    distance = _column_distance(mask, math.floor(radius))
    found = np.zeros_like(mask)
    reach = min(math.floor(radius), width - 1)
    for shift in range(-reach, reach + 1):
        near = distance <= math.sqrt(radius * radius - shift * shift)
        if shift >= 0:
            found[:, shift:] |= near[:, : width - shift]
        else:
            found[:, :shift] |= near[:, -shift:]
    return found


def _between(alpha: Bytes) -> Mask:
    found: Mask = (alpha > 0) & (alpha < 255)
    return found


def _radius(alpha: Bytes) -> float:
    long_side: int = max(alpha.shape)
    return max(1.0, BAND_SHARE * long_side)


def _column_distance(mask: Mask, limit: int) -> npt.NDArray[np.int32]:
    """Rows to the nearest pixel of the mask in the same column; more than `limit` where there is none."""
    rows = np.arange(mask.shape[0], dtype=np.int32)[:, None]
    far = np.int32(limit + 1 + mask.shape[0])
    above = np.maximum.accumulate(np.where(mask, rows, -far), axis=0)
    below = np.minimum.accumulate(np.where(mask, rows, rows[-1] + far)[::-1], axis=0)[::-1]
    nearest: npt.NDArray[np.int32] = np.minimum(rows - above, below - rows)
    return nearest
