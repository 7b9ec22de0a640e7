"""Which billing window pays for a picture now (the rules' numbers are those of docs/billing.md, Windows)."""

from dataclasses import dataclass
from typing import Final

from rmbg.domain.calendar import DAY_SECONDS, Period, month_period, next_boundary
from rmbg.domain.credits import Account, Subscription, SubscriptionStatus, WindowKind
from rmbg.domain.plans import Catalogue, Plan

RENEWAL_SECONDS: Final = 3 * DAY_SECONDS  # how long a renewal may be unknown to us
_RENEWING: Final = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING})
_WITHOUT_CREDITS: Final = frozenset(
    {SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED, SubscriptionStatus.CANCELED}
)
_CLOSED: Final = frozenset({SubscriptionStatus.UNPAID, SubscriptionStatus.PAUSED})


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account may use now: its plan, its window, and whether the included credits are closed.

    `overdue` says that a subscription should have been renewed long ago and Stripe has told us nothing.
    """

    plan: Plan
    kind: WindowKind
    period: Period
    closed: bool = False
    overdue: bool = False


def standing(account: Account, catalogue: Catalogue, now: int) -> Standing:
    """The window of an account at `now` (epoch seconds)."""
    subscription = account.subscription
    if subscription is None:
        return Standing(plan_of(account, catalogue), WindowKind.MONTH, month_period(now))
    closed = included_closed(subscription, now)
    if subscription.status in _WITHOUT_CREDITS:
        return Standing(catalogue.free, WindowKind.MONTH, month_period(now))
    if now < subscription.period.end:
        return Standing(plan_of(account, catalogue), WindowKind.STRIPE, subscription.period, closed)
    renews = subscription.status in _RENEWING and not subscription.cancel_at_end
    if renews and now < subscription.period.end + RENEWAL_SECONDS:
        return Standing(plan_of(account, catalogue), WindowKind.STRIPE, renewed_period(subscription, now), closed)
    return Standing(catalogue.free, WindowKind.MONTH, month_period(now), closed, overdue=renews)


def plan_of(account: Account, catalogue: Catalogue) -> Plan:
    """The account's plan; of one that the catalogue has dropped, the allowance stays, at the free plan's rate."""
    return catalogue.plan(account.plan) or Plan(
        name=account.plan,
        included=account.included,
        rate=catalogue.free.rate,
        max_in_flight=catalogue.free.max_in_flight,
    )


def renewed_period(subscription: Subscription, now: int) -> Period:
    """The period after Stripe's last known one that holds `now`; it begins where that one ended."""
    period = subscription.period
    while now >= period.end:
        end = next_boundary(subscription.anchor, subscription.interval, subscription.interval_count, period.end)
        period = Period(period.end, end)
    return period


def included_closed(subscription: Subscription, now: int) -> bool:
    """Whether included credits are closed for non-payment."""
    if subscription.status in _CLOSED:
        return True
    grace_until = subscription.grace_until
    return subscription.status is SubscriptionStatus.PAST_DUE and grace_until is not None and now >= grace_until
