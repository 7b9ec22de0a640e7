"""Announcing limits: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), `X-RateLimit-*`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rmbg.domain.calendar import DAY_SECONDS, Period, seconds_to_midnight
from rmbg.domain.gcra import Decision

SHORT: Final = "short"
CREDITS: Final = "credits"
DAILY: Final = "daily"


@dataclass(frozen=True, slots=True)
class Limit:
    """One policy and where the caller stands: `quota` a window, `remaining`, and all of it again in `reset_seconds`."""

    name: str
    quota: int
    window_seconds: int
    remaining: int
    reset_seconds: int


def short_limit(decision: Decision) -> Limit:
    return Limit(SHORT, decision.limit, decision.window_seconds, decision.remaining, decision.full_in_seconds)


def credits_limit(included: int, period: Period, *, remaining: int, now: int) -> Limit:
    """`remaining` counts prepaid credits too."""
    return Limit(CREDITS, included, period.end - period.start, remaining, max(0, period.end - now))


def daily_limit(quota: int, *, remaining: int, now: int) -> Limit:
    return Limit(DAILY, quota, DAY_SECONDS, remaining, seconds_to_midnight(now))


def limit_headers(limits: Sequence[Limit]) -> dict[str, str]:
    """Both headers, as structured lists of strings with parameters (RFC 9651)."""
    if not limits:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window_seconds}' for limit in limits),
        "RateLimit": ", ".join(f'"{limit.name}";r={limit.remaining};t={limit.reset_seconds}' for limit in limits),
    }


def short_headers(decision: Decision) -> dict[str, str]:
    """The older spelling, of the short-term limit alone; the reset is in epoch seconds."""
    return {
        "X-RateLimit-Limit": str(decision.limit),
        "X-RateLimit-Remaining": str(decision.remaining),
        "X-RateLimit-Reset": str(decision.full_at),
    }
