"""All figures of one run, and how they are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.comparison import ColdStarts
from benchmarks.figures import Measurement, Row
from benchmarks.machine import describe
from benchmarks.sides import OURS
from benchmarks.table import comparison_table, inside_table, stage_table

_INSIDE: Final = "Seconds, both sides by the same clocks (others: cores that other processes kept busy)"
_STAGES: Final = "Milliseconds by stage, ours (network: what onnxruntime takes of segment)"


@dataclass(frozen=True, slots=True)
class Report:
    """`rows` is the comparison by number of threads, `alpha_difference` the mean one of both sides' alphas (0 to 1)."""

    options: Mapping[str, Any]
    machine: Mapping[str, Any]
    versions: Mapping[str, Mapping[str, str]]
    pictures: Sequence[Mapping[str, Any]]
    alpha_difference: float | None
    cold_start_seconds: ColdStarts
    measurements: Sequence[Measurement]
    rows: Mapping[int, Sequence[Row]]

    def text(self) -> str:
        """Everything that is printed."""
        blocks = [self._head()]
        for threads, found in self.rows.items():
            of_threads = [m for m in self.measurements if m.case.threads == threads]
            ours = [m for m in of_threads if m.case.side == OURS]
            blocks += [
                f"{threads} thread{'s' * (threads > 1)}\n{comparison_table(found)}",
                f"{_INSIDE}\n{inside_table(of_threads)}",
                f"{_STAGES}\n{stage_table(ours)}",
            ]
        return "\n\n".join(blocks)

    def _head(self) -> str:
        versions = (
            f"{side}: {', '.join(f'{name} {version}' for name, version in found.items())}"
            for side, found in self.versions.items()
        )
        pictures = ", ".join(
            f"{p['name']} {p['size'][0]}x{p['size'][1]} {p['size_bytes'] / 1e6:.1f} MB" for p in self.pictures
        )
        lines = [describe(self.machine), *versions, f"JPEG in: {pictures}"]
        if self.alpha_difference is not None:
            lines.append(f"the alphas of both sides differ by {self.alpha_difference:.4f} of 1 on average")
        lines.append(f"medians of {self.options['repeats']} calls a picture, averaged over the pictures")
        return "\n".join(lines)
