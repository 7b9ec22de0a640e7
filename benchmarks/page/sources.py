"""The newest results of each kind, out of the folder that the benchmarks write into."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.sides import THEIRS

SPEED, COLD, QUALITY, LARGE, COST = "speed", "cold-start", "quality", "large", "lambda-cost"
COMMANDS: Final[Mapping[str, str]] = {
    SPEED: "make bench",
    COLD: "make bench-cold",
    QUALITY: "make bench-quality",
    LARGE: "make bench-large",
    COST: "make bench-cost",
}


@dataclass(frozen=True, slots=True)
class Results:
    """One results file: its name, and what is in it."""

    name: str
    data: Mapping[str, Any]

    @property
    def day(self) -> str:
        """The UTC day of the measurement, as in 2025-01-31."""
        return str(self.data.get("at", "no date"))[:10]


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to report; None, or an empty list, where nothing has been measured."""

    speed: Results | None
    cold: Results | None
    large: Results | None
    cost: Results | None
    quality: list[Results]


def load_sources(folder: Path) -> Sources:
    """The newest of each kind; a run of everything counts before a part of it. All of quality, newest first."""
    return Sources(
        speed=_newest(folder, SPEED, _compares),
        cold=_newest(folder, COLD),
        large=_newest(folder, LARGE, lambda results: not results.data["options"]["only"]),
        cost=_newest(folder, COST, _has_several_models),
        quality=list(_all(folder, QUALITY)),
    )


def missing(kind: str) -> str:
    """What stands in place of a table."""
    return f"*Not measured yet: `{COMMANDS[kind]}`.*"


def _newest(folder: Path, kind: str, preferred: Callable[[Results], bool] = lambda _: True) -> Results | None:
    found = list(_all(folder, kind))
    return next(filter(preferred, found), found[0] if found else None)


def _compares(results: Results) -> bool:
    sides = {measurement["case"]["side"] for measurement in results.data["measurements"]}
    return THEIRS in sides and not results.data["options"]["pictures"]


def _has_several_models(results: Results) -> bool:
    return len({row["model"] for row in results.data["rows"]}) > 1


def _all(folder: Path, kind: str) -> Iterator[Results]:
    """Newest first; a file that is cut off or another's is none."""
    for path in sorted(folder.glob(f"{kind}-*.json"), key=lambda path: path.name, reverse=True):
        try:
            data = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(data, dict):
            yield Results(path.name, data)
