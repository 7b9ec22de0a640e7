"""PNG: every pixel comes back, every chunk and checksum is right, and no second copy of the picture is made."""

import io
import itertools
import struct
import tracemalloc
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from functions.background_removal.imaging.encoding.png import STRIP_BYTES, encode_png
from functions.background_removal.imaging.encoding.png_filters import Filter, filtered, paeth_predictor
from tests.support.pictures import decoded, disc, encoded, quadrants

SAMPLES = {"L": 1, "RGB": 3, "RGBA": 4}
COLOR_TYPES = {"L": 0, "RGB": 2, "RGBA": 6}
MODES = list(SAMPLES)


def noise(mode: str, width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * height).integers(0, 256, width * height * SAMPLES[mode], np.uint8)
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def cut_out(width: int, height: int) -> Image.Image:
    """A subject with shades and a sensor's noise, around it nothing."""
    subject = disc(width, height).filter(ImageFilter.GaussianBlur(2))
    grain = np.random.default_rng(3).normal(0, 4, (height, width, 3))
    image = Image.fromarray((np.asarray(subject) + grain).clip(0, 255).astype(np.uint8))
    image.putalpha(disc(width, height, (0, 0, 0)).convert("L").point([255] * 220 + [0] * 36))
    image.paste((0, 0, 0, 0), mask=image.getchannel("A").point([255, *[0] * 255], "1"))
    return image


def drawing(width: int, height: int) -> Image.Image:
    """A few flat colours in short runs and nothing smooth: as text on a screen."""
    glyphs = np.random.default_rng(5).integers(0, 2, (16, 12, 8), np.uint8) * 255
    letters = np.random.default_rng(6).integers(0, 16, (height // 12, width // 8))
    return Image.fromarray(glyphs[letters].transpose(0, 2, 1, 3).reshape(height // 12 * 12, width // 8 * 8))


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each chunk of a file in which there is nothing else, with a CRC by zlib."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(kind + body),)
        yield kind, body
        at += 12 + length
    assert at == len(data)


def assert_holds(data: bytes, image: Image.Image) -> int:
    """The file is nothing but this image, by Pillow and by zlib, which checks Adler-32; returns the number of IDATs."""
    header, *idats, end = chunks(data)
    assert header == (b"IHDR", struct.pack(">IIBBBBB", *image.size, 8, COLOR_TYPES[image.mode], 0, 0, 0))
    assert end == (b"IEND", b"")
    assert {kind for kind, _ in idats} == {b"IDAT"}
    stream = zlib.decompressobj()
    lines = stream.decompress(b"".join(body for _, body in idats))
    assert stream.eof
    assert stream.unused_data == b""
    assert len(lines) == image.height * (1 + image.width * SAMPLES[image.mode])
    back = decoded(data)
    assert (back.mode, back.size) == (image.mode, image.size)
    assert back.tobytes() == image.tobytes()
    return len(idats)


def filter_of(data: bytes) -> int:
    return zlib.decompress(b"".join(body for kind, body in chunks(data) if kind == b"IDAT"))[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (1, 977), (977, 1), (2, 3), (13, 7), (255, 256)])
def test_small_pictures_come_back(mode: str, size: tuple[int, int]) -> None:
    image = noise(mode, *size)
    assert assert_holds(encode_png(image), image) == 1
    flat = Image.new(mode, size)
    assert assert_holds(encode_png(flat), flat) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("height", "strips"), [(255, 1), (256, 1), (257, 2), (511, 2), (512, 2), (513, 3)])
def test_each_strip_of_rows_is_a_chunk(mode: str, height: int, strips: int) -> None:
    image = noise(mode, STRIP_BYTES // 256 // SAMPLES[mode], height)
    assert assert_holds(encode_png(image), image) == strips


@pytest.mark.parametrize(("width", "strips"), [(STRIP_BYTES // 2, 2), (STRIP_BYTES // 2 + 1, 3), (STRIP_BYTES + 1, 3)])
def test_rows_that_fill_a_strip(width: int, strips: int) -> None:
    image = noise("L", width, 3)
    assert assert_holds(encode_png(image), image) == strips


@pytest.mark.parametrize("mode", MODES)
def test_the_bytes_do_not_depend_on_threads(mode: str) -> None:
    image = noise(mode, STRIP_BYTES // 256 // SAMPLES[mode], 256 * 12 + 1)
    alone = encode_png(image)
    assert assert_holds(alone, image) == 13
    assert encode_png(image, threads=2) == alone
    assert encode_png(image, threads=3) == alone


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", list(Filter))
@pytest.mark.parametrize("width", [1, 2, 40])
def test_filters_are_undone_by_a_decoder(mode: str, kind: Filter, width: int) -> None:
    image = noise(mode, width, 9)
    rows = np.frombuffer(image.tobytes(), np.uint8).reshape(9, -1)
    lines = filtered(np.vstack([np.zeros_like(rows[:1]), rows]), kind, SAMPLES[mode])
    assert (lines[:, 0] == kind).all()
    signature_and_header, end = encode_png(image)[:33], encode_png(image)[-12:]
    body = b"IDAT" + zlib.compress(lines.tobytes())
    crc = struct.pack(">I", zlib.crc32(body))
    assert_holds(signature_and_header + struct.pack(">I", len(body) - 4) + body + crc + end, image)


def test_the_paeth_predictor_is_that_of_the_specification() -> None:
    edges = (0, 1, 2, 3, 63, 64, 127, 128, 129, 200, 252, 253, 254, 255)
    some = np.array(list(itertools.product(edges, repeat=3)), np.uint8)
    others = np.random.default_rng(1).integers(0, 256, (200_000, 3), np.uint8)
    near = (np.random.default_rng(2).integers(0, 250, (50_000, 1)) + others[:50_000] % 6).astype(np.uint8)
    left, up, corner = np.ascontiguousarray(np.vstack([some, others, near]).T)
    assert np.array_equal(paeth_predictor(left, up, corner), by_specification(left, up, corner))


def by_specification(*neighbours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """PNG, third edition, 9.4, as it is written there."""
    left, up, corner = (array.astype(np.int16) for array in neighbours)
    estimate = left + up - corner
    to_left, to_up, to_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner)).astype(
        np.int16
    )


def test_the_filter_suits_the_picture() -> None:
    columns = Image.fromarray(np.tile(np.asarray(noise("L", 400, 1)), (300, 1)))
    assert filter_of(encode_png(cut_out(400, 300))) == Filter.PAETH
    assert filter_of(encode_png(columns)) == Filter.UP
    assert filter_of(encode_png(drawing(400, 300))) == Filter.NONE


def test_no_larger_than_by_pillow() -> None:
    subject = cut_out(600, 450)
    for image in (subject, subject.convert("RGB"), subject.getchannel("A"), drawing(400, 300), disc(600, 450)):
        assert len(encode_png(image)) <= len(encoded(image, "PNG", compress_level=1))


def test_metadata_of_the_source_are_not_written() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    image = Image.open(io.BytesIO(encoded(quadrants(), "PNG", exif=exif, icc_profile=b"profile", dpi=(72, 72))))
    assert "icc_profile" in image.info
    assert_holds(encode_png(image), image)


def test_the_image_is_left_as_it_was() -> None:
    image = cut_out(300, 200)
    before = image.tobytes()
    assert encode_png(image) == encode_png(image.copy())
    assert image.tobytes() == before


@pytest.mark.parametrize("mode", ["1", "P", "LA", "PA", "I;16", "F", "CMYK", "YCbCr", "RGBa", "RGBX"])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match=mode):
        encode_png(Image.new(mode, (2, 2)))


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (0, 0)])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no PNG"):
        encode_png(Image.new("L", size))


@pytest.mark.parametrize("threads", [1, 2])
def test_no_copy_of_the_picture_is_held(threads: int) -> None:
    image = noise("RGBA", 2000, 2000)
    tracemalloc.start()
    try:
        data = encode_png(image, threads=threads)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # a buffer that grows is allowed an eighth to spare
    assert peak < len(data) * 9 // 8 + threads * 5 * STRIP_BYTES
