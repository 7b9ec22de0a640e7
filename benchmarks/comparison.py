"""The lines of the comparison and the project's targets beside them. Pure."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from benchmarks.figures import Case, Measurement, Row, find
from benchmarks.sides import OURS, THEIRS

PNG, WEBP = "png", "webp"
_NAMES: Final = {PNG: "PNG", WEBP: "WebP"}
# Ours over rembg's by megapixels and our format. rembg's side is always its PNG, which is what `remove()` gives.
_SPEED_TARGETS: Final = {(12.0, PNG): 0.33, (12.0, WEBP): 0.30, (1.5, PNG): 0.45, (1.5, WEBP): 0.45}
_PEAK_TARGETS: Final = {12.0: 0.35}
_REST_TARGET: Final = 0.08
_COLD_START_TARGET_SECONDS: Final = 0.7

ColdStarts = dict[str, list[float]]
"""Seconds from process start to ready for the first request, by side."""


def rows(measurements: Sequence[Measurement], cold_starts: ColdStarts, threads: int) -> list[Row]:
    """Everything that is compared at one number of threads."""
    ours = [m for m in measurements if m.case.side == OURS and m.case.threads == threads]
    return [
        *(row for our in ours for row in _speed(our, measurements)),
        *(_peak(our, measurements) for our in ours),
        *(_rest(our) for our in ours),
        *([_cold_start(cold_starts)] if cold_starts.get(OURS) else []),
    ]


def _speed(our: Measurement, measurements: Sequence[Measurement]) -> list[Row]:
    case = our.case
    their_png, same = _theirs(case, PNG, measurements), _theirs(case, case.output_format, measurements)
    target = _SPEED_TARGETS.get((case.megapixels, case.output_format))
    title = f"{_title(case)}, rembg's PNG" if their_png and case.output_format != PNG else _title(case)
    found = [Row(title, "s", our.seconds, their_png.seconds if their_png else None, target)]
    if same is not None and same is not their_png:
        found.append(Row(f"{_title(case)}, rembg's too", "s", our.seconds, same.seconds))
    return found


def _peak(our: Measurement, measurements: Sequence[Measurement]) -> Row:
    theirs = _theirs(our.case, PNG, measurements)
    target = _PEAK_TARGETS.get(our.case.megapixels)
    return Row(
        f"peak memory, {_title(our.case)}",
        "MB",
        our.peak_bytes / 1e6,
        theirs.peak_bytes / 1e6 if theirs else None,
        target,
    )


def _rest(our: Measurement) -> Row:
    share = our.rest_seconds / our.seconds
    return Row(
        f"outside of network and codec, {_title(our.case)}", "share", share, None, _REST_TARGET, judged_by_ratio=False
    )


def _cold_start(cold_starts: ColdStarts) -> Row:
    theirs = cold_starts.get(THEIRS)
    return Row(
        "cold start",
        "s",
        median(cold_starts[OURS]),
        median(theirs) if theirs else None,
        _COLD_START_TARGET_SECONDS,
        judged_by_ratio=False,
    )


def _theirs(case: Case, output_format: str, measurements: Sequence[Measurement]) -> Measurement | None:
    return find(measurements, Case(THEIRS, case.megapixels, output_format, case.threads))


def _title(case: Case) -> str:
    return f"{case.megapixels:g} MP to {_NAMES[case.output_format]}"
