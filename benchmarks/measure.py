"""Runs the contenders: always taking turns, so that whatever else the machine does slows both alike."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.call import Call
from benchmarks.comparison import ColdStarts
from benchmarks.figures import Case, Measurement
from benchmarks.others import OtherLoad
from benchmarks.pictures import JpegFile
from benchmarks.process import Contender
from benchmarks.sides import Side

# A process whose turn is over may go on for a moment: worker threads spin, freed memory goes back.
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Entry:
    """A side and the formats that are asked of it."""

    side: Side
    formats: tuple[str, ...]


def measure(
    entries: Sequence[Entry], megapixels: float, threads: int, pictures: Sequence[JpegFile], repeats: int, keep: Path
) -> list[Measurement]:
    """Each case in a process of its own, all alive together; one warm-up a picture, then `repeats` calls each.

    The warm-up's results are written into the folder `keep`, named by `result_path`.
    """
    cases = [Case(entry.side.name, megapixels, name, threads) for entry in entries for name in entry.formats]
    sides = {entry.side.name: entry.side for entry in entries}
    cases.sort(key=lambda case: case.output_format)  # ours, theirs, ours, theirs
    calls: dict[Case, dict[str, list[Call]]] = {case: {p.name: [] for p in pictures} for case in cases}
    peaks = dict.fromkeys(cases, 0)
    others = OtherLoad()
    with ExitStack() as stack:
        contenders = {case: stack.enter_context(Contender(sides[case.side], threads)) for case in cases}
        for turn in range(repeats + 1):
            for picture in pictures:
                for case, contender in contenders.items():
                    time.sleep(_PAUSE_SECONDS)
                    save = result_path(keep, case, picture) if turn == 0 else None
                    call = contender.remove(picture.path, case.output_format, save)
                    peaks[case] = call.peak_bytes
                    if turn > 0:
                        calls[case][picture.name].append(call)
    other_load_cores = others.cores()
    return [Measurement(case, calls[case], peaks[case], other_load_cores) for case in cases]


def cold_starts(sides: Sequence[Side], threads: int, repeats: int) -> tuple[ColdStarts, dict[str, dict[str, str]]]:
    """Seconds from process start to ready, files in the page cache and bytecode compiled; and each side's versions."""
    seconds: ColdStarts = {side.name: [] for side in sides}
    versions: dict[str, dict[str, str]] = {}
    for turn in range(repeats + 1):
        for side in sides:
            time.sleep(_PAUSE_SECONDS)
            with Contender(side, threads) as contender:
                versions[side.name] = contender.versions
                if turn > 0:
                    seconds[side.name].append(contender.ready_seconds)
    return seconds, versions


def result_path(folder: Path, case: Case, picture: JpegFile) -> Path:
    """Where the result of one case for one picture is kept."""
    return folder / f"{picture.name}-{case.megapixels:g}-{case.threads}-{case.side}.{case.output_format}"
