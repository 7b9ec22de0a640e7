"""The pictures that may be shown: all free to be published (THIRD_PARTY_LICENSES.md), and what makes each hard."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.page.markdown import listed
from benchmarks.paths import CACHE
from benchmarks.pictures import SIZES
from benchmarks.quality.eval_set import eval_samples
from benchmarks.quality.sample import Sample
from layers.model.progress import Progress

Point = tuple[float, float]

_MADE: Final = CACHE / "quality" / "composites"
_TAKEN: Final = CACHE / "pictures"


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of the page; `centre` is the crop's, as shares of width and height."""

    group: str
    name: str
    title: str
    centre: Point
    credit: str

    @property
    def file_name(self) -> str:
        return f"{self.name}.webp"


_OWN: Final = "drawn by this project"
SHOWN: Final = (
    Shown("lemur", "lemur", "A lemur: soft fur", (0.36, 0.42), "photograph: Mathias Appel, CC0"),
    Shown("drawn", "hair-gradient-3000", "Hair, drawn: alpha and colours are known", (0.17, 0.46), _OWN),
    Shown("drawn", "bicycle-gradient-1200", "Spokes, drawn", (0.3, 0.6), _OWN),
    Shown("drawn", "plant-red-1200", "Leaves before a saturated wall, drawn", (0.5, 0.4), _OWN),
    Shown(
        "photographs", "portrait", "A portrait; its truth is not known", (0.4, 0.1), "photograph: NASA, public domain"
    ),
)


def available(progress: Progress) -> Iterator[tuple[Shown, Sample]]:
    """Those whose files other benchmarks have made or fetched on this machine; nothing is downloaded."""
    found = {(sample.group, sample.name): sample for sample in _samples()}
    absent = [shown.name for shown in SHOWN if (shown.group, shown.name) not in found]
    if absent:
        progress(f"not on this machine, so not made anew: pictures of {listed(absent)}")
    for shown in SHOWN:
        if (shown.group, shown.name) in found:
            yield shown, found[shown.group, shown.name]


def _samples() -> Iterator[Sample]:
    yield from (sample for sample in eval_samples() if sample.group == "lemur")
    made = {shown.name for shown in SHOWN}
    for path in sorted(_MADE.glob("*/*-alpha.png")):
        stem = path.name.removesuffix("-alpha.png")
        for picture in path.parent.glob(f"{stem}.*"):
            if stem in made:
                yield Sample("drawn", stem, picture, path, path.with_name(f"{stem}-colors.png"))
    for name in made:
        path = _TAKEN / f"{name}-{min(SIZES):g}.jpg"
        if path.is_file():
            yield Sample("photographs", name, path)
