"""The alpha plane of a lossy WebP, exactly: an ALPH chunk's payload, which is a VP8L stream (RFC 9649).

A matte is flat nearly everywhere, and where it is soft it was enlarged bilinearly: few pixels differ from what the
gradient filter predicts. Those are stored as literals, the runs of zeros between them as copies of the pixel before.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from functions.background_removal.imaging.encoding.vp8l_bits import BitWriter
from functions.background_removal.imaging.encoding.vp8l_prefix import PrefixCode, write_prefix_code, write_single_symbol
from functions.background_removal.imaging.encoding.vp8l_residuals import strip_residuals
from functions.background_removal.imaging.encoding.vp8l_tokens import SYMBOLS, Tokens, tokenise

MAX_SIDE_PX: Final = 16383

# Compressed (bits 0 and 1), gradient filter (bits 2 and 3), no pre-processing.
_HEADER: Final = 1 | 3 << 2
_COLOR_INDEXING: Final = 3
_COLORS: Final = 256
# Red, blue and alpha: nobody reads them, or they are green's.
_UNUSED_CHANNELS: Final = 3
# A copy's distance: code 2 is the pixel before (RFC 9649, "Distance Mapping"), and 2 has the prefix code 1.
_PIXEL_BEFORE: Final = 1
# Enough for numpy to be efficient, and within a processor's second-level cache.
_STRIP_PIXELS: Final = 1 << 18


def encode_alpha(alpha: npt.NDArray[np.uint8]) -> bytes:
    """The payload of the ALPH chunk for a plane (height, width) uint8; decoders give back the very same plane.

    Beyond the plane it takes some 20 MB, and 2 bytes for each pixel that is neither flat nor on an even slope.
    Raises ValueError if a side is 0 or above 16383 pixels.
    """
    strips = plane_tokens(alpha)
    writer = BitWriter()
    writer.write(_HEADER, 8)
    _write_color_table(writer)
    writer.write(0, 1)  # no other transform
    writer.write(0, 1)  # no colour cache
    writer.write(0, 1)  # one set of prefix codes for the whole plane
    write_pixels(writer, strips)
    return writer.getvalue()


def plane_tokens(plane: npt.NDArray[np.uint8]) -> list[Tokens]:
    """What the gradient filter leaves of a plane (height, width) uint8, in strips; raises as `encode_alpha`."""
    if plane.ndim != 2 or not all(1 <= side <= MAX_SIDE_PX for side in plane.shape):
        raise ValueError(f"no WebP has an alpha of {plane.shape}")
    height, width = plane.shape
    strip_rows = max(1, _STRIP_PIXELS // width)
    return [
        tokenise(*strip_residuals(plane, top, strip_rows), size=min(strip_rows, height - top) * width)
        for top in range(0, height, strip_rows)
    ]


def _write_color_table(writer: BitWriter) -> None:
    """A colour indexing transform that changes nothing: with it, libwebp decodes to 1 instead of 4 bytes a pixel."""
    writer.write(1, 1)
    writer.write(_COLOR_INDEXING, 2)
    writer.write(_COLORS - 1, 8)
    writer.write(0, 1)  # no colour cache
    # The table holds differences: 0, then 255 times 1.
    table = tokenise(np.arange(1, _COLORS), np.ones(_COLORS - 1, np.uint8), size=_COLORS)
    write_pixels(writer, [table])


def write_pixels(writer: BitWriter, strips: list[Tokens]) -> None:
    """The five prefix codes and the pixels, of which only green varies (RFC 9649, "Entropy-Coded Image Data")."""
    code = _write_prefix_codes(writer, strips)
    for strip in strips:
        strip.write(writer, code)


def _write_prefix_codes(writer: BitWriter, strips: list[Tokens]) -> PrefixCode:
    frequencies = np.zeros(SYMBOLS, np.int64)
    for strip in strips:
        frequencies += strip.frequencies()
    code = write_prefix_code(writer, frequencies.tolist())
    for _ in range(_UNUSED_CHANNELS):
        write_single_symbol(writer, 0)
    write_single_symbol(writer, _PIXEL_BEFORE)
    return code
