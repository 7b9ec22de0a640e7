"""Any small picture: its PNG decodes to the same pixels, and does not depend on the number of threads."""

import zlib
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from functions.background_removal.imaging.encoding import png
from functions.background_removal.imaging.encoding.png import encode_png
from functions.background_removal.imaging.structure import png_chunks
from tests.support.pictures import decoded

SAMPLES = {"L": 1, "RGB": 3, "RGBA": 4}
SIDE = st.one_of(st.integers(1, 4), st.integers(1, 48))


@st.composite
def pictures(draw: st.DrawFn) -> Image.Image:
    """Short patterns repeated, in which filters and matches of all kinds find something."""
    mode = draw(st.sampled_from(list(SAMPLES)))
    width, height = draw(SIDE), draw(SIDE)
    size_bytes = width * height * SAMPLES[mode]
    pattern = draw(st.binary(min_size=1, max_size=64))
    pixels = bytearray(pattern * (size_bytes // len(pattern) + 1))[:size_bytes]
    for at, value in draw(st.lists(st.tuples(st.integers(0, size_bytes - 1), st.integers(0, 255)), max_size=20)):
        pixels[at] = value
    return Image.frombytes(mode, (width, height), bytes(pixels))


@settings(max_examples=300, deadline=None)
@given(pictures(), st.integers(1, 600), st.integers(1, 3))
def test_pixels_come_back_from_strips_of_any_size(image: Image.Image, strip_bytes: int, threads: int) -> None:
    with mock.patch.object(png, "STRIP_BYTES", strip_bytes), mock.patch.object(png, "_STRIPS_A_THREAD", 1):
        data = encode_png(image)
        assert encode_png(image, threads=threads) == data
    back = decoded(data)
    assert (back.mode, back.size) == (image.mode, image.size)
    assert back.tobytes() == image.tobytes()
    # Pillow reads on past a wrong Adler-32, zlib does not
    zlib.decompress(b"".join(data[at : at + length] for kind, at, length in png_chunks(data) if kind == b"IDAT"))
