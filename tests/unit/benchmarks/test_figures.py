"""The figures of the benchmark say what they claim: medians, ratios, and targets judged honestly."""

import pytest

from benchmarks.call import Call
from benchmarks.comparison import rows
from benchmarks.figures import Case, Measurement, Row, milliseconds_of
from benchmarks.sides import OURS, THEIRS
from benchmarks.table import comparison_table


def call(seconds: float, **inside: float) -> Call:
    return Call(
        seconds=seconds,
        cpu_seconds=2 * seconds,
        inside_seconds={"inference": 0.0, "decoder": 0.0, "encoder": 0.0} | inside,
        stage_seconds={"decode": 0.25},
        size_bytes=1000,
        peak_bytes=500_000_000,
    )


def measured(side: str, output_format: str, *seconds: float) -> Measurement:
    calls = {"portrait": [call(each, inference=each / 2) for each in seconds]}
    return Measurement(Case(side, 12.0, output_format, 2), calls, 500_000_000)


def test_the_typical_call_is_the_median_of_each_picture_averaged_over_the_pictures():
    calls = {"a": [call(1.0), call(9.0), call(2.0)], "b": [call(4.0), call(4.0), call(100.0)]}
    assert Measurement(Case(OURS, 12.0, "png", 2), calls, 0).seconds == pytest.approx(3.0)


def test_what_is_outside_of_network_and_codec_is_taken_call_by_call():
    calls = {"a": [call(2.0, inference=1.0, decoder=0.25, encoder=0.25)]}
    measurement = Measurement(Case(OURS, 12.0, "png", 2), calls, 0)
    assert measurement.rest_seconds == pytest.approx(0.5)
    assert measurement.codec_seconds == pytest.approx(0.5)
    assert measurement.answer_seconds == pytest.approx(1.75)


def test_half_of_the_calls_are_nearer_than_the_spread():
    assert measured(OURS, "png", 1.0, 2.0, 3.0, 4.0, 5.0).spread_seconds == pytest.approx(1.0)
    assert measured(OURS, "png", 1.0).spread_seconds == 0.0


@pytest.mark.parametrize(("ours", "met"), [(0.9, True), (1.0, True), (1.01, False)])
def test_a_target_is_met_up_to_its_own_value(ours, met):
    assert Row("x", "s", ours, 2.0, 0.5).met is met


def test_nothing_is_judged_without_something_to_compare_with():
    assert Row("x", "s", 1.0, None, 0.5).met is None
    assert Row("x", "s", 1.0, 2.0, None).met is None
    assert Row("x", "s", 0.6, None, 0.5, judged_by_ratio=False).met is False


def test_webp_is_held_against_what_rembg_gives_which_is_png():
    measurements = [
        measured(OURS, "webp", 1.0),
        measured(THEIRS, "png", 4.0),
        measured(THEIRS, "webp", 3.0),
    ]
    first, second, *_ = rows(measurements, {}, 2)
    assert (first.ratio, first.target, first.met) == (0.25, 0.30, True)
    assert second.ratio == pytest.approx(1 / 3)
    assert second.met is None


def test_a_target_that_is_missed_is_said_so():
    text = comparison_table([Row("12 MP to PNG", "s", 1.0, 2.0, 0.33)])
    assert text.splitlines()[1].split() == [
        "12",
        "MP",
        "to",
        "PNG",
        "1.00",
        "s",
        "2.00",
        "s",
        "0.50",
        "≤",
        "0.33",
        "NOT",
        "MET",
    ]


def test_stages_are_read_from_the_server_timing_header():
    header = 'form;dur=6.9, cache;desc="hit", segment;desc=x;dur=424.8'
    assert milliseconds_of(header) == {"form": 6.9, "segment": 424.8}
    assert milliseconds_of("") == {}
