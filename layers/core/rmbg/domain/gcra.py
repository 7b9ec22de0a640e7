"""The short-term limiter: the generic cell rate algorithm (ITU-T I.371, annex A) in whole milliseconds.

The state is one number a caller, the theoretical arrival time (TAT). A request at `now` conforms when TAT <= now + tau,
and moves TAT to max(TAT, now) + T; T is the emission interval, tau = (burst - 1) * T the tolerance.
"""

from dataclasses import dataclass

from rmbg.domain.plans import RateLimit


@dataclass(frozen=True, slots=True)
class Gcra:
    """A limit in the algorithm's own terms; both times in milliseconds."""

    interval_ms: int
    burst: int

    @classmethod
    def of(cls, rate: RateLimit) -> "Gcra":
        return cls(interval_ms=max(1, round(1000 / rate.per_second)), burst=rate.burst)

    @property
    def tolerance_ms(self) -> int:
        return (self.burst - 1) * self.interval_ms

    @property
    def window_seconds(self) -> int:
        """How long an empty bucket takes to be full, at least 1."""
        return max(1, -(-self.burst * self.interval_ms // 1000))

    def decision(self, tat_ms: int, now_ms: int, *, allowed: bool) -> "Decision":
        """What to tell the caller. `tat_ms` is the state after the request, or the one that refused it."""
        free_ms = now_ms + self.tolerance_ms - tat_ms
        remaining = free_ms // self.interval_ms + 1 if free_ms >= 0 else 0
        return Decision(
            allowed=allowed,
            limit=self.burst,
            remaining=min(remaining, self.burst) if allowed else 0,
            window_seconds=self.window_seconds,
            full_at=_seconds(max(tat_ms, now_ms)),
            full_in_seconds=max(0, _seconds(tat_ms - now_ms)),
            retry_after_seconds=0 if allowed else max(1, _seconds(-free_ms)),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The limiter's answer. `full_at` is in epoch seconds, when the whole burst is available again."""

    allowed: bool
    limit: int
    remaining: int
    window_seconds: int
    full_at: int
    full_in_seconds: int
    retry_after_seconds: int


def _seconds(milliseconds: int) -> int:
    """Rounded up: nobody is told to come too early."""
    return -(-milliseconds // 1000)
