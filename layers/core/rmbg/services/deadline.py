"""How long a request may take: API Gateway's 29 seconds hold the sandbox's start too, a function's timeout does not."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rmbg.errors import PublicError

ANSWER_SECONDS: Final = 24.0
_RETRY_AFTER_SECONDS: Final = 5
_INIT_GAP_SECONDS: Final = 1.0
_CLOCK_TICKS_A_SECOND: Final = 100  # USER_HZ of every Linux on the processors that Lambda has


class Deadline:
    """The instant after which nobody waits any more; seconds of a monotonic clock."""

    def __init__(self, ends_at: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._ends_at = ends_at
        self._clock = clock

    @property
    def left_seconds(self) -> float:
        return max(0.0, self._ends_at - self._clock())

    def check(self) -> None:
        """Raises PublicError (503, with Retry-After) once it has passed."""
        if not self.left_seconds:
            raise PublicError(503, "Service unavailable", headers={"Retry-After": str(_RETRY_AFTER_SECONDS)})


class Invocations:
    """The deadlines of an execution environment's calls, one after the other.

    The first call's begins with the process, for its caller has waited since then: unless the environment was made
    ahead of any caller, as for provisioned concurrency, when it stands ready for a while.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        process_age_seconds: Callable[[], float] | None = None,
    ) -> None:
        self._clock = clock
        self._ready_at: float | None = clock()
        self._started_at = self._ready_at - (process_age_seconds or _process_age_seconds)()

    def begin(self) -> Deadline:
        """A call has come in."""
        now = self._clock()
        waited_for_us = self._ready_at is not None and now - self._ready_at < _INIT_GAP_SECONDS
        self._ready_at = None
        return Deadline((self._started_at if waited_for_us else now) + ANSWER_SECONDS, self._clock)


def _process_age_seconds() -> float:
    """Since this process was started (proc(5), stat field 22), 0 where that cannot be told."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        since_boot = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0.0
    return max(0.0, since_boot - int(fields[19]) / _CLOCK_TICKS_A_SECOND)
