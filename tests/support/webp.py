"""WebP files taken apart and put together without the code under test."""

import struct

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.support.pictures import decoded, encoded


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and payload of a file's chunks; the sizes must fit each other and the file, and padding be 0."""
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WEBP"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    found = []
    start = 12
    while start < len(data):
        kind, size = struct.unpack_from("<4sI", data, start)
        payload = data[start + 8 : start + 8 + size]
        assert len(payload) == size
        assert data[start + 8 + size : start + 8 + size + size % 2] == bytes(size % 2)
        found.append((kind, payload))
        start += 8 + size + size % 2
    assert start == len(data)
    return found


def decoded_alpha(payload: bytes, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """What libwebp makes of an ALPH chunk for a plane (height, width)."""
    height, width = shape
    (colors,) = (body for _, body in chunks(encoded(Image.new("RGB", (width, height)), "WEBP", method=0)))
    canvas = struct.pack("<I", 0x10) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP"
    for kind, part in ((b"VP8X", canvas), (b"ALPH", payload), (b"VP8 ", colors)):
        body += struct.pack("<4sI", kind, len(part)) + part + bytes(len(part) % 2)
    image = decoded(struct.pack("<4sI", b"RIFF", len(body)) + body)
    assert image.mode == "RGBA"
    return np.asarray(image.getchannel("A"))
