"""Masks as WebP: every decoder gives back the very same levels."""

import numpy as np
import pytest
from PIL import Image

from functions.background_removal.imaging.encoding.webp_grey import encode_grey_webp
from tests.support.pictures import decoded


def planes() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    y, x = np.mgrid[:300, :700]
    matte = np.clip(200 - np.hypot(x - 350, y - 150) * 1.5, 0, 255).astype(np.uint8)
    return {
        "matte": matte,
        "noise": random.integers(0, 256, (70, 1100), np.uint8),
        "white": np.full((600, 520), 255, np.uint8),
        "black": np.zeros((33, 65), np.uint8),
        "one pixel": np.array([[137]], np.uint8),
        "one row": random.integers(0, 256, (1, 777), np.uint8),
        "one column": random.integers(0, 256, (777, 1), np.uint8),
        "stripes": np.tile(np.array([[0, 255]], np.uint8), (513, 257)),
    }


@pytest.mark.parametrize("name", list(planes()))
def test_levels_come_back(name: str) -> None:
    plane = planes()[name]
    data = encode_grey_webp(Image.fromarray(plane))
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    image = decoded(data)
    assert image.size == (plane.shape[1], plane.shape[0])
    for channel in image.convert("RGB").split():
        assert (np.asarray(channel) == plane).all()
    assert image.mode == "RGB" or image.getchannel("A").getextrema() == (255, 255)


def test_the_largest_sides() -> None:
    for size in ((16383, 2), (2, 16383)):
        assert decoded(encode_grey_webp(Image.new("L", size, 9))).size == size


@pytest.mark.parametrize("size", [(16384, 1), (0, 3)])
def test_sides_that_webp_cannot_have(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="alpha"):
        encode_grey_webp(Image.new("L", size))


def test_other_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="RGB"):
        encode_grey_webp(Image.new("RGB", (3, 3)))
