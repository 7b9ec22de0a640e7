"""What Stripe's objects say that matters here, in both of their shapes.

Since API version 2025-03-31 a subscription's period stands on its items, and an invoice names its subscription under
`parent`; before, both stood on the object itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rmbg.domain.calendar import Interval, Period
from rmbg.domain.credits import SubscriptionStatus
from rmbg.domain.plans import Catalogue, Pack, Plan

USER_METADATA: Final = "rmbg_user_id"
PACK_METADATA: Final = "rmbg_pack"

# Stripe's ids have at most 255 characters; they become parts of keys here.
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
_LATEST: Final = 9_999_999_999  # seconds; what is more is milliseconds, or no time at all
_LONGEST: Final = {Interval.DAY: 1095, Interval.WEEK: 156, Interval.MONTH: 36, Interval.YEAR: 3}

Object = Mapping[str, Any]


class NotUnderstood(Exception):
    """The object lacks what it must have; the event is parked. The message says what, and holds nothing private."""


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """A subscription at one instant. `version` orders what was heard of it, in milliseconds."""

    id: str
    customer: str
    status: SubscriptionStatus
    plan: str
    included: int
    period: Period
    anchor: int
    interval: Interval
    interval_count: int
    cancel_at_end: bool
    created: int
    version: int = 0

    @property
    def is_over(self) -> bool:
        """Terminal: nothing follows."""
        return self.status in TERMINAL

    @property
    def has_begun(self) -> bool:
        """Whether its first payment, if it needed one, was made."""
        return self.status not in (SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED)


TERMINAL: Final = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})


def read_subscription(subscription: Object, catalogue: Catalogue, version: int) -> SubscriptionFacts:
    """Raises NotUnderstood without a period, or with no price that the catalogue sells."""
    status = _status(subscription)
    items = [item for item in _list(subscription, "items") if isinstance(item, Mapping)]
    sold = [(item, plan) for item in items if (plan := _plan(item, catalogue)) is not None]
    if not sold:
        raise NotUnderstood("no price of the subscription is in the catalogue")
    item, plan = sold[0]
    period = _period(item) or _period(subscription)
    if period is None:
        raise NotUnderstood("the subscription has no period")
    interval, count = _interval(item)
    return SubscriptionFacts(
        id=reference(subscription),
        customer=reference(subscription.get("customer")),
        status=status,
        plan=plan.name,
        included=plan.included,
        period=period,
        anchor=_integer(subscription, "billing_cycle_anchor") or period.start,
        interval=interval,
        interval_count=count,
        cancel_at_end=_cancels_at_end(subscription, period),
        created=_integer(subscription, "created") or period.start,
        version=version,
    )


def invoice_subscription(invoice: Object) -> str:
    """The id of the subscription that an invoice is for; empty if it is for none."""
    parent = invoice.get("parent")
    if isinstance(parent, Mapping):
        details = parent.get("subscription_details")
        if isinstance(details, Mapping) and details.get("subscription"):
            return reference(details["subscription"])
    return reference(invoice.get("subscription"))


def invoice_period_start(invoice: Object, catalogue: Catalogue) -> int | None:
    """Where the period begins that an invoice's line for a plan of ours pays for."""
    starts = []
    for line in _list(invoice, "lines"):
        if isinstance(line, Mapping) and not _is_proration(line) and _line_plan(line, catalogue) is not None:
            period = line.get("period")
            if isinstance(period, Mapping) and _integer(period, "start"):
                starts.append(_integer(period, "start"))
    return max(starts, default=None)


def purchased_pack(session: Object, catalogue: Catalogue) -> Pack | None:
    """The pack that a Checkout session in payment mode sold: by its metadata, held against line items if it has any."""
    pack = catalogue.packs.get(_text(_mapping(session, "metadata"), PACK_METADATA))
    items = _list(session, "line_items")
    if pack is None or not items:
        return pack
    sold = [item for item in items if isinstance(item, Mapping) and reference(item.get("price")) == pack.stripe_price]
    quantity = sum(_integer(item, "quantity") or 1 for item in sold)
    return replace(pack, credits=pack.credits * quantity) if sold else None


def metadata_user(holder: Object) -> str:
    """The user that our Checkout wrote into an object, empty if it did not."""
    given = _text(_mapping(holder, "metadata"), USER_METADATA)
    if given:
        return given
    parent = _mapping(_mapping(holder, "parent"), "subscription_details")
    return _text(_mapping(parent or _mapping(holder, "subscription_details"), "metadata"), USER_METADATA)


def reference(value: Any) -> str:
    """The id of an object that may be given as its id or expanded; empty if it is neither, or no id of Stripe's."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def follows(known: SubscriptionFacts, previous: Object | None, catalogue: Catalogue) -> bool:
    """Whether an event's `previous_attributes` are those of a known state: then it came after that."""
    if not previous:
        return False
    same: list[bool] = []
    if "status" in previous:
        same.append(previous["status"] == known.status.value)
    if "cancel_at_period_end" in previous:
        same.append(previous["cancel_at_period_end"] is known.cancel_at_end)
    for holder in (previous, *(item for item in _list(previous, "items") if isinstance(item, Mapping))):
        if "current_period_start" in holder:
            same.append(holder["current_period_start"] == known.period.start)
        if "current_period_end" in holder:
            same.append(holder["current_period_end"] == known.period.end)
        plan = _plan(holder, catalogue)
        if plan is not None:
            same.append(plan.name == known.plan)
    return bool(same) and all(same)


def preferred(subscriptions: list[SubscriptionFacts]) -> SubscriptionFacts | None:
    """Of several the one that counts: active or trialing, then past due, then any other that is not over.

    Among equals the larger allowance, then the newest. One that is not paid for the first time does not count yet.
    """
    alive = [facts for facts in subscriptions if not facts.is_over and facts.has_begun]
    return max(alive, key=lambda facts: (_rank(facts.status), facts.included, facts.created, facts.id), default=None)


def _rank(status: SubscriptionStatus) -> int:
    if status in (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING):
        return 2
    return 1 if status is SubscriptionStatus.PAST_DUE else 0


def _status(subscription: Object) -> SubscriptionStatus:
    try:
        return SubscriptionStatus(str(subscription.get("status")))
    except ValueError:
        raise NotUnderstood("the subscription has no status that is known") from None


def _plan(item: Object, catalogue: Catalogue) -> Plan | None:
    price = reference(item.get("price")) or reference(item.get("plan"))
    return catalogue.plan_of_price(price) if price else None


def _line_plan(line: Object, catalogue: Catalogue) -> Plan | None:
    pricing = _mapping(_mapping(line, "pricing"), "price_details")
    price = reference(pricing.get("price")) or reference(line.get("price")) or reference(line.get("plan"))
    return catalogue.plan_of_price(price) if price else None


def _is_proration(line: Object) -> bool:
    """Since 2025-03-31 the line's parent says so."""
    parent = _mapping(line, "parent")
    details = (_mapping(parent, "subscription_item_details"), _mapping(parent, "invoice_item_details"))
    return any(holder.get("proration") is True for holder in (line, *details))


def _period(holder: Object) -> Period | None:
    start, end = holder.get("current_period_start"), holder.get("current_period_end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= _LATEST:  # true is an int, too
        return None
    return Period(start, end)


def _interval(item: Object) -> tuple[Interval, int]:
    recurring = _mapping(_mapping(item, "price"), "recurring") or _mapping(item, "plan")
    try:
        interval = Interval(str(recurring.get("interval", "month")))
    except ValueError:
        interval = Interval.MONTH
    count = recurring.get("interval_count", 1)
    if not isinstance(count, int) or not 1 <= count <= _LONGEST[interval]:
        raise NotUnderstood("the subscription's interval is none of Stripe's")
    return interval, count


def _cancels_at_end(subscription: Object, period: Period) -> bool:
    cancel_at = subscription.get("cancel_at")
    return subscription.get("cancel_at_period_end") is True or (isinstance(cancel_at, int) and cancel_at <= period.end)


def _list(holder: Object, key: str) -> list[Any]:
    """A list of Stripe's, bare or as `{"object": "list", "data": [...]}`."""
    value = holder.get(key)
    if isinstance(value, Mapping):
        value = value.get("data")
    return value if isinstance(value, list) else []


def _mapping(holder: Object, key: str) -> Object:
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(holder: Object, key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _integer(holder: Object, key: str) -> int:
    value = holder.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LATEST else 0
