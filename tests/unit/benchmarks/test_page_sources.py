"""Which results the page is made of."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.page.sources import load_sources


def write(folder: Path, name: str, **data: Any) -> None:
    (folder / name).write_text(json.dumps(data), "utf-8")


def speed(*sides: str, pictures: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "measurements": [{"case": {"side": side}} for side in sides],
        "options": {"pictures": list(pictures)},
    }


def test_an_empty_folder_has_nothing(tmp_path):
    found = load_sources(tmp_path)
    assert (found.speed, found.cold, found.large, found.cost, found.quality) == (None, None, None, None, [])


def test_the_newest_counts(tmp_path):
    for day in (1, 3, 2):
        write(tmp_path, f"cold-start-2025010{day}T000000Z.json", at=f"2025-01-0{day}T00:00:00+00:00")
    found = load_sources(tmp_path).cold
    assert found is not None
    assert found.day == "2025-01-03"


@pytest.mark.parametrize("newer", [speed("ours"), speed("ours", "rembg", pictures=["a.jpg"])])
def test_a_run_without_rembg_or_of_other_pictures_does_not_displace_the_comparison(tmp_path, newer):
    write(tmp_path, "speed-20250101T000000Z.json", **speed("ours", "rembg"))
    write(tmp_path, "speed-20250102T000000Z.json", **newer)
    found = load_sources(tmp_path).speed
    assert found is not None
    assert found.name == "speed-20250101T000000Z.json"


def test_a_part_is_better_than_nothing(tmp_path):
    write(tmp_path, "large-20250101T000000Z.json", options={"only": ["w=800"]})
    assert load_sources(tmp_path).large is not None


def test_the_cost_of_one_model_does_not_displace_that_of_all(tmp_path):
    write(tmp_path, "lambda-cost-20250101T000000Z.json", rows=[{"model": "a"}, {"model": "b"}])
    write(tmp_path, "lambda-cost-20250102T000000Z.json", rows=[{"model": "a"}])
    found = load_sources(tmp_path).cost
    assert found is not None
    assert found.name == "lambda-cost-20250101T000000Z.json"


@pytest.mark.parametrize("text", ["", '{"at": ', "[]"])
def test_a_file_that_is_cut_off_is_passed_over(tmp_path, text):
    write(tmp_path, "quality-20250101T000000Z.json", at="2025-01-01")
    (tmp_path / "quality-20250102T000000Z.json").write_text(text, "utf-8")
    assert [run.name for run in load_sources(tmp_path).quality] == ["quality-20250101T000000Z.json"]
