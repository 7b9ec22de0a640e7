"""Lossless WebP of one plane of grey, a mask: a VP8L stream of what the gradient predictor leaves (RFC 9649).

libwebp takes some 17 bytes a pixel of memory for it, and twice the time.
"""

from typing import Final

import numpy as np
from PIL import Image

from functions.background_removal.imaging.encoding.vp8l import plane_tokens, write_pixels
from functions.background_removal.imaging.encoding.vp8l_bits import BitWriter
from functions.background_removal.imaging.encoding.vp8l_prefix import write_single_symbol

_SIGNATURE: Final = 0x2F
_SIDE_BITS: Final = 14
# Transforms (RFC 9649, "Transforms"), which a decoder undoes from the last to the first.
_PREDICTOR: Final = 0
_SUBTRACT_GREEN: Final = 2
# The largest blocks, 512 pixels wide and high: there is one predictor for all of them.
_BLOCK_BITS: Final = 9
_CLAMP_ADD_SUBTRACT_FULL: Final = 12
# Red, blue, alpha, and the distance of copies.
_OTHER_CODES: Final = 4


def encode_grey_webp(image: Image.Image) -> bytes:
    """Encode an image of mode L, exactly; decoders give equal red, green and blue.

    Raises ValueError for another mode, and for a side of 0 or above 16383 pixels.
    """
    if image.mode != "L":
        raise ValueError(f"mode {image.mode} is not L")
    strips = plane_tokens(np.asarray(image))
    writer = BitWriter()
    writer.write(_SIGNATURE, 8)
    for side in image.size:
        writer.write(side - 1, _SIDE_BITS)
    writer.write(0, 1)  # no alpha
    writer.write(0, 3)  # version
    _write_predictor(writer)
    writer.write(1, 1)
    writer.write(_SUBTRACT_GREEN, 2)
    writer.write(0, 1)  # no other transform
    writer.write(0, 1)  # no colour cache
    writer.write(0, 1)  # one set of prefix codes for the whole picture
    write_pixels(writer, strips)
    return _file(writer.getvalue())


def _write_predictor(writer: BitWriter) -> None:
    """One predictor everywhere: left + above - above left, limited; an image of one colour takes no bits."""
    writer.write(1, 1)
    writer.write(_PREDICTOR, 2)
    writer.write(_BLOCK_BITS - 2, 3)
    writer.write(0, 1)  # no colour cache
    write_single_symbol(writer, _CLAMP_ADD_SUBTRACT_FULL)
    for _ in range(_OTHER_CODES):
        write_single_symbol(writer, 0)


def _file(stream: bytes) -> bytes:
    """A simple lossless file (RFC 9649, "Simple File Format (Lossless)"), filled up to an even size."""
    body = b"".join([b"WEBPVP8L", len(stream).to_bytes(4, "little"), stream, bytes(len(stream) % 2)])
    return b"".join([b"RIFF", len(body).to_bytes(4, "little"), body])
