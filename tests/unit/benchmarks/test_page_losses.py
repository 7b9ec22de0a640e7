"""Where we lose is found in the figures, not chosen."""

from collections.abc import Mapping

import pytest

from benchmarks.page.losses import losses
from benchmarks.page.quality_data import Quality
from benchmarks.page.sources import Results, Sources
from layers.model.manifest import load_manifest
from tests.unit.benchmarks.page_results import measurement, quality, row, speed


def told(*runs: Results, speed: Results | None = None) -> str:
    return losses(Sources(speed, None, None, None, []), Quality(list(runs)), load_manifest())


def versus(side: str, ours: Mapping[str, float], theirs: Mapping[str, float]) -> Results:
    return quality("1", [("cats", "one", "ours", ours), ("cats", "one", side, theirs)])


@pytest.mark.parametrize("side", ["rembg", "rembg-matting", "rembg-decontaminated", "raw"])
def test_every_figure_in_which_another_side_is_better_is_told(side):
    text = told(versus(side, {"band": 0.11, "iou": 0.9}, {"band": 0.06}))
    assert "cats: IoU .900 / .950 and band error .110 / .060." in text
    assert "alpha error" not in text


def test_what_is_better_or_equal_as_printed_is_not_told():
    assert told(versus("rembg", {"band": 0.05, "alpha": 0.02001}, {})) == ""


def test_a_network_that_is_better_than_the_default_is_told():
    runs = [
        quality("1", [("lemur", "lemur", "ours", {"alpha": 0.018})]),
        quality("2", [("lemur", "lemur", "ours", {"alpha": 0.010})], model="u2net"),
    ]
    assert "worse than `u2net` at: a lemur: alpha error .0180 / .0100." in told(*runs)


def test_missed_targets_are_told_and_met_ones_are_not():
    text = told(speed=speed([row(0.4, 1.0, 0.30, met=False), row(0.2, 1.0, 0.45, what="small")]))
    assert "12 MP to WebP with 2 threads (0.400, target 0.3)" in text
    assert "small" not in text


def test_larger_files_are_told():
    text = told(speed=speed([], [measurement("ours", 1.0, 1_350_000), measurement("rembg", 2.0, 680_000)]))
    assert "12 MP WebP 1.35 to 0.68 MB" in text
