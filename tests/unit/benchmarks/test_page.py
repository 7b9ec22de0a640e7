"""The page as a whole: its words, its blocks in other pages, its pictures."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import BenchmarkError
from benchmarks.page.__main__ import PICTURES
from benchmarks.page.blocks import replace_blocks
from benchmarks.page.cold import first_answers
from benchmarks.page.cost import cheapest_sizes, cost_table, image_memory_mb
from benchmarks.page.large import large_summary, large_table
from benchmarks.page.losses import losses
from benchmarks.page.page import page, tidied
from benchmarks.page.parts import parts
from benchmarks.page.pictures import CROP_PX, MOST_BYTES, sheet_of, small_enough
from benchmarks.page.quality_data import Quality
from benchmarks.page.sources import COMMANDS, Results, Sources
from benchmarks.page.subjects import SHOWN
from benchmarks.paths import ROOT
from layers.model.manifest import load_manifest
from tests.unit.benchmarks.page_results import cost, cost_row

NOTHING = Sources(None, None, None, None, [])


def test_a_page_of_nothing_says_what_to_run_for_each_kind(tmp_path):
    text = page(NOTHING, load_manifest(), tmp_path)
    for command in COMMANDS.values():
        assert f"*Not measured yet: `{command}`.*" in text
    assert "$" not in text
    assert "\n\n\n" not in text


def test_every_command_of_the_page_is_a_target_of_make():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY"))
    for command in (*COMMANDS.values(), "make bench-page"):
        target = command.removeprefix("make ")
        assert f"\n{target}: ## " in makefile
        assert target in phony.split()


def test_the_pages_have_the_marks_of_their_blocks():
    for path, blocks in parts(NOTHING, load_manifest()).items():
        replace_blocks(path.read_text("utf-8"), blocks)


def test_a_block_is_replaced_and_the_rest_stays():
    text = "before\n<!-- benchmarks: one -->\nold\n\nolder\n<!-- /benchmarks -->\nafter\n"
    renewed = replace_blocks(text, {"one": "new"})
    assert renewed == "before\n<!-- benchmarks: one -->\nnew\n<!-- /benchmarks -->\nafter\n"
    assert replace_blocks(renewed, {"one": "new"}) == renewed


@pytest.mark.parametrize("blocks", [{}, {"one": "", "two": ""}])
def test_marks_and_blocks_must_match(blocks):
    with pytest.raises(BenchmarkError):
        replace_blocks("<!-- benchmarks: one -->\n<!-- /benchmarks -->", blocks)


def test_empty_parts_leave_no_gap():
    assert tidied("a\n\n\n\nb\n\n\n") == "a\n\nb\n"


def test_the_cheapest_memory_size_of_each_network_is_bold():
    text = cost_table(cost(cost_row("u2net", 1769, 0.5), cost_row("u2net", 3538, 0.4)))
    assert [line.count("**") for line in text.splitlines()[2:]] == [2, 0]


def test_too_little_memory_is_told():
    assert "too little memory" in cost_table(cost(cost_row("u2net", 1769, None, None)))


def test_the_least_memory_of_the_template_is_read_from_it():
    limits = image_memory_mb()
    assert set(limits) == {"Default", "MinValue", "MaxValue"}
    text = cheapest_sizes(cost(cost_row("u2net", 1024, 0.8), cost_row("u2net", 1769, 0.5)))
    assert f"no less than {limits['MinValue']} MB" in text


def test_a_sheet_has_a_column_a_side_and_a_row_a_colour():
    picture = np.full((400, 500, 3), 90, np.uint8)
    sheet = sheet_of(picture, {"ours": np.dstack((picture, np.zeros((400, 500), np.uint8)))}, (0.5, 0.5))
    across, down = np.array(sheet.size) // CROP_PX
    assert (across, down) == (2, 3)
    shown = [sheet.getpixel((CROP_PX + 100, row * (sheet.height // 3) + 100)) for row in range(3)]
    assert shown == [(255, 255, 255), (0, 0, 0), (255, 0, 255)]


def test_a_sheet_of_much_detail_is_made_small_enough():
    noise = np.random.default_rng(1).integers(90, 130, (600, 600, 3), np.uint8)
    data = small_enough(Image.fromarray(noise))
    assert len(data) < MOST_BYTES
    assert Image.open(io.BytesIO(data)).format == "WEBP"


def test_the_pictures_of_the_page_are_there_small_and_credited():
    licences = (ROOT / "THIRD_PARTY_LICENSES.md").read_text("utf-8")
    files = {path.name for path in PICTURES.iterdir()}
    assert files == {shown.file_name for shown in SHOWN}
    assert all((PICTURES / name).stat().st_size < MOST_BYTES for name in files)
    for shown in SHOWN:
        assert "drawn by this project" in shown.credit or f"`{shown.name}`" in licences


def test_the_largest_pictures_are_judged_one_by_one_and_together():
    cases = [large_case("small.png", 1.0, 900), large_case("large.jpg", 25.0, 2500)]
    results = Results("large-x.json", {"at": "2025-01-02", "options": {"memory": 3008, "only": []}, "cases": cases})
    table, summary = large_table(results), large_summary(results)
    assert "| `small.png` | 1.00 | 1.00 | 900 | 2.0 | met |" in table
    assert "| `large.jpg` | **25** | 25 | **2500** | 2.0 | **not met** |" in table
    assert "1 of 2 requests" in summary
    assert "fits into the template's default of 3008 MB and does **not** fit into its least" in summary
    assert "`large.jpg`" in losses(Sources(None, None, results, None, []), Quality([]), load_manifest())


def test_cold_starts_are_medians_and_the_second_answer_is_told_by_itself():
    starts = [{"seconds": [ready, ready + 0.5, ready + 0.6], "cpu_seconds": [0, 0, 0]} for ready in (0.2, 0.3, 0.9)]
    text = first_answers(Results("cold-start-x.json", {"at": "2025-01-02", "starts": {"a picture": starts}}))
    assert "| a picture | 300 | 800 | 100 |" in text


def large_case(title: str, seconds: float, peak_mb: int) -> dict[str, Any]:
    return {
        "title": title,
        "seconds": seconds,
        "cpu_seconds": seconds,
        "peak_bytes": peak_mb * 1_000_000,
        "size_bytes": 2_000_000,
    }
