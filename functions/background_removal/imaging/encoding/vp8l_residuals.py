"""What the gradient filter of an ALPH chunk leaves of an alpha plane (RFC 9649, "Alpha")."""

from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]

_WORD_PIXELS: Final = 8


def strip_residuals(alpha: Bytes, first_row: int, rows: int) -> tuple[Indices, Bytes]:
    """The residuals other than 0 in some rows of a plane (height, width): their positions in the strip, their values.

    A pixel is predicted by left + above - above left, limited to 0 to 255; in the first row by the one to its left, in
    the first column by the one above, the very first by 0. Residuals are modulo 256.
    """
    width = alpha.shape[1]
    if first_row:
        strip = alpha[first_row - 1 : first_row + rows]
    else:
        # above a row of zeros, the gradient is what the rule says for the first row
        strip = np.concatenate([np.zeros((1, width), np.uint8), alpha[:rows]])
    pixels = np.ascontiguousarray(strip).ravel()
    first_column = pixels[width::width] - pixels[:-width:width]
    positions = _uneven(pixels, first_column, width)
    above = pixels[positions].astype(np.int16)
    gradient = above + pixels[positions + (width - 1)] - pixels[positions - 1]
    residuals = pixels[positions + width] - gradient.clip(0, 255).astype(np.uint8)
    # the rows' first pixels are among the positions just where they differ from the pixel above
    rising = np.flatnonzero(first_column)
    residuals[np.searchsorted(positions, rising * width)] = first_column[rising]
    kept = np.flatnonzero(residuals)
    return positions[kept], residuals[kept]


def _uneven(pixels: Bytes, first_column: Bytes, width: int) -> Indices:
    """Where a pixel may differ from its prediction: all but those flat with their left neighbour, in both rows.

    A cheap pass that leaves a few per cent of a matte for the exact one; whole words, as most are 0.
    """
    count = len(pixels) - width
    steps = np.diff(pixels)
    uneven = np.zeros(-(-count // _WORD_PIXELS) * _WORD_PIXELS, np.uint8)
    np.bitwise_or(steps[width:], steps[: count - 1], out=uneven[1:count])
    uneven[:count:width] = first_column
    words = np.flatnonzero(uneven.view(np.uint64))
    inside = np.flatnonzero(uneven.reshape(-1, _WORD_PIXELS)[words])
    return words[inside // _WORD_PIXELS] * _WORD_PIXELS + inside % _WORD_PIXELS
