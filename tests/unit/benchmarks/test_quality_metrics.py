"""The quality benchmark's figures, on arrays small enough to be reckoned by hand."""

import numpy as np
import pytest

from benchmarks.quality import metrics
from benchmarks.quality.arrays import Bytes, composite, smooth, to_bytes


def alpha(rows: list[list[int]]) -> Bytes:
    return np.array(rows, np.uint8)


EVERYWHERE = np.ones((2, 2), bool)


def test_mean_alpha_error_is_a_share_of_opaque():
    assert metrics.mean_alpha_error(alpha([[0, 255], [255, 51]]), alpha([[0, 255], [0, 0]])) == pytest.approx(1.2 / 4)


def test_mean_alpha_error_knows_no_sign():
    one, other = alpha([[10, 20]]), alpha([[20, 10]])
    assert metrics.mean_alpha_error(one, other) == metrics.mean_alpha_error(other, one) == pytest.approx(10 / 255)


def test_mean_alpha_error_counts_the_band_alone():
    band = np.array([[True, False], [False, True]])
    assert metrics.mean_alpha_error(alpha([[255, 255], [0, 0]]), alpha([[0, 0], [0, 0]]), band) == pytest.approx(0.5)


def test_mean_alpha_error_of_an_empty_band_is_zero():
    assert metrics.mean_alpha_error(alpha([[255]]), alpha([[0]]), np.zeros((1, 1), bool)) == 0


def test_iou_takes_one_half_for_inside():
    assert metrics.intersection_over_union(alpha([[127, 128, 255]]), alpha([[255, 255, 255]])) == pytest.approx(2 / 3)


def test_iou_of_two_empty_pictures_is_one():
    assert metrics.intersection_over_union(alpha([[0, 3]]), alpha([[0, 0]])) == 1


def test_sad_counts_thousands_of_opaque_pixels():
    band = np.ones((1, 3), bool)
    assert metrics.summed_alpha_error(alpha([[255, 0, 51]]), alpha([[0, 0, 0]]), band) == pytest.approx(0.0012)


def test_gradient_error_of_the_same_alpha_is_zero():
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8), (20, 1))
    assert metrics.gradient_error(ramp, ramp, np.ones(ramp.shape, bool)) == 0


def test_gradient_error_is_the_mean_square_of_what_slopes_differ():
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8), (20, 1))
    middle = np.zeros(ramp.shape, bool)
    middle[8:12, 8:12] = True  # far from the borders the smoothing keeps a ramp as it is
    flat = np.full_like(ramp, 100)
    assert metrics.gradient_error(flat, ramp, middle) == pytest.approx((10 / 255) ** 2 * 1000, rel=1e-4)


def test_composited_error_is_nothing_where_both_are_transparent():
    colors, others = np.full((2, 2, 3), 200, np.uint8), np.zeros((2, 2, 3), np.uint8)
    empty = np.zeros((2, 2), np.uint8)
    assert metrics.composited_error(colors, empty, others, empty, EVERYWHERE, (255, 0, 255)) == 0


def test_composited_error_is_what_is_seen_on_the_new_background():
    grey = np.full((2, 2, 3), 100, np.uint8)
    opaque, half = np.full((2, 2), 255, np.uint8), np.full((2, 2), 51, np.uint8)
    # 100 against 0.2 * 100 + 0.8 * 250 = 220
    assert metrics.composited_error(grey, opaque, grey, half, EVERYWHERE, (250, 250, 250)) == pytest.approx(120)


def test_composited_error_of_a_wrong_colour_is_weighted_by_alpha():
    one, other = np.full((2, 2, 3), 100, np.uint8), np.full((2, 2, 3), 150, np.uint8)
    share = np.full((2, 2), 51, np.uint8)
    assert metrics.composited_error(one, share, other, share, EVERYWHERE, (0, 0, 0)) == pytest.approx(10)


def test_foreground_error_weighs_by_the_true_alpha():
    colors, true_colors = np.zeros((1, 2, 3), np.uint8), np.array([[[10, 10, 10], [40, 40, 40]]], np.uint8)
    truth = alpha([[50, 150]])
    assert metrics.foreground_error(colors, truth, true_colors, truth) == pytest.approx((10 * 50 + 40 * 150) / 200)


def test_foreground_error_leaves_out_what_is_opaque_empty_or_not_shown():
    colors, true_colors = np.zeros((1, 4, 3), np.uint8), np.full((1, 4, 3), 99, np.uint8)
    assert metrics.foreground_error(colors, alpha([[255, 9, 0, 0]]), true_colors, alpha([[255, 9, 0, 128]])) == 0


def test_speckles_are_small_islands_away_from_the_subject():
    truth = np.zeros((200, 200), np.uint8)
    truth[50:100, 50:100] = 255
    result = truth.copy()
    result[10, 10:13] = 255  # 3 pixels, below 0.01 % of 40000
    result[20, 20:24] = 255  # 4 pixels: not below
    result[150, 150] = 128
    result[150, 160] = 127  # less than half: nobody sees an island
    assert metrics.speckles(result, truth) == 2


def test_a_small_island_on_true_hair_is_no_speckle():
    truth = np.zeros((200, 200), np.uint8)
    truth[30, 30] = 60
    result = np.zeros_like(truth)
    result[30, 30:32] = 200
    assert metrics.speckles(result, truth) == 0


def test_holes_are_small_and_wholly_inside_of_the_subject():
    truth = np.zeros((200, 200), np.uint8)
    truth[50:100, 50:100] = 255
    result = truth.copy()
    result[60, 60:63] = 0
    result[70, 70] = result[71, 71] = 100  # background joins by sides, not by corners
    result[50, 50] = 0  # open to the background
    assert metrics.holes(result, truth) == 3


def test_shown_share_is_of_alpha_above_ten():
    assert metrics.shown_share(alpha([[10, 11], [0, 255]])) == 0.5


def test_composite_is_the_plain_sum_of_stored_values():
    colors, behind = np.full((1, 1, 3), 200, np.uint8), np.array([100, 0, 255], np.uint8)
    assert composite(colors, alpha([[51]]), behind).tolist() == [[[120, 40, 244]]]


def test_smoothing_keeps_the_sum_and_adds_half_a_pixel_of_variance():
    spike = np.zeros((9, 9), np.float32)
    spike[4, 4] = 16
    soft = smooth(spike)
    assert soft.sum() == 16
    assert soft[3:6, 3:6].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def test_smoothing_repeats_the_edges():
    assert smooth(np.full((3, 4, 2), 7, np.float32), times=3).tolist() == np.full((3, 4, 2), 7).tolist()


def test_levels_are_rounded_and_clipped():
    assert to_bytes(np.array([-3.0, 0.6, 254.4, 300.0])).tolist() == [0, 1, 254, 255]
