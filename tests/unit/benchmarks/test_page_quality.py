"""Tables of quality: which run counts, which pictures, and who is best."""

from benchmarks.page.quality import side_by_side, with_options, without_subject
from benchmarks.page.quality_data import Quality
from tests.unit.benchmarks.page_results import Scored, quality

MODEL = "isnet-general-use"


def all_sides(picture: str, **ours: float) -> list[Scored]:
    return [("cats", picture, side, ours if side == "ours" else {}) for side in ("raw", "ours", "rembg")]


def test_of_each_side_the_newest_whole_run_counts():
    newest = quality("3", [("cats", "one", "ours", {"alpha": 0.03})], quick=True)
    whole = quality("2", [("cats", "one", "ours", {"alpha": 0.02})])
    oldest = quality("1", [("cats", "one", "ours", {"alpha": 0.01}), ("cats", "one", "raw", {"alpha": 0.04})])
    found = Quality([newest, whole, oldest])
    assert found.figures(MODEL, "cats", "ours")["one"]["alpha"] == 0.02
    assert found.figures(MODEL, "cats", "raw")["one"]["alpha"] == 0.04
    assert [run.name for run in found.used(MODEL, ("ours", "raw"))] == ["quality-2.json", "quality-1.json"]


def test_given_mattes_chosen_pictures_and_other_models_do_not_count():
    score: list[Scored] = [("cats", "one", "ours", {})]
    runs = [quality("3", score, given_matte=True), quality("2", score, only="one"), quality("1", score, model="u2net")]
    assert Quality(runs).figures(MODEL, "cats", "ours") == {}


def test_sides_are_compared_on_the_pictures_that_all_of_them_have():
    scores = [*all_sides("one"), ("cats", "two", "ours", {"alpha": 0.9})]
    text = side_by_side(Quality([quality("1", scores)]), MODEL)
    assert "cats, hard masks (1)" in text
    assert ".0200" in text


def test_the_best_is_bold_and_a_difference_that_cannot_be_read_is_none():
    lines = side_by_side(Quality([quality("1", all_sides("one", alpha=0.01, band=0.10001))]), MODEL).splitlines()
    (ours,) = (line for line in lines if "| ours |" in line)
    assert "**.0100**" in ours
    assert "| .100 |" in ours


def test_more_iou_is_better():
    lines = side_by_side(Quality([quality("1", all_sides("one", iou=0.9))]), MODEL).splitlines()
    assert ["**.950**" in line for line in lines[2:]] == [True, False, True]


def test_a_group_that_a_side_lacks_is_left_out():
    scores: list[Scored] = [("cats", "one", "ours", {}), ("cats", "one", "raw", {})]
    assert side_by_side(Quality([quality("1", scores)]), MODEL).startswith("*Not measured yet")


def test_options_are_shown_on_the_pictures_that_they_were_measured_on():
    scores = [*all_sides("one"), *all_sides("two"), ("cats", "two", "rembg-matting", {})]
    text = with_options(Quality([quality("1", scores)]), MODEL)
    assert "cats, hard masks (1)" in text
    assert "rembg, alpha matting" in text
    assert "decontaminated" not in text


def test_what_is_shown_of_nothing_is_told_for_every_side():
    scores = [("flat", "wall", side, {"shown": share}) for side, share in (("ours", 0.02), ("rembg", 0.11))]
    text = without_subject(Quality([quality("1", scores)]), MODEL)
    assert "ours 2.0 % and rembg 11.0 %" in text
