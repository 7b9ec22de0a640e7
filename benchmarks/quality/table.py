"""The figures as a person reads them. Pure: everything returns text."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from benchmarks.quality.scores import Score, means

T = TypeVar("T")

_COLUMNS: Final = {
    "alpha": 4,
    "iou": 3,
    "band": 4,
    "zone": 4,
    "sad": 2,
    "gradient": 2,
    "edge": 2,
    "white": 2,
    "black": 2,
    "green": 2,
    "magenta": 2,
    "colour": 2,
    "speckles": 1,
    "holes": 1,
    "shown": 4,
    "cpu_seconds": 2,
}
"""Figures and their decimals."""
_HEADS: Final = {"cpu_seconds": "cpu s"}


def group_tables(scores: Sequence[Score]) -> str:
    """For each group a line per side with the means of its figures."""
    return "\n\n".join(_table(g, [s for s in scores if s.group == g]) for g in _once(s.group for s in scores))


def picture_tables(scores: Sequence[Score]) -> str:
    """For each picture a line per side."""
    pictures = _once((s.group, s.picture) for s in scores)
    return "\n\n".join(
        _table(f"{group}/{name}", [s for s in scores if (s.group, s.picture) == (group, name)])
        for group, name in pictures
    )


def _table(title: str, scores: Sequence[Score]) -> str:
    sides = {side: means([s for s in scores if s.side == side]) for side in _once(s.side for s in scores)}
    columns = [name for name in _COLUMNS if any(name in found for found in sides.values())]
    count = len({s.picture for s in scores})
    width = max(24, len(title) + 6, *(len(side) + 2 for side in sides))
    head = f"{title} ({count})"
    lines = [f"{head:<{width}}" + "".join(f"{_HEADS.get(name, name):>10}" for name in columns)]
    for side, found in sides.items():
        cells = (f"{found[name]:>10.{_COLUMNS[name]}f}" if name in found else " " * 10 for name in columns)
        lines.append(f"  {side:<{width - 2}}" + "".join(cells))
    return "\n".join(lines)


def _once(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))
