"""From seconds and memory to dollars. Pure."""

from dataclasses import dataclass
from typing import Final

from rmbg.config import MB_PER_VCPU

# Of x86, first tier, as written down in 2025 (docs/deploy.md has the same); not looked up when this runs.
PRICES_OF: Final = "AWS Lambda price list, us-east-1, 2025"
USD_PER_GB_SECOND: Final = 0.0000166667
USD_PER_REQUEST: Final = 0.20 / 1_000_000
MB_PER_GB: Final = 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One model, memory size and picture size; `seconds` a call is None where the memory did not suffice.

    `ready_seconds` is the best cold start, of which one in a thousand calls or more would pay (INIT is billed).
    """

    model: str
    memory_mb: int
    megapixels: float
    seconds: float | None
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    ready_seconds: float | None = None

    @property
    def usd_per_1000(self) -> float | None:
        return None if self.seconds is None else usd(self.seconds, self.memory_mb, calls=1000)


def usd(seconds: float, memory_mb: int, calls: int) -> float:
    """What calls of that many seconds cost; seconds are billed to the millisecond."""
    return calls * (seconds * memory_mb / MB_PER_GB * USD_PER_GB_SECOND + USD_PER_REQUEST)


def processors(memory_mb: int) -> float:
    """The vCPUs that a memory size buys."""
    return memory_mb / MB_PER_VCPU


def cheapest(rows: list[Row]) -> dict[tuple[str, float], Row]:
    """By model and megapixels, the row with the least cost; nothing where none fits."""
    best: dict[tuple[str, float], Row] = {}
    for row in rows:
        if row.usd_per_1000 is None:
            continue
        at = row.model, row.megapixels
        if at not in best or row.usd_per_1000 < (best[at].usd_per_1000 or 0.0):
            best[at] = row
    return best


def table(rows: list[Row], not_measurable_mb: list[int]) -> str:
    """What is printed."""
    best = cheapest(rows).values()
    head = f"{'model':<20}{'MB':>6}{'vCPU':>6}{'MP':>6}{'s':>8}{'CPU s':>8}{'peak MB':>9}{'ready s':>9}{'USD/1000':>10}"
    lines = [head]
    for row in rows:
        start = f"{row.model:<20}{row.memory_mb:>6}{processors(row.memory_mb):>6.2f}{row.megapixels:>6g}"
        if row.seconds is None:
            lines.append(f"{start}  the memory does not suffice")
            continue
        cells = f"{row.seconds:>8.3f}{row.cpu_seconds or 0:>8.3f}{(row.peak_bytes or 0) / 1e6:>9.0f}"
        cells += f"{row.ready_seconds or 0:>9.2f}{row.usd_per_1000 or 0:>10.4f}"
        lines.append(start + cells + ("  cheapest" if row in best else ""))
    if not_measurable_mb:
        lines.append(
            f"not measurable here, with fewer cores than these buy: {', '.join(map(str, not_measurable_mb))} MB"
        )
    return "\n".join(lines)
