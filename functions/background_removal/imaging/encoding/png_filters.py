"""PNG's filters over many rows at once, and which one suits a picture (PNG, third edition, clause 9).

One filter serves a whole picture. The usual choice, row by row and by the sum of absolute residuals, makes larger
files of noisy photographs, as it does not see what deflate will match (docs/performance.md). Up suits what was enlarged
and is noisy, Paeth sharp photographs, None drawings and text.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


class Filter(IntEnum):
    """Filter types by their number in the file. Sub and Average are rarely the best, and then by 2 % at most."""

    NONE = 0
    UP = 2
    PAETH = 4


# Paeth keeps some arrays of this size, which have to stay in the processor's cache.
_BLOCK_BYTES: Final = 131_072


def filtered(rows: Bytes, kind: Filter, pixel_bytes: int) -> Bytes:
    """Filter rows, uint8 of (1 + height, row bytes), of which the first is the one above.

    Returns uint8 of (height, 1 + row bytes): each row behind its filter's number.
    """
    current, above = rows[1:], rows[:-1]
    result = np.empty((current.shape[0], current.shape[1] + 1), np.uint8)
    result[:, 0] = kind
    _RESIDUALS[kind](current, above, pixel_bytes, result[:, 1:])
    return result


def _none(current: Bytes, _above: Bytes, _pixel_bytes: int, out: Bytes) -> None:
    out[:] = current


def _up(current: Bytes, above: Bytes, _pixel_bytes: int, out: Bytes) -> None:
    np.subtract(current, above, out=out)


def _paeth(current: Bytes, above: Bytes, pixel_bytes: int, out: Bytes) -> None:
    # the first pixel has nothing to its left, whereupon the predictor is what lies above
    np.subtract(current[:, :pixel_bytes], above[:, :pixel_bytes], out=out[:, :pixel_bytes])
    height = max(1, _BLOCK_BYTES // current.shape[1])
    for top in range(0, current.shape[0], height):
        block = slice(top, top + height)
        predictor = paeth_predictor(
            current[block, :-pixel_bytes], above[block, pixel_bytes:], above[block, :-pixel_bytes]
        )
        np.subtract(current[block, pixel_bytes:], predictor, out=out[block, pixel_bytes:])


def paeth_predictor(left: Bytes, up: Bytes, corner: Bytes) -> Bytes:
    """Whichever of three bytes is nearest to left + up - corner; on a tie the first (PNG, third edition, 9.4).

    Without its 16-bit sums: let `low` and `high` be the smaller and the larger of left and up. A corner outside of
    them makes the opposite one the nearest. A corner inside lies `over` above low and `under` below high, where the
    distances to low, high and corner are `under`, `over` and their difference: low is nearest if 2 under <= over,
    high if 2 over <= under. With both clipped to 0 outside, the same two comparisons cover every case.
    """
    low, high = np.minimum(left, up), np.maximum(left, up)
    over = np.maximum(corner, low)
    over -= low
    under = np.minimum(corner, high)
    np.subtract(high, under, out=under)
    take_low, take_high = _mask(under <= over >> 1), _mask(over <= under >> 1)
    # corner ^ (corner ^ low) is low; numpy's `where` is several times slower than these
    low ^= corner
    low &= take_low
    high ^= corner
    high &= take_high
    low ^= high
    low ^= corner
    return low


def _mask(condition: npt.NDArray[np.bool_]) -> Bytes:
    """255 where a condition holds, in the memory of the condition itself."""
    mask = condition.view(np.uint8)
    return np.negative(mask, out=mask)


_RESIDUALS: Final[dict[Filter, Callable[[Bytes, Bytes, int, Bytes], None]]] = {
    Filter.NONE: _none,
    Filter.UP: _up,
    Filter.PAETH: _paeth,
}
