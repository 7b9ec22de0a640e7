"""From single calls to the figures of the table. Pure: no clock, no process, no file."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.call import Call
from benchmarks.children.stopwatch import DECODER, ENCODER

STAGES: Final = ("admit", "form", "inspect", "decode", "reserve", "segment", "render", "encode", "commit")


@dataclass(frozen=True, slots=True)
class Case:
    """One configuration of one side."""

    side: str
    megapixels: float
    output_format: str
    threads: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """All calls of one case after the warm-up, by picture, and the most memory its process ever held.

    `other_load_cores` is how many cores other processes kept busy meanwhile; None where the system does not tell.
    """

    case: Case
    calls: Mapping[str, Sequence[Call]]
    peak_bytes: int
    other_load_cores: float | None = None

    @property
    def seconds(self) -> float:
        return self.typical(lambda call: call.seconds)

    @property
    def cpu_seconds(self) -> float:
        return self.typical(lambda call: call.cpu_seconds)

    @property
    def spread_seconds(self) -> float:
        """Half the distance between the quartiles: half of all calls were nearer than this."""
        return statistics.fmean(_half_quartile_distance([c.seconds for c in calls]) for calls in self.calls.values())

    @property
    def codec_seconds(self) -> float:
        return self.inside(DECODER) + self.inside(ENCODER)

    @property
    def rest_seconds(self) -> float:
        """Outside of network, decoder and encoder."""
        return self.typical(lambda call: call.seconds - sum(call.inside_seconds.values()))

    @property
    def size_bytes(self) -> float:
        return self.typical(lambda call: call.size_bytes)

    def inside(self, name: str) -> float:
        return self.typical(lambda call: call.inside_seconds[name])

    def stage(self, name: str) -> float:
        return self.typical(lambda call: call.stage_seconds.get(name, 0.0))

    @property
    def answer_seconds(self) -> float:
        """Outside of all stages: routing, logging, headers, and base64 of the result."""
        return self.typical(lambda call: call.seconds - sum(call.stage_seconds.values()))

    def typical(self, figure: Callable[[Call], float]) -> float:
        """The median over each picture's calls, averaged over the pictures."""
        return statistics.fmean(statistics.median(map(figure, calls)) for calls in self.calls.values())


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the comparison; `unit` says what `ours` and `theirs` are. Without a target nothing is judged."""

    what: str
    unit: str
    ours: float
    theirs: float | None = None
    target: float | None = None
    judged_by_ratio: bool = True

    @property
    def ratio(self) -> float | None:
        return self.ours / self.theirs if self.theirs else None

    @property
    def met(self) -> bool | None:
        """Whether the target holds; None where there is none, or nothing to compare with."""
        value = self.ratio if self.judged_by_ratio else self.ours
        return None if value is None or self.target is None else value <= self.target


def milliseconds_of(server_timing: str) -> dict[str, float]:
    """The metrics of a Server-Timing header (W3C Server Timing) that carry a duration."""
    found = {}
    for metric in filter(None, map(str.strip, server_timing.split(","))):
        name, *parameters = (part.strip() for part in metric.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key == "dur":
                found[name] = float(value)
    return found


def find(measurements: Iterable[Measurement], case: Case) -> Measurement | None:
    return next((measurement for measurement in measurements if measurement.case == case), None)


def _half_quartile_distance(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return (third - first) / 2
