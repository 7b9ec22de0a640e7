"""The colours of the subject and of the background, carried to where they cannot be seen."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from functions.background_removal.imaging.cells import cell_px
from functions.background_removal.imaging.local_colors import LocalColors, estimate_local_colors

RUST, MEADOW, SKY = (200, 60, 40), (40, 170, 60), (90, 150, 230)
Levels = npt.NDArray[np.uint8]

sides = pytest.mark.parametrize("side", [320, 1024])


@pytest.fixture(autouse=True)
def _no_silent_arithmetic():
    with np.errstate(all="raise"):
        yield


def halves(side: int, band: int = 0) -> Levels:
    """Subject on the left, background on the right, and a band of pixels between them that is neither."""
    matte = np.zeros((side, side), np.uint8)
    matte[:, : side // 2] = 255
    matte[:, side // 2 - band : side // 2 + band] = 128
    return matte


def painted(
    matte: Levels, foreground: tuple[int, int, int] = RUST, background: tuple[int, int, int] = MEADOW
) -> Levels:
    return np.where((matte >= 128)[..., None], np.array(foreground, np.uint8), np.array(background, np.uint8))


def estimate(pixels: Levels, matte: Levels, opaque: Levels | None = None) -> LocalColors:
    colors = estimate_local_colors(Image.fromarray(pixels), matte, opaque)
    cells = (len(matte) // cell_px(len(matte)),) * 2
    assert colors.line.shape == (*cells, 3)
    for plane in (colors.background, colors.line, colors.slope, colors.doubt, colors.trust):
        assert plane.shape[:2] == cells
        assert plane.dtype == np.float32
        assert np.isfinite(plane).all()
    assert colors.trust.min() >= 0
    assert colors.trust.max() <= 1
    assert colors.doubt.min() > 0
    return colors


def alpha_of(colors: LocalColors, color: tuple[int, int, int]) -> npt.NDArray[np.float32]:
    offset = np.array(color, np.float32) - colors.background
    alpha: npt.NDArray[np.float32] = (offset * colors.line).sum(axis=-1) * colors.slope
    return alpha


@sides
def test_plain_colours_are_known_everywhere(side: int) -> None:
    matte = halves(side, band=12)
    colors = estimate(painted(matte), matte)
    assert np.abs(colors.line - np.subtract(RUST, MEADOW)).max() < 0.5
    assert np.abs(alpha_of(colors, RUST) - 1).max() < 0.01
    assert np.abs(alpha_of(colors, MEADOW)).max() < 0.01


@sides
def test_both_are_trusted_along_the_edge_and_not_far_from_it(side: int) -> None:
    matte = halves(side)
    trust = estimate(painted(matte), matte).trust
    middle = side // 2 // cell_px(side)
    assert trust[:, middle - 4 : middle + 4].min() == 1
    assert trust[:, :5].max() == 0
    assert trust[:, -5:].max() == 0


@sides
def test_near_colours_count_before_far_ones(side: int) -> None:
    matte = halves(side, band=8)
    pixels = painted(matte)
    pixels[: side // 2, side // 2 :] = SKY
    line = estimate(pixels, matte).line
    middle, far = side // 2 // cell_px(side), side // cell_px(side) // 8
    assert np.abs(line[far, middle] - np.subtract(RUST, SKY)).max() < 8
    assert np.abs(line[-far, middle] - np.subtract(RUST, MEADOW)).max() < 8


@sides
def test_the_unsure_pixels_are_nobody_s_colour(side: int) -> None:
    matte = halves(side, band=12)
    pixels = painted(matte)
    pixels[matte == 128] = (255, 0, 255)
    assert np.abs(estimate(pixels, matte).line - np.subtract(RUST, MEADOW)).max() < 0.5


@sides
def test_transparent_pixels_are_nobody_s_colour(side: int) -> None:
    matte = halves(side)
    pixels = painted(matte)
    opaque = np.full((side, side), 255, np.uint8)
    for level, top in ((0, 0), (128, 40), (254, 80)):
        opaque[top : top + 40, side // 4 : side * 3 // 4] = level
    pixels[opaque < 255] = (128, 128, 128)
    assert np.abs(estimate(pixels, matte, opaque).line - np.subtract(RUST, MEADOW)).max() < 0.5


@sides
@pytest.mark.parametrize("level", [0, 13, 128, 241, 255])
def test_without_subject_or_background_nothing_is_trusted(side: int, level: int) -> None:
    matte = np.full((side, side), level, np.uint8)
    random = np.random.default_rng(level).integers(0, 256, (side, side, 3), np.uint8)
    for pixels in (random, np.zeros_like(random), np.full_like(random, 255)):
        assert estimate(pixels, matte).trust.max() == 0


@sides
def test_in_a_picture_that_is_transparent_throughout_nothing_is_trusted(side: int) -> None:
    matte = halves(side)
    assert estimate(painted(matte), matte, np.full((side, side), 254, np.uint8)).trust.max() == 0


@sides
def test_one_sure_pixel_is_no_error(side: int) -> None:
    for at in ((0, 0), (side - 1, side - 1), (side // 2, 0)):
        matte = np.full((side, side), 255, np.uint8)
        matte[at] = 0
        colors = estimate(painted(matte), matte)
        assert colors.trust.max() < 0.5
        assert estimate(painted(255 - matte), 255 - matte).trust.max() < 0.5


@sides
def test_doubt_grows_as_the_colours_come_together(side: int) -> None:
    matte = halves(side)
    middle = side // 2 // cell_px(side)
    doubts = [
        float(estimate(painted(matte, (128 + d, 128, 128), (128, 128, 128)), matte).doubt[middle, middle])
        for d in (100, 50, 20, 5, 0)
    ]
    assert doubts == sorted(doubts)
    assert doubts[0] < 0.01
    assert doubts[-1] > 10


@sides
def test_doubt_grows_with_the_unrest_of_either(side: int) -> None:
    matte = halves(side)
    middle = side // 2 // cell_px(side)
    stripes = (np.arange(side) // (2 * cell_px(side)) % 2 * 80).astype(np.uint8)
    for part in (matte == 255, matte == 0):
        restless = painted(matte)
        restless[part] = (restless + stripes[:, None, None])[part]
        calm, doubtful = estimate(painted(matte), matte), estimate(restless, matte)
        assert doubtful.doubt[middle, middle] > 3 * calm.doubt[middle, middle]
