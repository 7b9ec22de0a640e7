"""Cold starts: beside rembg, until the first answer, and under Lambda's emulator."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.page.cost import cost_rows
from benchmarks.page.markdown import listed, seconds, table
from benchmarks.page.sources import COLD, Results, missing


def first_answers(results: Results | None) -> str:
    """Medians of the wall-clock since the start of the process: ready, first answer, and the second one's seconds."""
    if results is None:
        return missing(COLD)
    body = [(name, *_milliseconds(starts)) for name, starts in results.data["starts"].items()]
    return table(("Milliseconds since the start of the process", "ready", "first answer", "second answer takes"), body)


def under_the_emulator(results: Results | None) -> str:
    """A sentence: the best cold start of the default network by memory size."""
    if results is None:
        return ""
    rows = cost_rows(results)
    ready = {row.memory_mb: row.ready_seconds for row in rows if row.model == rows[0].model and row.ready_seconds}
    told = listed([f"{seconds(value)} s with {memory_mb} MB" for memory_mb, value in ready.items()])
    return (
        f"In the image under Lambda's emulator `{rows[0].model}` is ready after {told}: the best of several starts, "
        "from the start of the runtime, without pulling the image."
    )


def _milliseconds(starts: Sequence[Mapping[str, Any]]) -> list[str]:
    medians = [statistics.median(start["seconds"][at] for start in starts) * 1000 for at in range(3)]
    return [f"{value:.0f}" for value in (medians[0], medians[1], medians[2] - medians[1])]
