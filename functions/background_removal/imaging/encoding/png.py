"""PNG, written in strips of rows: fast filters, a fast deflate, and no second copy of the picture in memory.

The specifications are PNG, third edition, RFC 1950 (zlib) and RFC 1951 (deflate). Settings were chosen by measurement
(docs/performance.md).
"""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from isal import isal_zlib
from PIL import Image

from functions.background_removal.imaging.encoding.png_filters import Bytes, Filter, filtered
from functions.background_removal.imaging.structure import PNG_SIGNATURE

# Colour types of 8 bits a sample (PNG, third edition, 11.2.1), and the bytes of a pixel.
_COLOR_TYPES: Final = {"L": 0, "RGB": 2, "RGBA": 6}
_PIXEL_BYTES: Final = {"L": 1, "RGB": 3, "RGBA": 4}
# Strips share no matches: smaller ones lose size, larger ones fall out of the processor's cache.
STRIP_BYTES: Final = 1 << 20
# With less to do a thread is not worth its start.
_STRIPS_A_THREAD: Final = 4
# Level 3 of ISA-L is slower and, on what a filter left of a photograph, no smaller.
_LEVEL: Final = 2
_RAW_DEFLATE: Final = -15
# Deflate, window of 32 KiB, no dictionary; the lowest five bits are a check (RFC 1950, 2.2).
_ZLIB_HEADER: Final = b"\x78\x01"
_ADLER_BASE: Final = 65_521

# Rows on which the filters compete. Fewer would not fill the window, and matches decide as much as residuals do.
_SAMPLE_SHARE: Final = 8
_MIN_SAMPLE_BYTES: Final = 1 << 16
_MAX_SAMPLE_BYTES: Final = 1 << 19
_SAMPLE_BANDS: Final = 8


@dataclass(frozen=True, slots=True)
class _Deflated:
    """One strip as deflate blocks that end at a byte, with the Adler-32 and the size of what went in."""

    data: bytes
    adler: int
    size_bytes: int


def encode_png(image: Image.Image, *, threads: int = 1) -> bytes:
    """Encode an image of mode L, RGB or RGBA as PNG, lossless, 8 bits a sample, without metadata.

    The bytes do not depend on `threads`, how many strips at most are worked on at once. Beside the image and the result
    some 10 MB a thread are needed.

    Raises ValueError for another mode, or for an image without pixels, which PNG cannot hold.
    """
    if image.mode not in _COLOR_TYPES or not image.width or not image.height:
        raise ValueError(f"no PNG for mode {image.mode}, {image.width} x {image.height}")
    image.load()
    out = io.BytesIO()
    out.write(PNG_SIGNATURE)
    _write_chunk(out, b"IHDR", struct.pack(">IIBBBBB", *image.size, 8, _COLOR_TYPES[image.mode], 0, 0, 0))
    threads = min(threads, len(_strips(image)) // _STRIPS_A_THREAD)
    if threads > 1:
        from concurrent.futures import ThreadPoolExecutor  # only large pictures pay for its import

        with ThreadPoolExecutor(threads) as pool:
            _write_pixels(out, image, pool.map)
    else:
        _write_pixels(out, image, map)
    _write_chunk(out, b"IEND", b"")
    return out.getvalue()


def _write_pixels(out: io.BytesIO, image: Image.Image, each: Callable[..., Iterator[_Deflated]]) -> None:
    """One zlib stream, each strip a chunk of it; `each` is a `map`, of a pool or the plain one."""
    strips = _strips(image)
    strip = partial(_strip, image, _best_filter(image))
    adler = 1
    for number, deflated in enumerate(each(strip, strips), start=1):
        adler = _joined_adler(adler, deflated)
        head = _ZLIB_HEADER if number == 1 else b""
        tail = struct.pack(">I", adler) if number == len(strips) else b""
        _write_chunk(out, b"IDAT", head, deflated.data, tail)


def _strips(image: Image.Image) -> range:
    """The first row of each strip; the range's step is their height."""
    return range(0, image.height, max(1, STRIP_BYTES // _row_bytes(image)))


def _strip(image: Image.Image, kind: Filter, top: int) -> _Deflated:
    bottom = top + _strips(image).step
    pixels = filtered(_rows(image, top, min(bottom, image.height)), kind, _PIXEL_BYTES[image.mode])
    flush = isal_zlib.Z_SYNC_FLUSH if bottom < image.height else isal_zlib.Z_FINISH
    return _Deflated(_deflate([pixels], flush), isal_zlib.adler32(pixels), pixels.size)


def _best_filter(image: Image.Image) -> Filter:
    """The filter that makes the least of a sample: bands of rows, spread evenly over the picture."""
    row_bytes, height = _row_bytes(image), image.height
    budget = min(max(row_bytes * height // _SAMPLE_SHARE, _MIN_SAMPLE_BYTES), _MAX_SAMPLE_BYTES)
    rows = min(max(1, budget // row_bytes), height)
    bands = min(rows, _SAMPLE_BANDS)
    tops = ((2 * band + 1) * height // (2 * bands) - rows // bands // 2 for band in range(bands))
    sample = [_rows(image, top, top + rows // bands) for top in tops]

    def size_bytes(kind: Filter) -> int:
        parts = [filtered(band, kind, _PIXEL_BYTES[image.mode]) for band in sample]
        return len(_deflate(parts, isal_zlib.Z_FINISH))

    return min((Filter.UP, Filter.PAETH, Filter.NONE), key=size_bytes)


def _row_bytes(image: Image.Image) -> int:
    return image.width * _PIXEL_BYTES[image.mode]


def _rows(image: Image.Image, top: int, bottom: int) -> Bytes:
    """Rows and the one above, uint8 of (1 + rows, row bytes); above the picture it is 0, with which Pillow fills up."""
    pixels = image.crop((0, top - 1, image.width, bottom)).tobytes()
    return np.frombuffer(pixels, np.uint8).reshape(bottom - top + 1, -1)


def _deflate(parts: list[Bytes], flush: int) -> bytes:
    compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW_DEFLATE)
    return b"".join([*map(compressor.compress, parts), compressor.flush(flush)])


def _joined_adler(adler: int, following: _Deflated) -> int:
    """Adler-32 of two pieces of data from those of each: RFC 1950, 8.2, with its sums written out."""
    first, second = adler & 0xFFFF, adler >> 16
    first_following, second_following = following.adler & 0xFFFF, following.adler >> 16
    second = (second + second_following + following.size_bytes * (first - 1)) % _ADLER_BASE
    return second << 16 | (first + first_following - 1) % _ADLER_BASE


def _write_chunk(out: io.BytesIO, kind: bytes, *parts: bytes) -> None:
    """Length, type, data, CRC of type and data (PNG, third edition, 5.3)."""
    crc = isal_zlib.crc32(kind)
    out.write(struct.pack(">I4s", sum(map(len, parts)), kind))
    for part in parts:
        crc = isal_zlib.crc32(part, crc)
        out.write(part)
    out.write(struct.pack(">I", crc))
