"""Figures in README.md and in other pages of docs/, by file and block."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.page import models, speed
from benchmarks.page.cost import ONE_VCPU_MB, SMALL, image_memory_mb, per_1000
from benchmarks.page.markdown import count, seconds, table
from benchmarks.page.quality_data import Quality
from benchmarks.page.sources import COST, SPEED, Results, Sources, missing
from benchmarks.paths import ROOT
from layers.model.manifest import Manifest


def parts(sources: Sources, manifest: Manifest) -> Mapping[Path, Mapping[str, str]]:
    """What stands in each file."""
    quality = Quality(sources.quality)
    return {
        ROOT / "README.md": {"speed": _speed(sources.speed), "cost": _cost(sources.cost, manifest)},
        ROOT / "docs" / "models.md": {"accuracy": models.accuracy(quality, manifest)},
        ROOT / "docs" / "performance.md": {
            "inside": speed.where_time_goes(sources.speed),
            "stages": speed.stages(sources.speed),
        },
    }


def _speed(results: Results | None) -> str:
    """What has a target, with the most threads that were measured."""
    if results is None:
        return missing(SPEED)
    threads = max(row["threads"] for row in results.data["rows"])
    rows = [row for row in results.data["rows"] if row["threads"] == threads and row["theirs"] and row["target"]]
    facts = results.data["machine"]
    head = (f"{facts['cpu']}, {facts['cores']} cores, {count(threads, 'thread')}", "ours", "rembg")
    return table(head, [(row["what"], _value(row, "ours"), _value(row, "theirs")) for row in rows])


def _value(row: Mapping[str, Any], side: str) -> str:
    return f"{seconds(row[side])} s" if row["unit"] == "s" else f"{row[side]:.0f} MB"


def _cost(results: Results | None, manifest: Manifest) -> str:
    """1000 small pictures on Lambda with each network, and what that assumes."""
    if results is None:
        return missing(COST)
    default = image_memory_mb()["Default"]
    told = []
    for model in manifest.models:
        least, usual = per_1000(results, model), per_1000(results, model, default)
        if least and least.usd_per_1000:
            ours = (
                f", {usual.usd_per_1000:.3f} USD with the default of {default} MB"
                if usual and usual.usd_per_1000
                else ""
            )
            told.append(f"- `{model}`: {least.usd_per_1000:.3f} USD with {least.memory_mb} MB, the cheapest size{ours}")
    return "\n".join(
        [
            f"1000 pictures of {SMALL:g} MP cost on Lambda, computed from measured seconds and the price list of "
            f"{results.data['prices'].split(', ', 1)[-1]} (x86):",
            "",
            *told,
            "",
            "Lambda's seconds and requests alone, warm, on that machine's processor, in containers with Lambda's share "
            f"of it ({ONE_VCPU_MB} MB are one vCPU); not API Gateway, DynamoDB, logs, traffic or cold starts.",
        ]
    )
