"""docs/benchmarks.md: its words stand in page.md, its figures come from results."""

from pathlib import Path
from string import Template
from typing import Final

from benchmarks.page import cold, cost, large, models, quality, speed
from benchmarks.page.losses import losses
from benchmarks.page.machine import machine_section
from benchmarks.page.quality_data import Quality
from benchmarks.page.sources import COLD, COST, LARGE, QUALITY, SPEED, Results, Sources
from benchmarks.page.subjects import SHOWN
from benchmarks.quality.options import OURS
from layers.model.manifest import Manifest

WORDS: Final = Path(__file__).with_name("page.md")


def page(sources: Sources, manifest: Manifest, pictures: Path) -> str:
    """The whole page. `pictures` is the folder of those that exist, beside the page."""
    found = Quality(sources.quality)
    figures = {
        "machine": machine_section(_kinds(sources, manifest, found)),
        **_speed(sources.speed),
        "first_answers": cold.first_answers(sources.cold),
        "emulator_start": cold.under_the_emulator(sources.cost),
        **_quality(found, manifest.default),
        "pictures": _pictures(pictures),
        "large_summary": large.large_summary(sources.large),
        "large": large.large_table(sources.large),
        **_cost(sources.cost),
        "accuracy": models.accuracy(found, manifest),
        "choice": models.choice(found, sources.cost, manifest),
        "small_megapixels": f"{cost.SMALL:g}",
        "losses": losses(sources, found, manifest),
    }
    return tidied(Template(WORDS.read_text("utf-8")).substitute(figures))


def tidied(text: str) -> str:
    """At most one empty line between two others, and one line's end at the end."""
    blocks = (block.strip("\n") for block in text.split("\n\n"))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _kinds(sources: Sources, manifest: Manifest, found: Quality) -> dict[str, Results | None]:
    newest = next(iter(found.used(manifest.default, quality.SIDES)), None)
    return {SPEED: sources.speed, COLD: sources.cold, QUALITY: newest, LARGE: sources.large, COST: sources.cost}


def _speed(results: Results | None) -> dict[str, str]:
    return {
        "speed": speed.comparison(results, "s"),
        "speed_remarks": speed.remarks(results) if results else "",
        "speed_rest": speed.comparison(results, "share"),
        "memory": speed.comparison(results, "MB"),
        "cold_start": speed.cold_start(results),
    }


def _quality(found: Quality, model: str) -> dict[str, str]:
    return {
        "quality": quality.side_by_side(found, model),
        "no_subject": quality.without_subject(found, model),
        "quality_files": quality.files(found, model, quality.SIDES),
        "quality_options": quality.with_options(found, model),
        "option_files": quality.files(found, model, (OURS, *quality.OPTIONS)),
    }


def _cost(results: Results | None) -> dict[str, str]:
    return {
        "cost": cost.cost_table(results),
        "cheapest_sizes": cost.cheapest_sizes(results) if results else "",
        "cost_assumptions": cost.assumptions(results) if results else "",
    }


def _pictures(folder: Path) -> str:
    there = [shown for shown in SHOWN if (folder / shown.file_name).is_file()]
    blocks = [
        f"**{shown.title}** ({shown.credit}).\n\n"
        f"![{shown.title}: our cut-out and rembg's over three colours]({folder.name}/{shown.file_name})"
        for shown in there
    ]
    return "\n\n".join(blocks) or "*Not made yet.*"
