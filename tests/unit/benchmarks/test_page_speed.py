"""The tables of `make bench`, and that our own encoders are in them."""

import importlib

import pytest

from benchmarks.children.ours import ENCODE, OWN_ENCODERS
from benchmarks.page.speed import comparison, stages, where_time_goes
from tests.unit.benchmarks.page_results import measurement, row, speed


def test_a_line_has_both_sides_their_ratio_and_the_verdict():
    text = comparison(speed([row(0.7, 2.8, 0.30)]), "s")
    assert "| 12 MP to WebP | ≤ 0.30 | 0.70 / 2.80 = **0.25**, met |" in text


def test_a_missed_target_is_said_so_and_its_ratio_is_as_exact_as_that_needs():
    text = comparison(speed([row(0.303, 1.0, 0.30, met=False)]), "s")
    assert "= **0.303**, **not met** |" in text


def test_lines_are_told_by_their_unit():
    rows = [row(0.7, 2.8, 0.30), row(640.0, 1800.0, 0.35, what="peak memory, 12 MP to PNG", unit="MB", met=False)]
    text = comparison(speed(rows), "MB")
    assert "| 12 MP to PNG | ≤ 0.35 | 640 / 1800 = **0.36**, **not met** |" in text
    assert "WebP" not in text


def test_network_codec_and_rest_come_from_the_single_calls():
    text = where_time_goes(speed([row(1.0, 2.0, None)], [measurement("ours", 1.0), measurement("rembg", 2.0)]))
    assert "| 12 MP → WebP, 2 threads, ours | 0.60 | 0.30 | 0.10 | 1.00 | 1.00 | 1.00 |" in text
    assert "rembg | 1.20 | 0.60 | 0.20 | 2.00 |" in text


def test_stages_are_ours_alone():
    text = stages(speed([], [measurement("ours", 1.0), measurement("rembg", 2.0)]))
    assert "ours" in text
    assert "rembg" not in text


def test_without_results_the_page_says_so():
    assert comparison(None, "s") == "*Not measured yet: `make bench`.*"


@pytest.mark.parametrize("name", OWN_ENCODERS)
def test_our_encoders_are_timed_where_the_function_looks_them_up(name):
    assert callable(getattr(importlib.import_module(ENCODE), name))
