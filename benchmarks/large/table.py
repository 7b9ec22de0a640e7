"""The figures as a person reads them. Pure: everything returns text."""

from collections.abc import Sequence
from typing import Final

from benchmarks.large.measure import Figures

TARGET_BYTES: Final = 1_500_000_000
TARGET_SECONDS: Final = 20.0
_TITLE_WIDTH: Final = 86
_OK: Final = 200


def table(figures: Sequence[Figures]) -> str:
    """A line a case, and at last how many meet both targets."""
    head = f"{'':<{_TITLE_WIDTH}}{'seconds':>9}{'CPU':>7}{'peak MB':>9}{'result MB':>11}"
    met = sum(meets(one) for one in figures)
    return "\n".join([head, *map(row, figures), f"{met} of {len(figures)} within 1500 MB and 20 s"])


def row(one: Figures) -> str:
    """One line, with a mark where a target is missed."""
    cells = f"{one.seconds:>9.1f}{one.cpu_seconds:>7.1f}{one.peak_bytes / 1e6:>9.0f}{one.size_bytes / 1e6:>11.1f}"
    verdict = "" if meets(one) else "  NOT MET" if one.status == _OK else f"  answered {one.status}"
    return f"{one.title:<{_TITLE_WIDTH}}{cells}{verdict}"


def meets(one: Figures) -> bool:
    return one.status == _OK and one.peak_bytes <= TARGET_BYTES and one.seconds <= TARGET_SECONDS
