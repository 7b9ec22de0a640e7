"""Tables of quality, from the results of `make bench-quality`."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.page.markdown import MISSING, bold, listed, number, table
from benchmarks.page.quality_data import GROUPS, Quality, common, mean
from benchmarks.page.sources import QUALITY, missing
from benchmarks.quality.options import OURS, RAW
from benchmarks.quality.theirs import VARIANTS

REMBG: Final = "rembg"
SIDES: Final = (RAW, OURS, REMBG)
OPTIONS: Final = tuple(name for name in VARIANTS if name != REMBG)
NAMES: Final[Mapping[str, str]] = {
    RAW: "raw network",
    OURS: "ours",
    "rembg-matting": "rembg, alpha matting",
    "rembg-decontaminated": "rembg, decontaminated",
}
# Decimals of the figures, and whether more is better.
COLUMNS: Final[Mapping[str, tuple[str, int, bool]]] = {
    "alpha": ("alpha error", 4, False),
    "iou": ("IoU", 3, True),
    "band": ("band error", 3, False),
    "zone": ("soft edge error", 4, False),
    "edge": ("composited error, levels", 1, False),
    "colour": ("colour error, levels", 1, False),
    "speckles": ("specks", 1, False),
    "holes": ("holes", 1, False),
}
SHOWN: Final = "shown"


def side_by_side(quality: Quality, model: str, sides: Sequence[str] = SIDES) -> str:
    """A line for each group and side; the best of a group is bold."""
    body = [row for group in GROUPS if group != "flat" for row in _group_rows(quality, model, group, sides)]
    if not body:
        return missing(QUALITY)
    return table(("", "", *(head for head, _, _ in COLUMNS.values())), body)


def with_options(quality: Quality, model: str) -> str:
    """rembg's own options for better edges beside ours, on the pictures that they were measured on."""
    tables = [
        side_by_side(quality, model, (OURS, REMBG, option))
        for option in OPTIONS
        if any(quality.figures(model, group, option) for group in GROUPS)
    ]
    return "\n\n".join(tables) if tables else missing(QUALITY)


def without_subject(quality: Quality, model: str) -> str:
    """How much is shown of pictures that have no subject."""
    found = {side: quality.figures(model, "flat", side) for side in SIDES}
    pictures = common(found.values())
    if not pictures:
        return missing(QUALITY)
    values = {side: mean(figures, pictures, SHOWN) for side, figures in found.items()}
    told = [f"{NAMES.get(side, side)} {value * 100:.1f} %" for side, value in values.items() if value is not None]
    return f"Of {len(pictures)} pictures without any subject (walls, textures, noise, a sky) are shown: {listed(told)}."


def files(quality: Quality, model: str, sides: Sequence[str]) -> str:
    """The results that tables of these sides come from."""
    used = quality.used(model, sides)
    return listed([f"`{run.name}`" for run in used]) if used else "no results"


def best(values: Sequence[float | None], name: str) -> float | None:
    """The best of some means by what is printed of them: a difference that cannot be seen is none."""
    rounded = [round(value, COLUMNS[name][1]) for value in values if value is not None]
    if len(rounded) < 2 or len(set(rounded)) < 2:
        return None
    return max(rounded) if COLUMNS[name][2] else min(rounded)


def _group_rows(quality: Quality, model: str, group: str, sides: Sequence[str]) -> list[tuple[str, ...]]:
    found = {side: quality.figures(model, group, side) for side in sides}
    pictures = common(found.values())
    present = {side: figures for side, figures in found.items() if figures}
    if len(present) < len(sides):
        return []
    means = {name: [mean(figures, pictures, name) for figures in present.values()] for name in COLUMNS}
    rows = []
    for at, side in enumerate(present):
        cells = [_cell(values[at], best(values, name), COLUMNS[name][1]) for name, values in means.items()]
        rows.append((f"{GROUPS[group]} ({len(pictures)})" if at == 0 else "", NAMES.get(side, side), *cells))
    return rows


def _cell(value: float | None, winner: float | None, decimals: int) -> str:
    if value is None:
        return MISSING
    text = number(value, decimals)
    return bold(text) if round(value, decimals) == winner else text
