"""Files made to keep a decoder busy are refused before it starts; files that only look like it are not."""

import random
import struct
import zlib

import pytest
from PIL import Image

from functions.background_removal.imaging.inspect import inspect
from functions.background_removal.imaging.structure import (
    MAX_EXIF_SEGMENTS,
    MAX_JPEG_PADDING_BYTES,
    MAX_JPEG_SCANS,
    MAX_JPEG_SEGMENTS,
    MAX_PNG_CHUNKS,
    MAX_PNG_PROFILES,
    is_laborious_jpeg,
    is_laborious_png,
)
from rmbg.domain.pictures import InvalidImage
from tests.support.pictures import disc, encoded

PROGRESSIVE = encoded(disc(64, 48), "JPEG", progressive=True)
ITS_SCANS = 10
PNG = encoded(disc(64, 48), "PNG")


def with_scans(count: int) -> bytes:
    """The last scan, with its Huffman table, over and over."""
    table = PROGRESSIVE.rfind(b"\xff\xc4", 0, PROGRESSIVE.rfind(b"\xff\xda"))
    return PROGRESSIVE[:-2] + PROGRESSIVE[table:-2] * (count - ITS_SCANS) + b"\xff\xd9"


def with_chunks(count: int) -> bytes:
    """Empty text chunks before the pixels."""
    empty = struct.pack(">I", 0) + b"vpAg" + struct.pack(">I", zlib.crc32(b"vpAg"))
    at = PNG.index(b"IDAT") - 4
    its_chunks = PNG.count(b"IDAT") + 2
    return PNG[:at] + empty * (count - its_chunks) + PNG[at:]


@pytest.mark.parametrize("count", [ITS_SCANS, MAX_JPEG_SCANS - 1, MAX_JPEG_SCANS])
def test_as_many_scans_as_are_allowed(count: int) -> None:
    assert inspect(with_scans(count)).stored == (64, 48)


def test_one_scan_more() -> None:
    with pytest.raises(InvalidImage):
        inspect(with_scans(MAX_JPEG_SCANS + 1))


def test_what_is_no_scan_of_the_picture_does_not_count() -> None:
    many = with_scans(MAX_JPEG_SCANS + 1)
    assert not is_laborious_jpeg(PROGRESSIVE + many)  # after the end: a second picture, a film
    comment = b"\xff\xfe" + (2 + 600).to_bytes(2, "big") + b"\xff\xda\x00" * 200
    assert not is_laborious_jpeg(PROGRESSIVE[:2] + comment + PROGRESSIVE[2:])
    noise = Image.frombytes("RGB", (256, 256), random.Random(3).randbytes(3 * 256 * 256))
    assert not is_laborious_jpeg(encoded(noise, "JPEG", quality=100, restart_marker_blocks=4))


def test_markers_without_a_length_hide_no_scans() -> None:
    """What follows a TEM marker is not its length: a checker that skips it would skip the scans there."""
    scan = with_scans(MAX_JPEG_SCANS + 1)
    first = scan.index(b"\xff\xc4", scan.index(b"\xff\xda"))
    assert is_laborious_jpeg(scan[:first] + b"\xff\x01" + scan[first:])
    table = PROGRESSIVE.rfind(b"\xff\xc4", 0, PROGRESSIVE.rfind(b"\xff\xda"))
    hidden = b"".join(b"\xff\x01" + PROGRESSIVE[table:-2] for _ in range(MAX_JPEG_SCANS + 1))
    assert is_laborious_jpeg(PROGRESSIVE[:-2] + hidden + b"\xff\xd9")


@pytest.mark.parametrize("excess", [0, 1])
def test_the_number_of_exif_segments(excess: int) -> None:
    block = b"Exif\x00\x00" + bytes(100)
    segment = b"\xff\xe1" + (2 + len(block)).to_bytes(2, "big") + block
    data = PROGRESSIVE[:2] + segment * (MAX_EXIF_SEGMENTS + excess) + PROGRESSIVE[2:]
    assert is_laborious_jpeg(data) == bool(excess)


@pytest.mark.parametrize("excess", [0, 1])
def test_the_number_of_profiles_in_a_png(excess: int) -> None:
    body = b"x\x00\x00" + zlib.compress(bytes(1000))
    chunk = struct.pack(">I", len(body)) + b"iCCP" + body + struct.pack(">I", zlib.crc32(b"iCCP" + body))
    at = PNG.index(b"IDAT") - 4
    assert is_laborious_png(PNG[:at] + chunk * (MAX_PNG_PROFILES + excess) + PNG[at:]) == bool(excess)


def test_segments_and_padding() -> None:
    body = PROGRESSIVE[2:]
    assert not is_laborious_jpeg(b"\xff\xd8" + b"\xff\xe5\x00\x02" * (MAX_JPEG_SEGMENTS // 2) + body)
    assert is_laborious_jpeg(b"\xff\xd8" + b"\xff\xe5\x00\x02" * MAX_JPEG_SEGMENTS + body)
    assert is_laborious_jpeg(b"\xff\xd8" + b"\xff\xe5\x00\x00" * 1_000_000)
    assert not is_laborious_jpeg(b"\xff\xd8" + b"\xff" * MAX_JPEG_PADDING_BYTES + body)
    assert is_laborious_jpeg(b"\xff\xd8" + b"\xff" * (MAX_JPEG_PADDING_BYTES + 1) + body)
    assert is_laborious_jpeg(b"\xff\xd8" + b"\xff" * 20_000_000)  # in linear time


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_the_number_of_png_chunks(excess: int) -> None:
    data = with_chunks(MAX_PNG_CHUNKS + excess)
    if excess <= 0:
        assert inspect(data).stored == (64, 48)
    else:
        with pytest.raises(InvalidImage):
            inspect(data)
