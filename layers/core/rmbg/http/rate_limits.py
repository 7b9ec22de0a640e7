"""Announcing limits: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), `X-RateLimit-*`."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from rmbg.domain.calendar import DAY_SECONDS, Period, seconds_to_midnight
from rmbg.domain.gcra import Decision

SHORT: Final = "short"
CREDITS: Final = "credits"
DAILY: Final = "daily"


@dataclass(frozen=True, slots=True)
class Limit:
    """One policy, `quota` a window, and where the caller stands: `remaining` until all is there in `reset_seconds`.

    `remaining` None: not known, for nobody had to look.
    """

    name: str
    quota: int
    window_seconds: int
    remaining: int | None
    reset_seconds: int


def short_limit(decision: Decision) -> Limit:
    return Limit(SHORT, decision.limit, decision.window_seconds, decision.remaining, decision.full_in_seconds)


def credits_limit(included: int, period: Period, *, remaining: int | None, now: int) -> Limit:
    """`remaining` counts prepaid credits too."""
    return Limit(CREDITS, included, period.end - period.start, remaining, max(0, period.end - now))


def daily_limit(quota: int, *, remaining: int | None, now: int) -> Limit:
    return Limit(DAILY, quota, DAY_SECONDS, remaining, seconds_to_midnight(now))


def limit_headers(limits: Collection[Limit]) -> dict[str, str]:
    """Both headers, as structured lists of strings with parameters (RFC 9651)."""
    policies = (f'"{limit.name}";q={limit.quota};w={limit.window_seconds}' for limit in limits)
    known = (limit for limit in limits if limit.remaining is not None)
    states = (f'"{limit.name}";r={limit.remaining};t={limit.reset_seconds}' for limit in known)
    headers = {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}
    return {name: text for name, text in headers.items() if text}  # an empty list is no header (RFC 9651, 4.1)


def short_headers(decision: Decision) -> dict[str, str]:
    """The older spelling, of the short-term limit alone; the reset is in epoch seconds."""
    return {
        "X-RateLimit-Limit": str(decision.limit),
        "X-RateLimit-Remaining": str(decision.remaining),
        "X-RateLimit-Reset": str(decision.full_at),
    }
