"""From a result to its figures, and from many figures to their means. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from benchmarks.quality import metrics
from benchmarks.quality.arrays import Bytes, Mask
from benchmarks.quality.band import boundary_band, edge_zone, is_soft

BACKGROUNDS: Final[Mapping[str, tuple[int, int, int]]] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "green": (0, 200, 0),
    "magenta": (255, 0, 255),
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a picture; a picture without a subject has no alpha, a photograph no colours.

    `band` is docs/models.md's boundary band, `zone` also reaches all soft pixels (`band.edge_zone`).
    """

    alpha: Bytes | None
    colors: Bytes | None
    band: Mask | None
    zone: Mask | None

    @classmethod
    def of(cls, alpha: Bytes | None, colors: Bytes | None) -> "Truth":
        if alpha is None:
            return cls(None, None, None, None)
        return cls(alpha, colors, boundary_band(alpha), edge_zone(alpha))


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one side's result for one picture; `cpu_seconds` is the side's processor time for
    it; None for a side in a process of its own."""

    group: str
    picture: str
    side: str
    cpu_seconds: float | None
    figures: Mapping[str, float]


def figures(result: Bytes, truth: Truth) -> dict[str, float]:
    """All figures that apply to a cut-out uint8 (h, w, 4)."""
    colors, alpha = result[..., :3], result[..., 3]
    if truth.alpha is None or truth.band is None or truth.zone is None:
        return {"shown": metrics.shown_share(alpha)}
    found = {
        "alpha": metrics.mean_alpha_error(alpha, truth.alpha),
        "iou": metrics.intersection_over_union(alpha, truth.alpha),
        "band": metrics.mean_alpha_error(alpha, truth.alpha, truth.band),
        "speckles": float(metrics.speckles(alpha, truth.alpha)),
        "holes": float(metrics.holes(alpha, truth.alpha)),
    }
    if is_soft(truth.alpha):
        found["zone"] = metrics.mean_alpha_error(alpha, truth.alpha, truth.zone)
        found["sad"] = metrics.summed_alpha_error(alpha, truth.alpha, truth.zone)
        found["gradient"] = metrics.gradient_error(alpha, truth.alpha, truth.zone)
    if truth.colors is not None:
        for name, color in BACKGROUNDS.items():
            found[name] = metrics.composited_error(colors, alpha, truth.colors, truth.alpha, truth.zone, color)
        found["edge"] = fmean(found[name] for name in BACKGROUNDS)
        found["colour"] = metrics.foreground_error(colors, alpha, truth.colors, truth.alpha)
    return found


def means(scores: Sequence[Score]) -> dict[str, float]:
    """The mean of each figure over the pictures that have it, and of the processor time."""
    names = dict.fromkeys(name for score in scores for name in score.figures)
    found = {name: fmean(s.figures[name] for s in scores if name in s.figures) for name in names}
    seconds = [score.cpu_seconds for score in scores if score.cpu_seconds is not None]
    return {**found, "cpu_seconds": fmean(seconds)} if seconds else found
