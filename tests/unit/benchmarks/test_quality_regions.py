"""The boundary band and the connected regions, against definitions that are slow and plain."""

import numpy as np
import pytest

from benchmarks.quality.arrays import Mask
from benchmarks.quality.band import boundary, boundary_band, dilated, edge_zone
from benchmarks.quality.regions import regions


def slowly_dilated(mask: Mask, radius: float) -> Mask:
    rows, columns = np.nonzero(mask)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    found = np.zeros_like(mask)
    for row, column in zip(rows, columns, strict=True):
        found |= (y - row) ** 2 + (x - column) ** 2 <= radius**2
    return found


def slowly_counted(mask: Mask, steps: list[tuple[int, int]]) -> list[int]:
    left, areas = set(zip(*np.nonzero(mask), strict=True)), []
    while left:
        todo = [left.pop()]
        area = 0
        while todo:
            row, column = todo.pop()
            area += 1
            near = {(row + down, column + across) for down, across in steps} & left
            left -= near
            todo += near
        areas.append(area)
    return sorted(areas)


SIDES = [(0, 1), (0, -1), (1, 0), (-1, 0)]
CORNERS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]


@pytest.mark.parametrize("radius", [1, 2.3, 3, 30])
def test_dilation_is_euclidean(radius):
    mask = np.random.default_rng(7).random((17, 23)) > 0.97
    assert np.array_equal(dilated(mask, radius), slowly_dilated(mask, radius))


def test_dilation_of_nothing_is_nothing():
    assert not dilated(np.zeros((5, 5), bool), 3).any()


def test_the_band_is_one_percent_of_the_long_side_to_either_side():
    alpha = np.zeros((10, 300), np.uint8)
    alpha[:, 150:] = 255
    assert np.flatnonzero(boundary_band(alpha)[5]).tolist() == [147, 148, 149, 150, 151, 152]


def test_a_small_picture_has_a_band_too():
    assert boundary_band(np.array([[0, 0, 255, 255]], np.uint8)).tolist() == [[False, True, True, False]]


def test_the_zone_also_reaches_hair_that_is_nowhere_half_opaque():
    alpha = np.zeros((10, 100), np.uint8)
    alpha[:, 40] = 60
    assert not boundary_band(alpha).any()
    assert np.flatnonzero(edge_zone(alpha)[5]).tolist() == [39, 40, 41]


def test_the_boundary_is_both_sides_of_a_change_and_all_that_is_soft():
    alpha = np.array([[0, 255, 255, 255, 30, 0]], np.uint8)
    assert boundary(alpha).tolist() == [[True, True, False, True, True, False]]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(("diagonal", "steps"), [(False, SIDES), (True, SIDES + CORNERS)])
def test_regions_are_those_of_a_flood_fill(share, diagonal, steps):
    mask = np.random.default_rng(int(share * 10)).random((31, 37)) < share
    assert sorted(regions(mask, diagonal=diagonal).areas.tolist()) == slowly_counted(mask, steps)


def test_regions_do_not_join_across_the_ends_of_rows():
    mask = np.array([[False, False, True], [True, False, False]])
    assert regions(mask, diagonal=True).areas.tolist() == [1, 1]


def test_a_spiral_is_one_region():
    mask = np.array(
        [[1, 1, 1, 1, 1], [0, 0, 0, 0, 1], [1, 1, 1, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]],
        bool,
    )
    assert regions(mask, diagonal=False).areas.tolist() == [17]


def test_an_empty_mask_has_no_regions():
    assert regions(np.zeros((4, 4), bool), diagonal=True).areas.tolist() == []


def test_touching_tells_which_regions_share_a_pixel_with_a_mask():
    mask = np.array([[1, 0, 0, 1], [1, 0, 0, 1]], bool)
    other = np.array([[0, 1, 1, 0], [0, 0, 0, 1]], bool)
    assert regions(mask, diagonal=False).touching(other).tolist() == [False, True]
