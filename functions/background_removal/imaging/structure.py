"""How a file is put together, as far as that decides how long its decoder is busy.

Limits on size and sides bound the memory, not the time: a JPEG of a few kilobytes can ask for thousands of passes over
100 megapixels, and both JPEG and PNG can consist of millions of empty segments, which Pillow reads one by one.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

# Encoders write about ten scans, elaborate ones some dozens.
MAX_JPEG_SCANS: Final = 100
# Colour profiles and metadata take some hundreds at most, tables come with each scan.
MAX_JPEG_SEGMENTS: Final = 1_000
# One segment, by its standard; Pillow joins more of them in quadratic time.
MAX_EXIF_SEGMENTS: Final = 16
MAX_JPEG_PADDING_BYTES: Final = 65_536
# A file of 50 MB in pieces of 512 bytes, which is smaller than what any encoder writes.
MAX_PNG_CHUNKS: Final = 100_000
# One, by its standard; Pillow inflates each of them.
MAX_PNG_PROFILES: Final = 4

_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = 0xD9
_APP1: Final = 0xE1
# Start of image, and a marker for temporary use: neither has a length (ITU-T T.81, B.1.1.3).
_STANDALONE: Final = frozenset({0x01, 0xD8})
# Inside a scan FF is followed by 00 (a stuffed byte) or by a restart marker; FF FF is padding (ITU-T T.81, B.1.1).
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def is_laborious_jpeg(data: bytes) -> bool:
    """Whether a JPEG's first picture has more scans, segments or padding than any encoder would write.

    What is inside of metadata and behind the picture's end does not count.
    """
    at = len(b"\xff\xd8")
    scans = exifs = 0
    in_scan = False
    for _ in range(MAX_JPEG_SEGMENTS):
        match = _JPEG_MARKER.search(data, at)
        if match is None:
            return not in_scan and len(data) - at > MAX_JPEG_PADDING_BYTES
        if not in_scan and match.start() - at > MAX_JPEG_PADDING_BYTES:
            return True
        at = match.end()
        marker = data[at - 1]
        if marker == _END_OF_IMAGE:
            return False
        in_scan = marker == _SCAN
        scans += in_scan
        exifs += marker == _APP1 and data.startswith(b"Exif", at + 2)
        if scans > MAX_JPEG_SCANS or exifs > MAX_EXIF_SEGMENTS:
            return True
        if marker not in _STANDALONE:
            at += int.from_bytes(data[at : at + 2], "big")
    return True


def is_laborious_png(data: bytes) -> bool:
    """Whether a PNG has more chunks, or more colour profiles, than any encoder would write."""
    profiles = 0
    for number, (kind, _start, _length) in enumerate(png_chunks(data), start=1):
        profiles += kind == b"iCCP"
        if number > MAX_PNG_CHUNKS or profiles > MAX_PNG_PROFILES:
            return True
    return False


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and length in bytes of each chunk's body, up to the end of the picture (PNG, third edition, 5.3)."""
    at = len(PNG_SIGNATURE)
    kind = b""
    while at + 12 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, length
        at += 12 + length
