"""What happens to one customer, told as Stripe's events: each type moves the facts on and shows them.

    python -m tools.stripe_events.scenario      makes events/stripe/*.json anew

The same facts make the same events: the files are committed, and a test compares them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rmbg.domain.calendar import Interval, boundary, next_boundary
from tools.stripe_events import make
from tools.stripe_events.make import Object, Period, Price, Shape

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = ROOT / "events" / "stripe"
THIN: Final = "v1.customer.subscription.updated"

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """A subscription. `bill` is its latest invoice, `anchor` an instant that its periods begin at."""

    id: str
    price: Price
    period: Period
    born: int
    anchor: int
    status: str = "active"
    trial: Period | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    paused_at: int | None = None
    bill: "Bill | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """An invoice."""

    id: str
    period: Period
    reason: str
    created: int
    attempts: int = 0
    payment_intent: str = ""
    charge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A pack that was bought. `refunded` is the sum so far, `refund` the latest refund and `last_refund` its amount."""

    session: str
    payment_intent: str
    charge: str
    pack: str
    amount: int
    bought_at: int
    refunded: int = 0
    refund: str = ""
    last_refund: int = 0
    refunded_at: int = 0
    refund_failed: bool = False
    dispute: str = ""
    disputed_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Who it is, what is there, and what time it is. `new_id` makes an id of a prefix."""

    customer: str
    user: str | None  # None: nothing says whose the customer is
    subscription: Subscribed
    purchase: Purchase
    now: int
    new_id: Callable[[str], str]
    shape: Shape = Shape.CURRENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What an event is to say; None is what its type says by itself.

    `status` is that of the event's object (of a session its payment's), `amount` is in cents: of an invoice, a
    purchase, one refund or a dispute.
    """

    mode: str = "payment"
    status: str | None = None
    price: Price | None = None
    period_start: int | None = None
    period_end: int | None = None
    amount: int | None = None
    pack: str | None = None
    cancel_at_period_end: bool | None = None
    billing_reason: str | None = None


NO_WISHES: Final = Wishes()


@dataclass(frozen=True, slots=True)
class _Told:
    subject: Object
    after: Scenario
    previous: Object | None = None


def tell(event_type: str, scenario: Scenario, wishes: Wishes = NO_WISHES) -> tuple[Object, Scenario]:
    """An event of a type, and the facts after it. Raises KeyError for a type that is not in `TYPES`."""
    if event_type == THIN:
        related = ("subscription", scenario.subscription.id)
        return make.thin_event(scenario.new_id("evt"), THIN, created=scenario.now, related=related), scenario
    told = _TELLERS[event_type](scenario, wishes)
    event = make.event(
        scenario.new_id("evt"),
        event_type,
        told.subject,
        created=scenario.now,
        previous_attributes=told.previous,
        shape=scenario.shape,
    )
    return event, told.after


def period_from(start: int, price: Price) -> Period:
    """The period of a price that begins at an instant."""
    return start, _step(start, price, 1)


def _step(start: int, price: Price, steps: int) -> int:
    return boundary(start, Interval(price.interval or "month"), price.interval_count, steps)


def new_subscription(price: Price, now: int, new_id: Callable[[str], str], subscription_id: str = "") -> Subscribed:
    """One that begins now."""
    period = period_from(now, price)
    return Subscribed(id=subscription_id or new_id("sub"), price=price, period=period, born=now, anchor=now)


def new_purchase(pack: str, amount: int, now: int, new_id: Callable[[str], str]) -> Purchase:
    """One of now."""
    return Purchase(
        session=new_id("cs_test"),
        payment_intent=new_id("pi"),
        charge=new_id("ch"),
        pack=pack,
        amount=amount,
        bought_at=now,
    )


# Checkout


def _completed(scenario: Scenario, wishes: Wishes) -> _Told:
    payment_status = wishes.status or "paid"
    if wishes.mode == "subscription":
        return _subscription_session(scenario, payment_status)
    return _purchased(_with_new_purchase(scenario, wishes), payment_status)


def _async_payment_succeeded(scenario: Scenario, wishes: Wishes) -> _Told:
    return _purchased(scenario, wishes.status or "paid")


def _async_payment_failed(scenario: Scenario, wishes: Wishes) -> _Told:
    return _purchased(scenario, wishes.status or "unpaid")


def _expired(scenario: Scenario, wishes: Wishes) -> _Told:
    told = _purchased(_with_new_purchase(scenario, wishes), wishes.status or "unpaid")
    return _Told({**told.subject, "status": "expired", "payment_intent": None}, scenario)


def _with_new_purchase(scenario: Scenario, wishes: Wishes) -> Scenario:
    before = scenario.purchase
    amount = before.amount if wishes.amount is None else wishes.amount
    return replace(scenario, purchase=new_purchase(wishes.pack or before.pack, amount, scenario.now, scenario.new_id))


def _purchased(scenario: Scenario, payment_status: str) -> _Told:
    bought = scenario.purchase
    subject = make.checkout_session(
        bought.session,
        customer=scenario.customer,
        user=scenario.user,
        reference=scenario.user,
        pack=bought.pack,
        amount=bought.amount,
        payment_status=payment_status,
        payment_intent=bought.payment_intent,
        created=bought.bought_at,
        shape=scenario.shape,
    )
    return _Told(subject, scenario)


def _subscription_session(scenario: Scenario, payment_status: str) -> _Told:
    subscribed = _billed(scenario, NO_WISHES)
    assert subscribed.bill is not None  # noqa: S101 - _billed sees to it
    subject = make.checkout_session(
        scenario.new_id("cs_test"),
        customer=scenario.customer,
        mode="subscription",
        user=scenario.user,
        reference=scenario.user,
        amount=subscribed.price.amount,
        payment_status=payment_status,
        subscription=subscribed.id,
        invoice=subscribed.bill.id,
        created=subscribed.born,
        shape=scenario.shape,
    )
    return _Told(subject, replace(scenario, subscription=subscribed))


# Subscriptions


def _created(scenario: Scenario, wishes: Wishes) -> _Told:
    old = scenario.subscription
    fresh = new_subscription(old.price, scenario.now, scenario.new_id, old.id)
    after = _moved(fresh, wishes, scenario.now)
    if after.status == "trialing":
        after = replace(after, trial=after.period, anchor=after.period[1])
    return _subscription(scenario, after)


def _updated(scenario: Scenario, wishes: Wishes) -> _Told:
    before = scenario.subscription
    after = _moved(before, wishes, scenario.now)
    told = _subscription(scenario, after)
    return replace(told, previous=make.changes(_subscription(scenario, before).subject, told.subject))


def _resumed(scenario: Scenario, wishes: Wishes) -> _Told:
    after = replace(_moved(scenario.subscription, wishes, scenario.now), paused_at=None)
    return _subscription(scenario, replace(after, status=wishes.status or "active"))


def _paused(scenario: Scenario, wishes: Wishes) -> _Told:
    after = _moved(scenario.subscription, wishes, scenario.now)
    return _subscription(scenario, replace(after, status=wishes.status or "paused", paused_at=scenario.now))


def _deleted(scenario: Scenario, wishes: Wishes) -> _Told:
    after = _moved(scenario.subscription, wishes, scenario.now)
    ended = replace(
        after,
        status=wishes.status or "canceled",
        canceled_at=after.canceled_at or scenario.now,
        ended_at=scenario.now,
    )
    return _subscription(scenario, ended)


def _update_applied(scenario: Scenario, wishes: Wishes) -> _Told:
    return _subscription(scenario, _moved(scenario.subscription, wishes, scenario.now))


def _update_expired(scenario: Scenario, wishes: Wishes) -> _Told:
    return _subscription(scenario, _moved(scenario.subscription, replace(wishes, price=None), scenario.now))


def _trial_will_end(scenario: Scenario, wishes: Wishes) -> _Told:
    after = _moved(scenario.subscription, wishes, scenario.now)
    trial = after.trial or (after.born, scenario.now + 3 * _DAY)
    return _subscription(scenario, replace(after, status=wishes.status or "trialing", trial=trial, period=trial))


def _moved(it: Subscribed, wishes: Wishes, now: int) -> Subscribed:
    """The subscription as it is wished for. Another interval begins a period, as it does at Stripe."""
    price = wishes.price or it.price
    period, anchor = it.period, it.anchor
    start = wishes.period_start
    if start is None and (price.interval, price.interval_count) != (it.price.interval, it.price.interval_count):
        start = now
    if start is not None:
        period = period_from(start, price)
        interval = Interval(price.interval or "month")
        if next_boundary(anchor, interval, price.interval_count, start - 1) != start:
            anchor = start
    if wishes.period_end is not None:
        period = (period[0], wishes.period_end)
    cancels = it.cancel_at_period_end if wishes.cancel_at_period_end is None else wishes.cancel_at_period_end
    return replace(
        it,
        price=price,
        period=period,
        born=min(it.born, period[0]),
        anchor=anchor,
        status=wishes.status or it.status,
        cancel_at_period_end=cancels,
        canceled_at=(it.canceled_at or now) if cancels else None,
    )


def _subscription(scenario: Scenario, it: Subscribed) -> _Told:
    subject = make.subscription(
        it.id,
        customer=scenario.customer,
        user=scenario.user,
        price=it.price,
        period=it.period,
        status=it.status,
        created=it.born,
        anchor=it.anchor,
        trial=it.trial,
        cancel_at_period_end=it.cancel_at_period_end,
        canceled_at=it.canceled_at,
        ended_at=it.ended_at,
        paused_at=it.paused_at,
        latest_invoice=it.bill.id if it.bill else None,
        shape=scenario.shape,
    )
    return _Told(subject, replace(scenario, subscription=it))


# Invoices


def _paid(scenario: Scenario, wishes: Wishes) -> _Told:
    return _invoice(scenario, wishes, "paid")


def _payment_failed(scenario: Scenario, wishes: Wishes) -> _Told:
    return _invoice(scenario, wishes, "open")


def _voided(scenario: Scenario, wishes: Wishes) -> _Told:
    return _invoice(scenario, wishes, "void")


def _uncollectible(scenario: Scenario, wishes: Wishes) -> _Told:
    return _invoice(scenario, wishes, "uncollectible")


def _invoice(scenario: Scenario, wishes: Wishes, status: str) -> _Told:
    subscribed = _billed(scenario, wishes)
    bill = subscribed.bill
    assert bill is not None  # noqa: S101 - _billed sees to it
    if status in ("paid", "open"):
        bill = replace(bill, attempts=bill.attempts + 1)
    first = bill.reason == "subscription_create"
    start = bill.period[0]
    subject = make.invoice(
        bill.id,
        customer=scenario.customer,
        user=scenario.user,
        subscription=subscribed.id,
        price=subscribed.price,
        period=bill.period,
        status=wishes.status or status,
        billing_reason=bill.reason,
        created=bill.created,
        amount=wishes.amount,
        invoice_period=(start, start) if first else (_step(start, subscribed.price, -1), start),
        attempt_count=bill.attempts,
        next_payment_attempt=scenario.now + 3 * _DAY if status == "open" else None,
        changed_at=scenario.now,
        payment_intent=bill.payment_intent,
        charge=bill.charge if status == "paid" else None,
        shape=scenario.shape,
    )
    return _Told(subject, replace(scenario, subscription=replace(subscribed, bill=bill)))


def _billed(scenario: Scenario, wishes: Wishes) -> Subscribed:
    """The subscription with the invoice of its period, a new one if it has none yet."""
    it = _moved(scenario.subscription, replace(wishes, status=None), scenario.now)
    reason = wishes.billing_reason or ("subscription_create" if it.period[0] <= it.born else "subscription_cycle")
    bill = it.bill
    if bill is None or (bill.period, bill.reason) != (it.period, reason):
        new_id = scenario.new_id
        bill = Bill(
            id=new_id("in"),
            period=it.period,
            reason=reason,
            created=min(it.period[0], scenario.now),
            payment_intent=new_id("pi"),
            charge=new_id("ch"),
        )
    return replace(it, bill=bill)


# Refunds and disputes of a pack


def _refunded(scenario: Scenario, wishes: Wishes) -> _Told:
    bought = scenario.purchase
    left = bought.amount - bought.refunded
    amount = left if wishes.amount is None else min(wishes.amount, left)
    after = replace(
        bought,
        refunded=bought.refunded + amount,
        refund=scenario.new_id("re"),
        last_refund=amount,
        refunded_at=scenario.now,
        refund_failed=False,
    )
    told = _charge(scenario, after)
    return replace(told, previous=make.changes(_charge(scenario, bought).subject, told.subject))


def _charge(scenario: Scenario, bought: Purchase) -> _Told:
    subject = make.charge(
        bought.charge,
        customer=scenario.customer,
        amount=bought.amount,
        amount_refunded=bought.refunded,
        created=bought.bought_at,
        payment_intent=bought.payment_intent,
        disputed=bool(bought.dispute),
        shape=scenario.shape,
    )
    return _Told(subject, replace(scenario, purchase=bought))


def _refund_failed(scenario: Scenario, wishes: Wishes) -> _Told:
    return _refund(scenario, wishes, wishes.status or "failed")


def _refund_updated(scenario: Scenario, wishes: Wishes) -> _Told:
    told = _refund(scenario, wishes, wishes.status or "failed")
    before = _refund(scenario, wishes, "pending")
    return replace(told, previous=make.changes(before.subject, told.subject))


def _refund(scenario: Scenario, wishes: Wishes, status: str) -> _Told:
    bought = scenario.purchase
    amount = bought.last_refund or bought.amount
    amount = amount if wishes.amount is None else wishes.amount
    refund = bought.refund or scenario.new_id("re")
    subject = make.refund(
        refund,
        charge=bought.charge,
        payment_intent=bought.payment_intent,
        customer=scenario.customer,
        amount=amount,
        created=bought.refunded_at or scenario.now,
        status=status,
        shape=scenario.shape,
    )
    after = replace(bought, refund=refund, last_refund=amount)
    if status == "failed" and not bought.refund_failed:  # told twice or not, the money comes back once
        after = replace(after, refunded=max(0, bought.refunded - amount), refund_failed=True)
    return _Told(subject, replace(scenario, purchase=after))


def _dispute_created(scenario: Scenario, wishes: Wishes) -> _Told:
    opened = replace(scenario.purchase, dispute=scenario.new_id("dp"), disputed_at=scenario.now)
    return _dispute(replace(scenario, purchase=opened), wishes, "needs_response", withdrawn=False)


def _dispute_funds_withdrawn(scenario: Scenario, wishes: Wishes) -> _Told:
    return _dispute(scenario, wishes, "needs_response")


def _dispute_closed(scenario: Scenario, wishes: Wishes) -> _Told:
    return _dispute(scenario, wishes, "lost")


def _dispute(scenario: Scenario, wishes: Wishes, status: str, *, withdrawn: bool = True) -> _Told:
    bought = scenario.purchase
    bought = replace(
        bought,
        dispute=bought.dispute or scenario.new_id("dp"),
        disputed_at=bought.disputed_at or scenario.now,
    )
    subject = make.dispute(
        bought.dispute,
        charge=bought.charge,
        payment_intent=bought.payment_intent,
        amount=bought.amount if wishes.amount is None else wishes.amount,
        created=bought.disputed_at,
        status=wishes.status or status,
        funds_withdrawn=withdrawn,
        shape=scenario.shape,
    )
    return _Told(subject, replace(scenario, purchase=bought))


def _customer_deleted(scenario: Scenario, wishes: Wishes) -> _Told:
    del wishes
    subject = make.customer(
        scenario.customer, created=scenario.subscription.born, user=scenario.user, shape=scenario.shape
    )
    return _Told(subject, scenario)


_TELLERS: Final[dict[str, Callable[[Scenario, Wishes], _Told]]] = {
    "checkout.session.completed": _completed,
    "checkout.session.async_payment_succeeded": _async_payment_succeeded,
    "checkout.session.async_payment_failed": _async_payment_failed,
    "checkout.session.expired": _expired,
    "customer.subscription.created": _created,
    "customer.subscription.updated": _updated,
    "customer.subscription.resumed": _resumed,
    "customer.subscription.paused": _paused,
    "customer.subscription.deleted": _deleted,
    "customer.subscription.pending_update_applied": _update_applied,
    "customer.subscription.pending_update_expired": _update_expired,
    "customer.subscription.trial_will_end": _trial_will_end,
    "invoice.paid": _paid,
    "invoice.payment_succeeded": _paid,
    "invoice.payment_failed": _payment_failed,
    "invoice.voided": _voided,
    "invoice.marked_uncollectible": _uncollectible,
    "charge.refunded": _refunded,
    "refund.failed": _refund_failed,
    "refund.updated": _refund_updated,
    "charge.dispute.created": _dispute_created,
    "charge.dispute.funds_withdrawn": _dispute_funds_withdrawn,
    "charge.dispute.closed": _dispute_closed,
    "customer.deleted": _customer_deleted,
}
TYPES: Final = (*_TELLERS, THIN)


# The committed files

SMALL: Final = Price("price_demo_month", 3900)
LARGE: Final = Price("price_premium_20000_month", 4900)
PACK: Final = "pack_2000"
PACK_AMOUNT: Final = 900

_BORN: Final = 1_791_624_600  # 2026-10-10 09:30:00 UTC
_RENEWED: Final = 1_794_303_000  # 2026-11-10 09:30:00 UTC
_NOW: Final = _RENEWED + 3600


def sample(shape: Shape = Shape.CURRENT) -> Scenario:
    """A customer in the second month of a subscription who has bought a pack. Every id ends with `_sample`."""
    bought = new_purchase(PACK, PACK_AMOUNT, _RENEWED - _DAY, _sample_id)
    return Scenario(
        customer="cus_sample",
        user="usr_sample",
        subscription=replace(
            new_subscription(LARGE, _BORN, _sample_id),
            period=period_from(_RENEWED, LARGE),
        ),
        purchase=bought,
        now=_NOW,
        new_id=_sample_id,
        shape=shape,
    )


def make_files() -> dict[str, str]:
    """File name → its text. An event that looks the same in both shapes has one file."""
    files: dict[str, str] = {}
    for name, (event_type, scenario, wishes) in _samples().items():
        event, _ = tell(event_type, scenario, wishes)
        files[f"{name}.json"] = _json(event)
        older, _ = tell(event_type, replace(scenario, shape=Shape.BEFORE_2025_03_31), wishes)
        if older.get("data") != event.get("data"):
            files[f"{name}.{Shape.BEFORE_2025_03_31.value}.json"] = _json(older)
    return files


def _samples() -> dict[str, tuple[str, Scenario, Wishes]]:
    base = sample()
    small = replace(base, subscription=replace(base.subscription, price=SMALL))
    bought = replace(base.purchase, bought_at=_NOW - _DAY)
    part = PACK_AMOUNT // 3
    refunded = replace(
        base, purchase=replace(bought, refund="re_sample", refunded=part, last_refund=part, refunded_at=_NOW - 3600)
    )
    trial = (_NOW - 4 * _DAY, _NOW + 3 * _DAY)
    on_trial = replace(
        base, subscription=replace(base.subscription, born=trial[0], anchor=trial[1], trial=trial, period=trial)
    )
    new = replace(base, subscription=new_subscription(LARGE, _NOW, _sample_id))
    special = {
        "customer.subscription.created": (new, NO_WISHES),
        "customer.subscription.updated": (small, Wishes(price=LARGE)),
        "customer.subscription.pending_update_applied": (small, Wishes(price=LARGE)),
        "customer.subscription.pending_update_expired": (small, NO_WISHES),
        "customer.subscription.paused": (on_trial, NO_WISHES),
        "customer.subscription.trial_will_end": (on_trial, NO_WISHES),
        "charge.refunded": (base, Wishes(amount=part)),
        "refund.failed": (refunded, NO_WISHES),
        "refund.updated": (refunded, NO_WISHES),
    }
    samples = {name: (name, *special.get(name, (base, NO_WISHES))) for name in TYPES}
    subscribing = ("checkout.session.completed", new, Wishes(mode="subscription"))
    return {**samples, "checkout.session.completed.subscription": subscribing}


def _sample_id(prefix: str) -> str:
    return f"{prefix}_sample"


def _json(event: dict[str, Any]) -> str:
    return json.dumps(event, indent=2) + "\n"


def main() -> None:
    FILES.mkdir(parents=True, exist_ok=True)
    files = make_files()
    for path in FILES.glob("*.json"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (FILES / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"events/stripe/{name}")


if __name__ == "__main__":
    main()
