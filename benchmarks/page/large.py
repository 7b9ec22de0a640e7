"""Pictures of 100 megapixels, from the results of `make bench-large`."""

from dataclasses import dataclass
from typing import Final

from benchmarks.large.table import TARGET_BYTES, TARGET_SECONDS
from benchmarks.page.cost import image_memory_mb
from benchmarks.page.markdown import bold, megabytes, seconds, table
from benchmarks.page.sources import LARGE, Results, missing

_MIB: Final = 1024 * 1024
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class LargeCase:
    """One request as it was measured; `status` is the answer's."""

    title: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    size_bytes: int
    status: int

    @property
    def is_met(self) -> bool:
        return self.status == _OK and self.peak_bytes <= TARGET_BYTES and self.seconds <= TARGET_SECONDS

    @property
    def verdict(self) -> str:
        if self.is_met:
            return "met"
        return "**not met**" if self.status == _OK else f"**not met**, answered {self.status}"


def cases(results: Results) -> list[LargeCase]:
    """In the order of the measurement."""
    return [
        LargeCase(
            case["title"],
            case["seconds"],
            case["cpu_seconds"],
            case["peak_bytes"],
            case["size_bytes"],
            case.get("status", _OK),
        )
        for case in results.data["cases"]
    ]


def large_table(results: Results | None) -> str:
    """A line a case, the two extremes bold."""
    if results is None:
        return missing(LARGE)
    found = cases(results)
    most, longest = max(case.peak_bytes for case in found), max(case.seconds for case in found)
    body = [
        (
            f"`{case.title}`",
            bold(seconds(case.seconds)) if case.seconds == longest else seconds(case.seconds),
            seconds(case.cpu_seconds),
            bold(megabytes(case.peak_bytes)) if case.peak_bytes == most else megabytes(case.peak_bytes),
            f"{case.size_bytes / 1e6:.1f}",
            case.verdict,
        )
        for case in found
    ]
    return table(("", "s", "CPU, s", "Peak, MB", "Result, MB", "Target"), body)


def large_summary(results: Results | None) -> str:
    """What the table comes to, and the memory that it asks of Lambda."""
    if results is None:
        return ""
    found = cases(results)
    most = max(found, key=lambda case: case.peak_bytes)
    slowest = max(found, key=lambda case: case.seconds)
    default, least = (image_memory_mb()[name] for name in ("Default", "MinValue"))
    met = sum(case.is_met for case in found)
    threads_mb = results.data["options"]["memory"]
    return (
        f"{met} of {len(found)} requests stay within the target of {TARGET_BYTES / 1e6:.0f} MB and "
        f"{TARGET_SECONDS:g} s. The most memory is taken by `{most.title}`, {megabytes(most.peak_bytes)} MB; the "
        f"slowest is `{slowest.title}`, {seconds(slowest.seconds)} s. That {_fits(most, default)} the template's "
        f"default of {default} MB and {_fits(most, least)} its least, {least} MB. Each request is one call in a "
        f"process of its own, with the threads of {threads_mb} MB, but on all of this machine's cores, and without "
        "the limit that Lambda sets to the size of an answer."
    )


def _fits(case: LargeCase, memory_mb: int) -> str:
    return "fits into" if case.peak_bytes < memory_mb * _MIB else "does **not** fit into"
