"""How much of the machine went to other processes meanwhile: figures taken on a busy machine say so."""

import os
import resource
import time
from pathlib import Path

# /proc/stat (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in the first.
_COLUMNS = 8
_IDLE = (3, 4)


class OtherLoad:
    """Counts from its making on. Call `cores` when the measured processes have ended."""

    def __init__(self) -> None:
        self._start = (time.perf_counter(), _busy_seconds(), _own_seconds())

    def cores(self) -> float | None:
        """Cores that others kept busy on average; None where the system does not tell (not Linux)."""
        since, busy_before, own_before = self._start
        busy = _busy_seconds()
        if busy is None or busy_before is None:
            return None
        others = (busy - busy_before) - (_own_seconds() - own_before)
        return max(0.0, others / (time.perf_counter() - since))


def busy_ticks(stat: str) -> int:
    """The clock ticks that all cores were not idle, from the text of /proc/stat; stolen ones are not ours either."""
    name, *columns = stat.splitlines()[0].split()
    if name != "cpu":
        raise ValueError("the first line must sum up all cores")
    return sum(int(ticks) for index, ticks in enumerate(columns[:_COLUMNS]) if index not in _IDLE)


def _busy_seconds() -> float | None:
    try:
        return busy_ticks(Path("/proc/stat").read_text("ascii")) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def _own_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
