"""Where the other side is better: found in the same results, so that no bad figure can be left out."""

from collections.abc import Iterator
from typing import Final

from benchmarks.children.stopwatch import INFERENCE
from benchmarks.figures import Measurement
from benchmarks.page.large import cases
from benchmarks.page.markdown import bold, count, listed, number
from benchmarks.page.quality import COLUMNS, NAMES, OPTIONS, REMBG, SHOWN
from benchmarks.page.quality_data import GROUPS, Quality, common, mean
from benchmarks.page.sources import Results, Sources
from benchmarks.page.speed import FORMATS, measurements
from benchmarks.quality.options import OURS, RAW
from benchmarks.sides import THEIRS
from layers.model.manifest import Manifest

_LARGER: Final = 1.02
"""Sizes within this ratio are the same."""
_JUDGED: Final = {**COLUMNS, SHOWN: ("shown share", 4, False)}


def losses(sources: Sources, quality: Quality, manifest: Manifest) -> str:
    """A list: targets that are missed, then figures and files in which another side is better."""
    lines = [
        *_missed_targets(sources.speed),
        *_missed_by_large(sources.large),
        *_sizes(sources.speed),
        *(line for side in (REMBG, *OPTIONS) for line in _worse_than(quality, manifest.default, side)),
        *(line for model in manifest.models for line in _worse_than(quality, model, RAW)),
        *_worse_than_models(quality, manifest),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _missed_targets(speed: Results | None) -> Iterator[str]:
    if speed is None:
        return
    missed = [row for row in speed.data["rows"] if row["met"] is False]
    if not missed:
        yield "**Targets**: all of the speed benchmark's are met."
        return
    told = []
    for row in missed:
        value = row["ratio"] if row["judged_by_ratio"] else row["ours"]
        told.append(f"{row['what']} with {count(row['threads'], 'thread')} ({value:.3f}, target {row['target']:g})")
    yield f"**Targets missed**: {'; '.join(told)}."


def _missed_by_large(results: Results | None) -> Iterator[str]:
    if results is None:
        return
    missed = [f"`{case.title}`" for case in cases(results) if not case.is_met]
    if missed:
        yield f"**The largest pictures** miss their target of memory or seconds as {listed(missed)}."


def _sizes(speed: Results | None) -> Iterator[str]:
    """Files that are larger than rembg's of the same format."""
    if speed is None:
        return
    found = measurements(speed)
    told = []
    for ours in (m for m in found if m.case.side == OURS):
        theirs = _same_case(found, ours)
        if theirs and ours.size_bytes > _LARGER * theirs.size_bytes:
            told.append(
                f"{ours.case.megapixels:g} MP {FORMATS[ours.case.output_format]} {ours.size_bytes / 1e6:.2f} to "
                f"{theirs.size_bytes / 1e6:.2f} MB"
            )
    if told:
        yield f"**Files** are larger than rembg's of the same format: {listed(list(dict.fromkeys(told)))}."
    slower = [m for m in found if m.case.side == OURS and m.inside(INFERENCE) > m.seconds / 2]
    if slower:
        shares = [m.inside(INFERENCE) / m.seconds for m in slower]
        yield (
            f"**The network** takes up to {max(shares) * 100:.0f} % of a call and only runs on the CPU; rembg can use "
            "a GPU, and where there is one it will be faster."
        )


def _same_case(found: list[Measurement], ours: Measurement) -> Measurement | None:
    wanted = (ours.case.megapixels, ours.case.output_format, ours.case.threads)
    return next(
        (
            m
            for m in found
            if m.case.side == THEIRS and (m.case.megapixels, m.case.output_format, m.case.threads) == wanted
        ),
        None,
    )


def _worse_than(quality: Quality, model: str, side: str) -> Iterator[str]:
    """One line: every figure of the tables in which that side is better than ours, as printed."""
    told = []
    for group, title in GROUPS.items():
        ours, theirs = quality.figures(model, group, OURS), quality.figures(model, group, side)
        if not (ours and theirs):
            continue
        pictures = common((ours, theirs))
        worse = [_pair(name, mean(ours, pictures, name), mean(theirs, pictures, name)) for name in _JUDGED]
        if any(worse):
            told.append(f"{title.split(',')[0]}: {listed([text for text in worse if text])}")
    if told:
        yield f"{bold(NAMES.get(side, side))} (`{model}`) is better at (ours / theirs): {'; '.join(told)}."


def _worse_than_models(quality: Quality, manifest: Manifest) -> Iterator[str]:
    """Groups whose alpha error is less with another network than with the default one."""
    for model in (name for name in manifest.models if name != manifest.default):
        told = []
        for group, title in GROUPS.items():
            sides = [quality.figures(name, group, OURS) for name in (manifest.default, model)]
            if all(sides):
                pair = _pair("alpha", *(mean(side, common(sides), "alpha") for side in sides))
                told += [f"{title.split(',')[0]}: {pair}"] if pair else []
        if told:
            yield f"**`{manifest.default}`**, our default network, is worse than `{model}` at: {'; '.join(told)}."


def _pair(name: str, ours: float | None, theirs: float | None) -> str:
    if ours is None or theirs is None:
        return ""
    head, decimals, more_is_better = _JUDGED[name]
    difference = round(theirs, decimals) - round(ours, decimals)
    is_worse = difference > 0 if more_is_better else difference < 0
    return f"{head.split(',')[0]} {number(ours, decimals)} / {number(theirs, decimals)}" if is_worse else ""
