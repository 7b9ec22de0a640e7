"""What counts as the subject: no haze, no specks, no pinholes; real holes and gaps, and small subjects, are kept."""

import numpy as np
import numpy.typing as npt
import pytest

from functions.background_removal.imaging.subject import label_regions, settled

Levels = npt.NDArray[np.uint8]
SIDE = 1024


def matte_of(*rectangles: tuple[int, int, int, int, int], ground: int = 0) -> Levels:
    """Rectangles of top, left, bottom, right and level, in this order."""
    matte = np.full((SIDE, SIDE), ground, np.uint8)
    for top, left, bottom, right, level in rectangles:
        matte[top:bottom, left:right] = level
    return matte


SUBJECT = (200, 200, 700, 700, 255)


@pytest.mark.parametrize("level", [0, 1, 9, 10, 64, 127])
def test_where_nothing_is_likely_nothing_is_there(level: int) -> None:
    assert not settled(matte_of(ground=level)).any()
    assert not settled(matte_of((100, 100, 500, 300, level))).any()


@pytest.mark.parametrize("level", [128, 255])
def test_a_subject_that_is_likely_somewhere_is_there_with_all_of_its_softness(level: int) -> None:
    matte = matte_of((192, 192, 708, 708, 30), (300, 300, 310, 310, level))
    assert np.array_equal(settled(matte), matte)


def test_haze_beside_a_subject_goes_and_haze_around_it_stays() -> None:
    matte = matte_of((192, 192, 708, 708, 60), SUBJECT, (800, 100, 900, 600, 127))
    expected = matte_of((192, 192, 708, 708, 60), SUBJECT)
    assert np.array_equal(settled(matte), expected)


def test_levels_below_the_faintest_belong_to_whatever_is_around() -> None:
    """A cell of 9 is no region of its own, so it cannot be removed; one of 10 is."""
    assert np.array_equal(
        settled(matte_of(SUBJECT, (800, 800, 900, 900, 9))), matte_of(SUBJECT, (800, 800, 900, 900, 9))
    )
    assert np.array_equal(settled(matte_of(SUBJECT, (800, 800, 900, 900, 10))), matte_of(SUBJECT))


def test_a_speck_beside_a_subject_goes() -> None:
    # Six cells are less than a ten thousandth of 256 x 256, seven are not.
    assert np.array_equal(settled(matte_of(SUBJECT, (800, 800, 804, 824, 255))), matte_of(SUBJECT))
    kept = matte_of(SUBJECT, (800, 800, 804, 828, 255))
    assert np.array_equal(settled(kept), kept)


def test_a_small_subject_beside_none_that_is_larger_is_kept() -> None:
    for matte in (
        matte_of((500, 500, 501, 501, 255)),
        matte_of((500, 500, 504, 504, 255), (800, 100, 808, 108, 255)),
    ):
        assert np.array_equal(settled(matte), matte)


def test_haze_does_not_make_a_speck_of_a_small_subject() -> None:
    """Only what is kept otherwise can be the largest."""
    matte = matte_of((500, 500, 504, 504, 255), (600, 0, 1024, 1024, 100))
    assert settled(matte)[500:504, 500:504].min() == 255


@pytest.mark.parametrize("level", [128, 200, 245])
def test_a_hole_that_is_nowhere_likely_background_is_filled(level: int) -> None:
    assert np.array_equal(settled(matte_of(SUBJECT, (400, 400, 500, 500, level))), matte_of(SUBJECT))


@pytest.mark.parametrize("level", [0, 60, 127])
def test_a_hole_that_is_likely_background_is_kept_with_its_edge(level: int) -> None:
    matte = matte_of(SUBJECT, (396, 396, 504, 504, 150), (400, 400, 500, 500, level))
    assert np.array_equal(settled(matte), matte)


def test_gaps_between_hairs_are_kept_however_small() -> None:
    matte = matte_of(SUBJECT, *[(300, left, 301, left + 1, 0) for left in range(220, 680, 40)])
    assert np.array_equal(settled(matte), matte)


def test_a_subject_that_fills_the_picture_stays_and_loses_its_thin_spots() -> None:
    assert settled(matte_of(ground=255)).min() == 255
    assert settled(matte_of((300, 300, 400, 400, 200), ground=255)).min() == 255


@pytest.mark.parametrize("shape", [(4, 4), (320, 320), (1024, 1024)])
def test_the_shape_and_the_given_matte_stay(shape: tuple[int, int]) -> None:
    matte = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    before = matte.copy()
    out = settled(matte)
    assert out.shape == shape
    assert out.dtype == np.dtype(np.uint8)
    assert np.array_equal(matte, before)
    assert np.array_equal(settled(out), out)


def spiral(side: int) -> npt.NDArray[np.bool_]:
    """One line of one pixel, wound inwards with one pixel between its turns."""
    mask = np.zeros((side, side), bool)
    row, column, down, right, length = 0, 0, 0, 1, side - 1
    mask[0, 0] = True
    for turn in range(2 * (side // 2) - 1):
        for _ in range(length):
            row, column = row + down, column + right
            mask[row, column] = True
        down, right = right, -down
        if turn >= 1 and turn % 2 == 0:
            length -= 2
    return mask


def worst_cases() -> list[object]:
    y, x = np.mgrid[:256, :256]
    return [
        pytest.param((y + x) % 2 == 0, 1, id="checkerboard"),
        pytest.param((y % 2 == 0) & (x % 2 == 0), 128 * 128, id="dots"),
        pytest.param(x % 2 == 0, 128, id="columns"),
        pytest.param((x % 2 == 0) | (y == 255), 1, id="comb, joined at the bottom"),
        pytest.param((x % 2 == 0) | (y == 0), 1, id="comb, joined at the top"),
        pytest.param((y % 2 == 0) | (x == np.where(y % 4 == 1, 0, 255)), 1, id="meander"),
        pytest.param(spiral(256), 1, id="spiral"),
        pytest.param(np.abs(x - 127.5) > y / 4 + 1, 2, id="halves that never meet"),
        pytest.param(np.ones((256, 256), bool), 1, id="all"),
        pytest.param(np.zeros((256, 256), bool), 0, id="nothing"),
    ]


@pytest.mark.parametrize(("mask", "regions"), worst_cases())
def test_regions_that_wind_are_counted_right(mask: npt.NDArray[np.bool_], regions: int) -> None:
    for turned in (mask, mask[::-1], mask[:, ::-1], mask.T):
        labels, count = label_regions(turned)
        assert count == regions
        assert np.array_equal(labels > 0, turned)
        assert np.array_equal(np.unique(labels[turned]), np.arange(1, regions + 1))
