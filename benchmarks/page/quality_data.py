"""Which quality figures count: of each model, group and side the newest, picture by picture."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

from benchmarks.page.sources import Results

Figures = Mapping[str, float]
ByPicture = Mapping[str, Figures]
"""Figures by the picture's name."""
GROUPS: Final[Mapping[str, str]] = {
    "ccp": "people in the street, hard masks",
    "cats": "cats, hard masks",
    "lemur": "a lemur, soft matte",
    "drawn": "drawn subjects, exact alpha and colours",
    "lemur+": "the lemur before other backgrounds, exact alpha and colours",
    "flat": "no subject",
}
"""In the order of the page."""


class Quality:
    """All quality results, newest first."""

    def __init__(self, runs: Sequence[Results]) -> None:
        usable = [run for run in runs if _is_usable(run.data["options"])]
        self._runs = sorted(usable, key=lambda run: bool(run.data["options"]["quick"]))  # stable: newest first in both

    def figures(self, model: str, group: str, side: str) -> ByPicture:
        """Of the newest whole run that has them, else of the newest quick one; empty where there is none."""
        run = self._run(model, group, side)
        return _figures(run, group, side) if run else {}

    def used(self, model: str, sides: Iterable[str]) -> list[Results]:
        """The runs that a table of these sides takes its figures from, each once."""
        runs = [self._run(model, group, side) for side in sides for group in GROUPS]
        return list({run.name: run for run in runs if run}.values())

    def _run(self, model: str, group: str, side: str) -> Results | None:
        wanted = (run for run in self._runs if run.data["options"]["model"] == model)
        return next((run for run in wanted if _figures(run, group, side)), None)


def common(sides: Iterable[ByPicture]) -> list[str]:
    """The pictures that all sides have: only on these do their means compare. Sides without any do not count."""
    found = [side for side in sides if side]
    return [name for name in found[0] if all(name in side for side in found)] if found else []


def mean(figures: ByPicture, pictures: Sequence[str], name: str) -> float | None:
    """The mean of one figure over some pictures; None where none of them has it."""
    values = [figures[picture][name] for picture in pictures if name in figures.get(picture, {})]
    return fmean(values) if values else None


def _is_usable(options: Mapping[str, Any]) -> bool:
    """Not of a chosen few pictures, and not with the truth in the network's place."""
    return not options["given_matte"] and not options["only"]


def _figures(run: Results, group: str, side: str) -> ByPicture:
    return {
        score["picture"]: score["figures"]
        for score in run.data["scores"]
        if score["group"] == group and score["side"] == side
    }
