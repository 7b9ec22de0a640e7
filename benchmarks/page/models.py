"""Which network: quality, seconds and cost of each beside the others."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.page.cost import ONE_VCPU_MB, per_1000
from benchmarks.page.markdown import MISSING, bold, number, seconds, table
from benchmarks.page.quality import COLUMNS, best
from benchmarks.page.quality_data import GROUPS, Quality, common, mean
from benchmarks.page.sources import COST, QUALITY, Results, missing
from benchmarks.quality.options import OURS
from layers.model.manifest import Manifest

_FIGURES: Final = ("alpha", "iou", "band")


def accuracy(quality: Quality, manifest: Manifest) -> str:
    """Alpha error / IoU / band error of our whole path with each network, the best of a group bold."""
    names = list(manifest.models)
    body = []
    for group in (group for group in GROUPS if group != "flat"):
        found = {name: quality.figures(name, group, OURS) for name in names}
        pictures = common(found.values())
        if pictures:
            body.append((f"{GROUPS[group]} ({len(pictures)})", *_accuracy_cells(list(found.values()), pictures)))
    if not body:
        return missing(QUALITY)
    return table(("", *(f"`{name}`" for name in names)), body)


def choice(quality: Quality, cost: Results | None, manifest: Manifest) -> str:
    """What a picture costs with each network, and the memory size with which that is least."""
    if cost is None:
        return missing(COST)
    body = []
    for name, model in manifest.models.items():
        vcpu, least = per_1000(cost, name, ONE_VCPU_MB), per_1000(cost, name)
        cells = (MISSING, MISSING, MISSING)
        if vcpu and least and least.usd_per_1000:
            cells = (seconds(vcpu.seconds), f"{least.memory_mb} MB", f"{least.usd_per_1000:.4f}")
        band = [_mean_of_all(quality, name, group) for group in ("ccp", "cats", "lemur", "drawn")]
        body.append((f"`{name}`", model.precision, *cells, " / ".join(number(value, 3) for value in band)))
    head = ("", "", f"s at {ONE_VCPU_MB} MB", "cheapest size", "USD / 1000", "band: people / cats / lemur / drawn")
    return table(head, body)


def _mean_of_all(quality: Quality, model: str, group: str) -> float | None:
    figures = quality.figures(model, group, OURS)
    return mean(figures, list(figures), "band")


def _accuracy_cells(sides: Sequence[Mapping[str, Mapping[str, float]]], pictures: Sequence[str]) -> list[str]:
    means = {name: [mean(side, pictures, name) for side in sides] for name in _FIGURES}
    winners = {name: best(values, name) for name, values in means.items()}
    cells = []
    for at, side in enumerate(sides):
        parts = []
        for name in _FIGURES:
            value, decimals = means[name][at], COLUMNS[name][1]
            text = number(value, decimals)
            parts.append(bold(text) if value is not None and round(value, decimals) == winners[name] else text)
        cells.append(" / ".join(parts) if side else MISSING)
    return cells
