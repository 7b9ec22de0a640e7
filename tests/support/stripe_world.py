"""A small Stripe: customers, subscriptions, invoices, purchases, refunds and disputes, as the source of truth.

Actions change the world at the instant `now` and append the events that Stripe would send; `advance` lets time pass and
does what falls due meanwhile. All times are seconds since the epoch, all amounts are in cents. The rules are those of
Stripe's documentation ("How subscriptions work", "Set the subscription billing renewal date", "Use trial periods",
"Refund and cancel payments", "Dispute API", and the API reference); each stands with its place. Where the
documentation says nothing, the docstring says what is assumed.

Not modelled: proration amounts, tax, coupons, quantities, schedules, `pause_collection`, `cancel_at` another time than
the period's end, payment by sent invoices, several disputes of one charge at a time, API v2 events.
"""

import random
import threading
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial, wraps
from types import MappingProxyType
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeVar

from rmbg.domain.plans import Catalogue, Pack, Plan, RateLimit
from tools.stripe_events import make
from tools.stripe_events.make import Price, Shape

Object = dict[str, Any]
Period = tuple[int, int]  # [start, end)

HOUR: Final = 3600
DAY: Final = 24 * HOUR

FIRST_PAYMENT_SECONDS: Final = 23 * HOUR  # after that an incomplete subscription expires
DRAFT_SECONDS: Final = HOUR  # a renewal's invoice is a draft for about an hour
TRIAL_WARNING_SECONDS: Final = 3 * DAY
RETRY_AFTER_SECONDS: Final = (3 * DAY, 5 * DAY, 7 * DAY)  # an example of a custom retry schedule; then it is given up

TERMINAL: Final = frozenset({"canceled", "incomplete_expired"})
RENEWING: Final = frozenset({"active", "past_due", "unpaid"})

PREMIUM: Final = Price("price_premium_20000_month", 4900, "month")
TEAM: Final = Price("price_team_month", 9900, "month")
SMALL: Final = Price("price_small_week", 900, "week")
ANNUAL: Final = Price("price_premium_year", 49_000, "year")
QUARTERLY: Final = Price("price_team_quarter", 27_000, "month", 3)
ADD_ON: Final = Price("price_support_month", 1000, "month")  # of no plan
PACK: Final = Price("price_pack_2000", 2000, None)
ODD_PACK: Final = Price("price_pack_7", 333, None)  # whose shares are no whole credits

PLANS: Final = (PREMIUM, TEAM, SMALL, ANNUAL, QUARTERLY)
PACKS: Final[Mapping[str, Price]] = MappingProxyType({"pack_2000": PACK, "pack_7": ODD_PACK})

AfterRetries = Literal["canceled", "unpaid", "past_due"]
WithoutMethod = Literal["create_invoice", "pause", "cancel"]

ParamsT = ParamSpec("ParamsT")
ResultT = TypeVar("ResultT")


class NotAllowed(Exception):
    """What Stripe would refuse with a 400; nothing has changed."""


def catalogue() -> Catalogue:
    """Plans and packs with the prices above."""
    rate = RateLimit(10, 1.0)
    free = Plan("Free", 50, rate, 4)
    included = {PREMIUM: 20_000, TEAM: 50_000, SMALL: 500, ANNUAL: 240_000, QUARTERLY: 150_000}
    plans = [free, *(Plan(price.id, count, rate, 14, price.id) for price, count in included.items())]
    packs = {"pack_2000": Pack("pack_2000", 2000, PACK.id), "pack_7": Pack("pack_7", 7, ODD_PACK.id)}
    return Catalogue(MappingProxyType({plan.name: plan for plan in plans}), MappingProxyType(packs), free, free)


def renewal(anchor: int, price: Price, index: int) -> int:
    """The `index`-th renewal after an anchor, 0 being the anchor.

    "Set the subscription billing renewal date": a month that lacks the anchor's day renews on its last day, and the
    next one on the anchor's day again; 29 February renews on the 28th in other years. Written anew here, so that it can
    tell on the service's own calendar.
    """
    steps = index * price.interval_count
    if price.interval in ("day", "week"):
        return anchor + steps * (DAY if price.interval == "day" else 7 * DAY)
    moment = datetime.fromtimestamp(anchor, UTC)
    months = moment.year * 12 + moment.month - 1 + (steps * 12 if price.interval == "year" else steps)
    year, month = months // 12, months % 12 + 1
    return int(moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1])).timestamp())


@dataclass(slots=True)
class _Customer:
    id: str
    user: str
    created: int
    pays: bool = True  # whether the payment method works
    deleted: bool = False


@dataclass(slots=True)
class _Subscription:
    id: str
    customer: str
    user: str | None  # in the metadata
    price: Price
    created: int
    anchor: int
    period: Period
    cycle: int  # the period ends at the cycle-th renewal after the anchor
    status: str = "incomplete"
    trial: Period | None = None
    trial_warned: bool = False
    without_method: WithoutMethod = "create_invoice"
    add_on: Price | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    paused_at: int | None = None
    latest_invoice: str | None = None
    pending: tuple[Price, int] | None = None  # a price, and until when it may be paid

    def shown(self, shape: Shape) -> Object:
        number = self.id.removeprefix("sub_")
        items = [self._item(f"si_{number}", self.price, shape)]
        if self.add_on is not None:  # first: whoever takes the first item is wrong
            items.insert(0, self._item(f"si_{number}_add", self.add_on, shape))
        pending = None
        if self.pending is not None:
            price, until = self.pending
            pending = make.pending_update([self._item(f"si_{number}", price, shape)], expires_at=until)
        return make.subscription(
            self.id,
            customer=self.customer,
            price=self.price,
            period=self.period,
            user=self.user,
            status=self.status,
            created=self.created,
            anchor=self.anchor,
            trial=self.trial,
            cancel_at_period_end=self.cancel_at_period_end,
            canceled_at=self.canceled_at,
            ended_at=self.ended_at,
            paused_at=self.paused_at,
            pending_update=pending,
            items=items,
            latest_invoice=self.latest_invoice,
            shape=shape,
        )

    def _item(self, item_id: str, price: Price, shape: Shape) -> Object:
        return make.subscription_item(
            item_id, subscription=self.id, price=price, period=self.period, created=self.created, shape=shape
        )


@dataclass(slots=True)
class _Invoice:
    id: str
    customer: str
    subscription: str
    user: str | None
    price: Price
    period: Period  # of its line: what is paid for
    own_period: Period
    reason: str
    amount: int
    created: int
    proration: bool = False
    status: str = "draft"
    changed_at: int = 0
    attempts: int = 0
    finalize_at: int | None = None
    next_attempt: int | None = None
    payment_intent: str | None = None
    charge: str | None = None

    def shown(self, shape: Shape) -> Object:
        number = self.id.removeprefix("in_")
        line = make.invoice_line(
            f"il_{number}",
            invoice=self.id,
            subscription=self.subscription,
            price=self.price,
            period=self.period,
            amount=self.amount,
            proration=self.proration,
            user=self.user,
            shape=shape,
        )
        return make.invoice(
            self.id,
            customer=self.customer,
            subscription=self.subscription,
            price=self.price,
            period=self.period,
            user=self.user,
            status=self.status,
            billing_reason=self.reason,
            created=self.created,
            amount=self.amount,
            invoice_period=self.own_period,
            attempt_count=self.attempts,
            next_payment_attempt=self.next_attempt,
            changed_at=self.changed_at or self.created,
            lines=[line],
            payment_intent=self.payment_intent,
            charge=self.charge,
            shape=shape,
        )


@dataclass(slots=True)
class _Session:
    id: str
    customer: str | None
    mode: str
    price: Price
    created: int
    user: str | None
    reference: str | None
    pack: str | None = None
    amount: int = 0
    status: str = "open"
    payment_status: str = "unpaid"
    payment_intent: str | None = None
    subscription: str | None = None
    invoice: str | None = None
    tagged_payment: bool = False
    under_way: bool = False  # a payment that takes days

    def shown(self, shape: Shape, *, line_items: bool = False) -> Object:
        return make.checkout_session(
            self.id,
            customer=self.customer,
            mode=self.mode,
            user=self.user,
            reference=self.reference,
            pack=self.pack,
            amount=self.amount,
            status=self.status,
            payment_status=self.payment_status,
            payment_intent=self.payment_intent,
            subscription=self.subscription,
            invoice=self.invoice,
            created=self.created,
            line_items=[self.price] if line_items else None,
            shape=shape,
        )


@dataclass(slots=True)
class _Charge:
    id: str
    customer: str | None
    amount: int
    created: int
    payment_intent: str
    user: str | None = None
    pack: str | None = None
    invoice: str | None = None
    amount_refunded: int = 0
    disputed: bool = False

    def shown(self, shape: Shape) -> Object:
        return make.charge(
            self.id,
            customer=self.customer,
            amount=self.amount,
            created=self.created,
            amount_refunded=self.amount_refunded,
            payment_intent=self.payment_intent,
            invoice=self.invoice,
            disputed=self.disputed,
            user=self.user,
            pack=self.pack,
            shape=shape,
        )


@dataclass(slots=True)
class _Refund:
    id: str
    charge: str
    payment_intent: str
    customer: str | None
    amount: int
    created: int
    status: str = "succeeded"

    def shown(self, shape: Shape) -> Object:
        return make.refund(
            self.id,
            charge=self.charge,
            amount=self.amount,
            created=self.created,
            payment_intent=self.payment_intent,
            customer=self.customer,
            status=self.status,
            failure_reason="expired_or_canceled_card" if self.status == "failed" else None,
            shape=shape,
        )


@dataclass(slots=True)
class _Dispute:
    id: str
    charge: str
    payment_intent: str
    amount: int
    created: int
    status: str

    def shown(self, shape: Shape) -> Object:
        return make.dispute(
            self.id,
            charge=self.charge,
            amount=self.amount,
            created=self.created,
            payment_intent=self.payment_intent,
            status=self.status,
            shape=shape,
        )


@dataclass(slots=True)
class _Objects:
    customers: dict[str, _Customer] = field(default_factory=dict)
    subscriptions: dict[str, _Subscription] = field(default_factory=dict)
    invoices: dict[str, _Invoice] = field(default_factory=dict)
    sessions: dict[str, _Session] = field(default_factory=dict)
    charges: dict[str, _Charge] = field(default_factory=dict)
    refunds: dict[str, _Refund] = field(default_factory=dict)
    disputes: dict[str, _Dispute] = field(default_factory=dict)


def _locked(
    method: Callable[Concatenate["StripeWorld", ParamsT], ResultT],
) -> Callable[Concatenate["StripeWorld", ParamsT], ResultT]:
    """Nobody fetches half an action."""

    @wraps(method)
    def call(world: "StripeWorld", /, *args: ParamsT.args, **kwargs: ParamsT.kwargs) -> ResultT:
        with world.lock:
            return method(world, *args, **kwargs)

    return call


class StripeWorld:
    """One Stripe account. The same seed, start and actions give the same objects, ids and events.

    `shape` is that of the events, as a webhook endpoint's API version would choose it; fetches are in the current one
    unless they ask for another. `after_retries` is the account's setting for when a payment is given up.
    """

    def __init__(
        self, seed: int, start: int, *, shape: Shape = Shape.CURRENT, after_retries: AfterRetries = "unpaid"
    ) -> None:
        self.now = start
        self.shape = shape
        self.after_retries = after_retries
        self.events: list[Object] = []
        self.lock = threading.RLock()
        self._ids = random.Random(seed)
        self._all = _Objects()

    # --- fetches: objects as they are now ---

    @_locked
    def customer(self, customer_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        """A deleted customer is still answered, by hardly more than that it is deleted (API: Retrieve a customer)."""
        found = self._all.customers.get(customer_id)
        if found is None:
            return None
        if found.deleted:
            return {"id": found.id, "object": "customer", "deleted": True}
        return make.customer(found.id, created=found.created, shape=shape)

    @_locked
    def subscription(self, subscription_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        found = self._all.subscriptions.get(subscription_id)
        return found.shown(shape) if found else None

    @_locked
    def subscriptions_of(
        self, customer_id: str, status: str | None = None, shape: Shape = Shape.CURRENT
    ) -> list[Object]:
        """Newest first. "List subscriptions": those that are canceled only with `canceled`, `ended` or `all`."""

        def listed(found: _Subscription) -> bool:
            match status:
                case None:
                    return found.status != "canceled"
                case "all":
                    return True
                case "ended":
                    return found.status in TERMINAL
                case _:
                    return found.status == status

        mine = [each for each in self._all.subscriptions.values() if each.customer == customer_id and listed(each)]
        return [each.shown(shape) for each in reversed(mine)]

    @_locked
    def invoice(self, invoice_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        found = self._all.invoices.get(invoice_id)
        return found.shown(shape) if found else None

    @_locked
    def charge(self, charge_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        found = self._all.charges.get(charge_id)
        return found.shown(shape) if found else None

    @_locked
    def payment_intent(self, intent_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        """An intent that is paid, with its charge: those of a payment that failed are not kept."""
        found = next((each for each in self._all.charges.values() if each.payment_intent == intent_id), None)
        return _payment_intent(found) if found else None

    @_locked
    def checkout_session(self, session_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        """With its line items."""
        found = self._all.sessions.get(session_id)
        return found.shown(shape, line_items=True) if found else None

    @_locked
    def refund(self, refund_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        found = self._all.refunds.get(refund_id)
        return found.shown(shape) if found else None

    @_locked
    def dispute(self, dispute_id: str, shape: Shape = Shape.CURRENT) -> Object | None:
        found = self._all.disputes.get(dispute_id)
        return found.shown(shape) if found else None

    @_locked
    def event(self, event_id: str) -> Object | None:
        """As it was sent."""
        return next((each for each in self.events if each["id"] == event_id), None)

    def fetch(self, kind: str, identifier: str) -> Object | None:
        """An object by its type ("checkout.session"); None if there is none, or no such type."""
        retrieve: dict[str, Callable[[str], Object | None]] = {
            "charge": self.charge,
            "checkout.session": self.checkout_session,
            "customer": self.customer,
            "dispute": self.dispute,
            "event": self.event,
            "invoice": self.invoice,
            "payment_intent": self.payment_intent,
            "refund": self.refund,
            "subscription": self.subscription,
        }
        return retrieve[kind](identifier) if kind in retrieve else None

    def subscriptions(self, customer_id: str) -> list[Object]:
        """All of a customer, those that are over included."""
        return self.subscriptions_of(customer_id, "all")

    @_locked
    def listed(self, kind: str, /, **filters: str) -> list[Object]:
        """All objects of a kind, newest first, whose members are those: listed("charges", payment_intent="pi_1")."""
        held: Mapping[str, Any] = getattr(self._all, kind)
        shown = [each.shown(Shape.CURRENT) for each in reversed(list(held.values()))]
        return [each for each in shown if all(each.get(name) == wanted for name, wanted in filters.items())]

    @_locked
    def ids(self, kind: str) -> list[str]:
        """The ids of a kind, oldest first: customers, subscriptions, invoices, sessions, charges, refunds, disputes."""
        return list(getattr(self._all, kind))

    # --- customers ---

    @_locked
    def create_customer(self, user: str) -> str:
        """A customer, who is a user of ours; Stripe does not know that."""
        created = _Customer(self._id("cus"), user, self.now)
        self._all.customers[created.id] = created
        self._emit("customer.created", make.customer(created.id, created=self.now, shape=self.shape))
        return created.id

    @_locked
    def set_payment_method(self, customer_id: str, *, works: bool) -> None:
        """Whether the customer's next payments succeed."""
        self._customer(customer_id).pays = works

    @_locked
    def delete_customer(self, customer_id: str) -> None:
        """By "Delete a customer": it can't be undone, and cancels its subscriptions immediately."""
        found = self._customer(customer_id)
        for each in self._all.subscriptions.values():
            if each.customer == customer_id and each.status not in TERMINAL:
                self._cancel(each)
        for invoice in self._all.invoices.values():
            if invoice.customer == customer_id:
                invoice.finalize_at = invoice.next_attempt = None
        found.deleted = True
        self._emit("customer.deleted", make.customer(found.id, created=found.created, shape=self.shape))

    # --- subscriptions ---

    @_locked
    def subscribe(
        self,
        customer_id: str,
        price: Price,
        *,
        trial_seconds: int = 0,
        without_method: WithoutMethod = "create_invoice",
        anchor: int | None = None,
        add_on: Price | None = None,
        tagged: bool = True,
        referenced: bool = True,
    ) -> str:
        """Subscribe by Checkout; returns the subscription's id.

        "How subscriptions work": it is `incomplete` until its first invoice is paid, and `trialing` from the beginning
        with a trial, whose end is the anchor. An `anchor` in the future makes the first period end there. `tagged`
        writes the user into the subscription's metadata, `referenced` into the session's `client_reference_id`;
        without either only the customer tells who it is.
        """
        customer = self._customer(customer_id)
        if anchor is not None and (anchor <= self.now or trial_seconds):
            raise NotAllowed("billing_cycle_anchor must be in the future, and not with a trial")
        if trial_seconds:
            anchor = self.now + trial_seconds
        period = (self.now, renewal(self.now, price, 1) if anchor is None else anchor)
        if anchor is not None and not trial_seconds and anchor > renewal(self.now, price, 1):
            raise NotAllowed("billing_cycle_anchor cannot be later than next natural billing date")
        created = _Subscription(
            id=self._id("sub"),
            customer=customer_id,
            user=customer.user if tagged else None,
            price=price,
            created=self.now,
            anchor=self.now if anchor is None else anchor,
            period=period,
            cycle=1 if anchor is None else 0,
            status="trialing" if trial_seconds else "incomplete",
            trial=period if trial_seconds else None,
            without_method=without_method,
            add_on=add_on,
        )
        self._all.subscriptions[created.id] = created
        amount = 0 if trial_seconds else price.amount
        invoice = self._new_invoice(created, "subscription_create", amount=amount)
        created.latest_invoice = invoice.id
        self._emit("customer.subscription.created", created.shown(self.shape))
        self._emit("invoice.created", invoice.shown(self.shape))
        self._finalize(invoice)
        if created.status != "incomplete":
            session = self._new_session(created.customer, "subscription", price, customer.user, referenced=referenced)
            session.amount = amount
            session.subscription, session.invoice = created.id, invoice.id
            session.status, session.payment_status = "complete", "paid" if amount else "no_payment_required"
            self._emit("checkout.session.completed", session.shown(self.shape))
        return created.id

    @_locked
    def change_price(self, subscription_id: str, price: Price, *, invoice_now: bool = False) -> None:
        """Upgrade or downgrade.

        "Change subscriptions": the period stays while the interval stays; another interval begins a period at once and
        invoices it. `invoice_now` invoices the proration of an upgrade at once (`proration_behavior=always_invoice`).
        """
        found = self._changeable(subscription_id)
        old = found.price
        if old == price:
            raise NotAllowed("it has that price")
        same_interval = (old.interval, old.interval_count) == (price.interval, price.interval_count)
        if same_interval or found.status == "trialing":
            invoice = None
            with self._updating(found):
                found.price = price
                if invoice_now and price.amount > old.amount and found.status != "trialing":
                    invoice = self._new_invoice(
                        found, "subscription_update", amount=price.amount - old.amount, proration=True
                    )
                    found.latest_invoice = invoice.id
            if invoice is not None:
                self._emit("invoice.created", invoice.shown(self.shape))
                self._finalize(invoice)
        else:
            self._restart(found, price, "subscription_update")

    @_locked
    def request_price(self, subscription_id: str, price: Price) -> None:
        """An upgrade that waits for its payment (`payment_behavior=pending_if_incomplete`), for 23 hours at most."""
        found = self._changeable(subscription_id)
        if found.status == "trialing" or found.pending is not None or price == found.price:
            raise NotAllowed("there is nothing to wait for")
        if (price.interval, price.interval_count) != (found.price.interval, found.price.interval_count):
            raise NotAllowed("the interval changes at once or not at all here")
        with self._updating(found):
            found.pending = price, self.now + FIRST_PAYMENT_SECONDS

    @_locked
    def pay_pending_price(self, subscription_id: str) -> None:
        """The payment succeeds: "Pending updates" are applied, `pending_update_applied` is sent."""
        found = self._subscription(subscription_id)
        if found.pending is None or found.status in TERMINAL:
            raise NotAllowed("no update is pending")
        with self._updating(found):
            found.price, found.pending = found.pending[0], None
        self._emit("customer.subscription.pending_update_applied", found.shown(self.shape))

    @_locked
    def cancel_at_period_end(self, subscription_id: str, *, cancel: bool = True) -> None:
        """Nothing changes until the period's end; until then it can be taken back ("Cancel subscriptions")."""
        found = self._changeable(subscription_id)
        if found.cancel_at_period_end is cancel:
            raise NotAllowed("it is so already")
        with self._updating(found):
            found.cancel_at_period_end = cancel
            found.canceled_at = self.now if cancel else None

    @_locked
    def cancel_now(self, subscription_id: str) -> None:
        """`canceled` is terminal; the period stays as it was; `customer.subscription.deleted` is sent."""
        found = self._subscription(subscription_id)
        if found.status in TERMINAL:
            raise NotAllowed("it is over")
        self._cancel(found)

    @_locked
    def resume(self, subscription_id: str) -> None:
        """By "Resume a subscription" with a new anchor: only a paused one, active as soon as its invoice is paid.

        Assumed: who cannot pay does not try.
        """
        found = self._subscription(subscription_id)
        if found.status != "paused" or not self._customer(found.customer).pays:
            raise NotAllowed("only paused subscriptions that are paid can be resumed")
        self._restart(found, found.price, "subscription_update", resumes=True)
        self._emit("customer.subscription.resumed", found.shown(self.shape))

    @_locked
    def reset_anchor(self, subscription_id: str) -> None:
        """`billing_cycle_anchor=now`: a new period begins, and is invoiced at once."""
        found = self._changeable(subscription_id)
        if found.status == "trialing" or found.period[0] == self.now:
            raise NotAllowed("the anchor is the trial's end, or now")
        self._restart(found, found.price, "subscription_update")

    @_locked
    def end_trial(self, subscription_id: str) -> None:
        """`trial_end=now`: the first paid period begins now."""
        found = self._subscription(subscription_id)
        if found.status != "trialing" or found.period[0] == self.now:
            raise NotAllowed("there is no trial")
        assert found.trial is not None
        found.trial = found.trial[0], self.now
        self._restart(found, found.price, "subscription_update")

    # --- invoices ---

    @_locked
    def pay_invoice(self, invoice_id: str) -> None:
        """Paid by hand; a draft is finalised first ("Pay an invoice")."""
        invoice = self._invoice(invoice_id)
        self._customer(invoice.customer)
        if invoice.status not in ("draft", "open", "uncollectible"):
            raise NotAllowed("the invoice is closed")
        subscription = self._all.subscriptions[invoice.subscription]
        if subscription.status in TERMINAL:
            raise NotAllowed("its subscription is over")
        if invoice.status == "draft":
            self._open(invoice)
        self._paid(invoice)

    @_locked
    def void_invoice(self, invoice_id: str) -> None:
        """By "Void an invoice": open and uncollectible ones. A void first invoice ends its incomplete subscription.

        Assumed: the void latest invoice of a subscription that is past due makes it active, as an uncollectible does.
        """
        invoice = self._invoice(invoice_id)
        if invoice.status not in ("open", "uncollectible"):
            raise NotAllowed("the invoice is not open")
        self._close(invoice, "void", "invoice.voided")
        subscription = self._all.subscriptions[invoice.subscription]
        if subscription.status == "incomplete":
            self._expire(subscription)
        else:
            self._settled(subscription, invoice)

    @_locked
    def mark_uncollectible(self, invoice_id: str) -> None:
        """By "How subscriptions work": paying the latest invoice or marking it uncollectible makes an `active`
        subscription of one that is past due.
        """
        invoice = self._invoice(invoice_id)
        subscription = self._all.subscriptions[invoice.subscription]
        if invoice.status != "open" or subscription.status == "incomplete":
            raise NotAllowed("the invoice is not open")
        self._close(invoice, "uncollectible", "invoice.marked_uncollectible")
        self._settled(subscription, invoice)

    # --- purchases ---

    @_locked
    def buy_pack(
        self,
        customer_id: str,
        pack: str,
        *,
        free: bool = False,
        delayed: bool = False,
        tagged: bool = True,
        referenced: bool = True,
        tagged_payment: bool = False,
        guest: bool = False,
    ) -> str:
        """Buy a pack by Checkout; returns the session's id.

        "Fulfill orders": the session completes `paid`, `no_payment_required` when it costs nothing (`free`), or
        `unpaid` when the payment takes days (`delayed`; then `settle`). `tagged_payment` copies the metadata to the
        payment intent, which Checkout does only when it is told to. A `guest` has no customer at Stripe.
        """
        customer = self._customer(customer_id)
        price = PACKS[pack]
        user = customer.user if tagged or guest else None
        session = self._new_session(None if guest else customer_id, "payment", price, user, referenced=referenced)
        session.reference = customer.user if referenced else None
        session.pack, session.tagged_payment = pack, tagged_payment
        session.amount = 0 if free else price.amount
        session.status = "complete"
        if free:
            session.payment_status = "no_payment_required"
        else:
            session.payment_intent = self._id("pi")
            session.under_way = delayed
            if not delayed:
                self._pay_session(session)
        self._emit("checkout.session.completed", session.shown(self.shape))
        return session.id

    @_locked
    def settle(self, session_id: str, *, paid: bool) -> None:
        """The delayed payment of a session succeeds or fails."""
        session = self._all.sessions[session_id]
        if not session.under_way:
            raise NotAllowed("no payment is under way")
        session.under_way = False
        if paid:
            self._pay_session(session)
            self._emit("checkout.session.async_payment_succeeded", session.shown(self.shape))
        else:
            self._emit("checkout.session.async_payment_failed", session.shown(self.shape))

    @_locked
    def abandon_pack(self, customer_id: str, pack: str) -> str:
        """A session that nobody completes, which expires."""
        customer = self._customer(customer_id)
        session = self._new_session(customer_id, "payment", PACKS[pack], customer.user, referenced=True)
        session.pack, session.amount, session.status = pack, PACKS[pack].amount, "expired"
        self._emit("checkout.session.expired", session.shown(self.shape))
        return session.id

    @_locked
    def refund_charge(self, charge_id: str, amount: int, *, pending: bool = False) -> str:
        """Give back a part, or all that is left ("Create a refund"); `amount_refunded` of the charge is cumulative.

        A charge that is disputed cannot be refunded. A pending refund counts as refunded already.
        """
        charge = self._all.charges[charge_id]
        if charge.disputed and not self._dispute_is_over(charge):
            raise NotAllowed("the charge is disputed")
        if not 1 <= amount <= charge.amount - charge.amount_refunded:
            raise NotAllowed("more than is left")
        before = charge.shown(self.shape)
        refund = _Refund(
            id=self._id("re"),
            charge=charge_id,
            payment_intent=charge.payment_intent,
            customer=charge.customer,
            amount=amount,
            created=self.now,
            status="pending" if pending else "succeeded",
        )
        self._all.refunds[refund.id] = refund
        charge.amount_refunded += amount
        after = charge.shown(self.shape)
        self._emit("refund.created", refund.shown(self.shape))
        self._emit("charge.refunded", after, make.changes(before, after))
        return refund.id

    @_locked
    def finish_refund(self, refund_id: str) -> None:
        """A pending refund has arrived."""
        refund = self._all.refunds[refund_id]
        if refund.status != "pending":
            raise NotAllowed("it is not pending")
        before = refund.shown(self.shape)
        refund.status = "succeeded"
        after = refund.shown(self.shape)
        self._emit("refund.updated", after, make.changes(before, after))

    @_locked
    def fail_refund(self, refund_id: str) -> None:
        """By "Refund and cancel payments", failed refunds: the bank sends the money back, up to 30 days later.

        Assumed: the charge's `amount_refunded` goes down by it.
        """
        refund = self._all.refunds[refund_id]
        if refund.status == "failed":
            raise NotAllowed("it failed already")
        before = refund.shown(self.shape)
        refund.status = "failed"
        self._all.charges[refund.charge].amount_refunded -= refund.amount
        after = refund.shown(self.shape)
        previous = make.changes(before, after)
        for kind in ("refund.failed", "refund.updated", "charge.refund.updated"):
            self._emit(kind, after, previous)

    @_locked
    def open_dispute(self, charge_id: str, *, inquiry: bool = False) -> str:
        """By "Dispute API": a dispute withdraws what was not refunded yet; an inquiry (`warning_*`) nothing."""
        charge = self._all.charges[charge_id]
        if charge.disputed or charge.amount_refunded >= charge.amount:
            raise NotAllowed("there is nothing to dispute")
        dispute = _Dispute(
            id=self._id("du"),
            charge=charge_id,
            payment_intent=charge.payment_intent,
            amount=charge.amount - charge.amount_refunded,
            created=self.now,
            status="warning_needs_response" if inquiry else "needs_response",
        )
        self._all.disputes[dispute.id] = dispute
        charge.disputed = True
        self._emit("charge.dispute.created", dispute.shown(self.shape))
        if not inquiry:
            self._emit("charge.dispute.funds_withdrawn", dispute.shown(self.shape))
        return dispute.id

    @_locked
    def escalate_inquiry(self, dispute_id: str) -> None:
        """An inquiry becomes a dispute: now the money is withdrawn."""
        dispute = self._all.disputes[dispute_id]
        if dispute.status not in ("warning_needs_response", "warning_under_review"):
            raise NotAllowed("it is no inquiry, or closed")
        before = dispute.shown(self.shape)
        dispute.status = "needs_response"
        after = dispute.shown(self.shape)
        self._emit("charge.dispute.updated", after, make.changes(before, after))
        self._emit("charge.dispute.funds_withdrawn", after)

    @_locked
    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        """Won, the money comes back; lost, it does not; an inquiry closes as `warning_closed` either way."""
        dispute = self._all.disputes[dispute_id]
        if dispute.status in ("won", "lost", "warning_closed"):
            raise NotAllowed("it is closed")
        before = dispute.shown(self.shape)
        inquiry = dispute.status.startswith("warning_")
        dispute.status = "warning_closed" if inquiry else "won" if won else "lost"
        after = dispute.shown(self.shape)
        self._emit("charge.dispute.closed", after, make.changes(before, after))
        if dispute.status == "won":
            self._emit("charge.dispute.funds_reinstated", after)

    # --- time ---

    @_locked
    def advance(self, seconds: int) -> None:
        """Let time pass; what falls due happens at its instant, in the order of instants."""
        until = self.now + seconds
        while True:
            due = min(self._dues(), key=lambda each: each[0], default=None)
            if due is None or due[0] > until:
                break
            self.now = max(self.now, due[0])
            due[1]()
        self.now = until

    def _dues(self) -> Iterator[tuple[int, Callable[[], None]]]:
        for each in self._all.subscriptions.values():
            match each.status:
                case "incomplete":
                    yield each.created + FIRST_PAYMENT_SECONDS, partial(self._expire, each)
                case "trialing":
                    if not each.trial_warned:
                        yield each.period[1] - TRIAL_WARNING_SECONDS, partial(self._warn, each)
                    yield each.period[1], partial(self._trial_is_over, each)
                case "active" | "past_due" | "unpaid":
                    yield each.period[1], partial(self._renew, each)
            if each.pending is not None and each.status not in TERMINAL:
                yield each.pending[1], partial(self._pending_is_over, each)
        for invoice in self._all.invoices.values():
            if invoice.status == "draft" and invoice.finalize_at is not None:
                yield invoice.finalize_at, partial(self._finalize, invoice)
            if invoice.status == "open" and invoice.next_attempt is not None:
                yield invoice.next_attempt, partial(self._attempt, invoice)

    def _expire(self, subscription: _Subscription) -> None:
        """`incomplete` for 23 hours becomes `incomplete_expired`, which is terminal, and its invoice void."""
        invoice = self._all.invoices[subscription.latest_invoice or ""]
        if invoice.status == "open":
            self._close(invoice, "void", "invoice.voided")
        with self._updating(subscription):
            subscription.status = "incomplete_expired"
            subscription.ended_at = self.now

    def _warn(self, subscription: _Subscription) -> None:
        """By "Use trial periods": three days before the end, at once when the trial is shorter."""
        subscription.trial_warned = True
        self._emit("customer.subscription.trial_will_end", subscription.shown(self.shape))

    def _trial_is_over(self, subscription: _Subscription) -> None:
        """`trial_settings.end_behavior.missing_payment_method` decides for who has none: invoice, pause or cancel."""
        if subscription.cancel_at_period_end:
            self._cancel(subscription)
        elif self._all.customers[subscription.customer].pays or subscription.without_method == "create_invoice":
            self._renew(subscription)
        elif subscription.without_method == "cancel":
            self._cancel(subscription)
        else:
            with self._updating(subscription):
                subscription.status, subscription.paused_at = "paused", self.now
            self._emit("customer.subscription.paused", subscription.shown(self.shape))

    def _renew(self, subscription: _Subscription) -> None:
        """The next period begins where this one ends; its invoice is a draft for an hour, an unpaid one's remains so.

        Assumed: while it is paused, no period begins.
        """
        if subscription.cancel_at_period_end:
            self._cancel(subscription)
            return
        with self._updating(subscription):
            previous = subscription.period
            subscription.cycle += 1
            subscription.period = (
                previous[1],
                renewal(subscription.anchor, subscription.price, subscription.cycle),
            )
            if subscription.status == "trialing":
                subscription.status = "active"
            invoice = self._new_invoice(
                subscription, "subscription_cycle", amount=subscription.price.amount, own_period=previous
            )
            subscription.latest_invoice = invoice.id
            if subscription.status != "unpaid":
                invoice.finalize_at = self.now + DRAFT_SECONDS
        self._emit("invoice.created", invoice.shown(self.shape))

    def _restart(self, subscription: _Subscription, price: Price, reason: str, *, resumes: bool = False) -> None:
        """A new anchor: a period begins now and is invoiced at once."""
        with self._updating(subscription):
            previous = subscription.period
            subscription.price = price
            subscription.anchor = self.now
            subscription.cycle = 1
            subscription.period = (self.now, renewal(self.now, price, 1))
            if subscription.status == "trialing" or resumes:
                subscription.status, subscription.paused_at = "active", None
            invoice = self._new_invoice(subscription, reason, amount=price.amount, own_period=(previous[0], self.now))
            subscription.latest_invoice = invoice.id
        self._emit("invoice.created", invoice.shown(self.shape))
        self._finalize(invoice)

    def _cancel(self, subscription: _Subscription) -> None:
        """Collection of its invoices stops ("Cancel subscriptions")."""
        subscription.status = "canceled"
        subscription.ended_at = self.now
        if subscription.canceled_at is None:
            subscription.canceled_at = self.now
        subscription.pending = None
        self._stop_collection(subscription)
        self._emit("customer.subscription.deleted", subscription.shown(self.shape))

    def _stop_collection(self, subscription: _Subscription) -> None:
        """No payment of its invoices is attempted any more."""
        for invoice in self._all.invoices.values():
            if invoice.subscription == subscription.id:
                invoice.finalize_at = invoice.next_attempt = None

    def _pending_is_over(self, subscription: _Subscription) -> None:
        with self._updating(subscription):
            subscription.pending = None
        self._emit("customer.subscription.pending_update_expired", subscription.shown(self.shape))

    # --- what actions are made of ---

    def _new_invoice(
        self,
        subscription: _Subscription,
        reason: str,
        *,
        amount: int,
        own_period: Period | None = None,
        proration: bool = False,
    ) -> _Invoice:
        """A draft. Its line is for the subscription's period, a proration's for what is left of it."""
        start, end = subscription.period
        invoice = _Invoice(
            id=self._id("in"),
            customer=subscription.customer,
            subscription=subscription.id,
            user=subscription.user,
            price=subscription.price,
            period=(self.now if proration else start, end),
            own_period=own_period or (self.now, self.now),
            reason=reason,
            amount=amount,
            created=self.now,
            proration=proration,
        )
        self._all.invoices[invoice.id] = invoice
        return invoice

    def _open(self, invoice: _Invoice) -> None:
        invoice.finalize_at = None
        invoice.status = "open"
        self._emit("invoice.finalized", invoice.shown(self.shape))

    def _finalize(self, invoice: _Invoice) -> None:
        self._open(invoice)
        self._attempt(invoice)

    def _attempt(self, invoice: _Invoice) -> None:
        """A payment; after the last one that fails, the subscription gets the status of the account's setting."""
        if not invoice.amount or self._all.customers[invoice.customer].pays:
            self._paid(invoice)
            return
        subscription = self._all.subscriptions[invoice.subscription]
        first = invoice.reason == "subscription_create"  # which is not tried again by itself
        retries = () if first else RETRY_AFTER_SECONDS
        wait = retries[invoice.attempts] if invoice.attempts < len(retries) else None
        invoice.attempts += 1
        invoice.next_attempt = None if wait is None else self.now + wait
        self._emit("invoice.payment_failed", invoice.shown(self.shape))
        if subscription.status == "active":
            with self._updating(subscription):
                subscription.status = "past_due"
        if wait is None and subscription.status == "past_due" and self.after_retries != "past_due":
            self._stop_collection(subscription)
            if self.after_retries == "canceled":
                self._cancel(subscription)
            else:
                with self._updating(subscription):
                    subscription.status = "unpaid"

    def _paid(self, invoice: _Invoice) -> None:
        invoice.attempts += 1
        invoice.next_attempt = None
        invoice.status, invoice.changed_at = "paid", self.now
        if invoice.amount:
            charge = self._new_charge(invoice.customer, invoice.amount, self._id("pi"))
            charge.invoice = invoice.id
            invoice.payment_intent, invoice.charge = charge.payment_intent, charge.id
            self._emit_charge(charge)
        shown = invoice.shown(self.shape)
        self._emit("invoice.paid", shown)
        self._emit("invoice.payment_succeeded", shown)
        subscription = self._all.subscriptions[invoice.subscription]
        if subscription.status == "incomplete":
            with self._updating(subscription):
                subscription.status = "active"
        self._settled(subscription, invoice)

    def _settled(self, subscription: _Subscription, invoice: _Invoice) -> None:
        """The latest invoice is settled: `past_due` and `unpaid` become `active`. An older one changes nothing."""
        if subscription.status in ("past_due", "unpaid") and subscription.latest_invoice == invoice.id:
            with self._updating(subscription):
                subscription.status = "active"

    def _close(self, invoice: _Invoice, status: str, event_type: str) -> None:
        invoice.status, invoice.changed_at, invoice.next_attempt = status, self.now, None
        self._emit(event_type, invoice.shown(self.shape))

    def _new_session(
        self, customer: str | None, mode: str, price: Price, user: str | None, *, referenced: bool
    ) -> _Session:
        session = _Session(
            id=self._id("cs_test"),
            customer=customer,
            mode=mode,
            price=price,
            created=self.now,
            user=user if mode == "payment" else None,
            reference=user if referenced else None,
        )
        self._all.sessions[session.id] = session
        return session

    def _pay_session(self, session: _Session) -> None:
        assert session.payment_intent is not None
        session.payment_status = "paid"
        charge = self._new_charge(session.customer, session.amount, session.payment_intent)
        if session.tagged_payment:
            charge.user, charge.pack = session.user, session.pack
        self._emit_charge(charge)

    def _new_charge(self, customer: str | None, amount: int, payment_intent: str) -> _Charge:
        charge = _Charge(self._id("ch"), customer, amount, self.now, payment_intent)
        self._all.charges[charge.id] = charge
        return charge

    def _emit_charge(self, charge: _Charge) -> None:
        self._emit("charge.succeeded", charge.shown(self.shape))
        self._emit("payment_intent.succeeded", _payment_intent(charge))

    def _dispute_is_over(self, charge: _Charge) -> bool:
        """Whether none is open or lost."""
        states = [each.status for each in self._all.disputes.values() if each.charge == charge.id]
        return all(state in ("won", "warning_closed") for state in states)

    def _updating(self, subscription: _Subscription) -> "_Updating":
        return _Updating(self, subscription)

    def _emit(self, event_type: str, subject: Object, previous: Object | None = None) -> None:
        self.events.append(
            make.event(
                self._id("evt"),
                event_type,
                subject,
                created=self.now,
                previous_attributes=previous,
                shape=self.shape,
            )
        )

    def _id(self, prefix: str) -> str:
        """Ids do not sort by age, as Stripe's do not."""
        return f"{prefix}_{self._ids.getrandbits(64):016x}"

    def _customer(self, customer_id: str) -> _Customer:
        found = self._all.customers[customer_id]
        if found.deleted:
            raise NotAllowed("the customer is deleted")
        return found

    def _subscription(self, subscription_id: str) -> _Subscription:
        return self._all.subscriptions[subscription_id]

    def _changeable(self, subscription_id: str) -> _Subscription:
        """An incomplete one cannot be changed (API: `status`), here neither one that is over, unpaid or paused."""
        found = self._subscription(subscription_id)
        if found.status not in ("trialing", "active", "past_due"):
            raise NotAllowed(f"a subscription that is {found.status} stays as it is")
        return found

    def _invoice(self, invoice_id: str) -> _Invoice:
        return self._all.invoices[invoice_id]


class _Updating:
    """Sends `customer.subscription.updated` with what was otherwise before the block."""

    def __init__(self, world: StripeWorld, subscription: _Subscription) -> None:
        self._world = world
        self._subscription = subscription
        self._before = subscription.shown(world.shape)

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            after = self._subscription.shown(self._world.shape)
            self._world._emit("customer.subscription.updated", after, make.changes(self._before, after))


def _payment_intent(charge: _Charge) -> Object:
    metadata = {}
    if charge.user is not None:
        metadata[make.USER_METADATA] = charge.user
    if charge.pack is not None:
        metadata[make.PACK_METADATA] = charge.pack
    return {
        "id": charge.payment_intent,
        "object": "payment_intent",
        "amount": charge.amount,
        "amount_received": charge.amount,
        "created": charge.created,
        "currency": "usd",
        "customer": charge.customer,
        "latest_charge": charge.id,
        "livemode": False,
        "metadata": metadata,
        "status": "succeeded",
    }


# --- stories and deliveries ---

Action = Callable[[StripeWorld, random.Random], None]


def random_story(
    rng: random.Random,
    steps: int,
    *,
    users: Sequence[str] = ("user-1",),
    start: int = 1_769_860_800,  # 31 January 2026, 12:00 UTC
    shape: Shape = Shape.CURRENT,
) -> StripeWorld:
    """A world after so many random steps; each user has one customer to begin with."""
    setting: AfterRetries = rng.choice(["canceled", "unpaid", "past_due"])
    world = StripeWorld(rng.getrandbits(48), start, shape=shape, after_retries=setting)
    for user in users:
        world.create_customer(user)
    for _ in range(steps):
        random_step(world, rng)
    return world


def random_step(world: StripeWorld, rng: random.Random) -> None:
    """One thing happens, or time passes; half of the time in the same second as what was before."""
    for _ in range(20):
        action = rng.choices(_ACTIONS, _WEIGHTS)[0]
        try:
            action(world, rng)
        except NotAllowed:
            continue
        break
    if rng.random() < 0.5:
        world.advance(rng.choice([1, 60, HOUR, DAY, 3 * DAY, 10 * DAY, 31 * DAY]))


def deliveries(world: StripeWorld, rng: random.Random) -> list[Object]:
    """The world's events as they may arrive: each at least once, some twice or thrice, in no order one may rely on.

    The order is one of: any; of one second among themselves; late by a few places; the newest first; as they happened.
    The events are the world's own objects: who changes one, changes them all.
    """
    events = list(world.events)
    copies = [each for each in events for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    match rng.randrange(5):
        case 0:
            events += copies
            rng.shuffle(events)
        case 1:
            events += copies
            noise = {id(each): rng.random() for each in world.events}
            events.sort(key=lambda each: (each["created"], noise[id(each)]))
        case 2:
            events = [*events, *copies]
            places = {id(each): place for place, each in enumerate(world.events)}
            events.sort(key=lambda each: places[id(each)] + rng.uniform(0, 6))
        case 3:
            events = [*reversed(events), *copies]
        case _:
            for each in copies:
                events.insert(rng.randrange(len(events) + 1), each)
    return events


def _one(world: StripeWorld, rng: random.Random, kind: str, fits: Callable[[Any], bool] = lambda _: True) -> str:
    """Any of a kind that fits, rather a young one. Raises NotAllowed if there is none."""
    held: Mapping[str, Any] = getattr(world._all, kind)
    ids = [each_id for each_id, each in held.items() if fits(each)]
    if not ids:
        raise NotAllowed(f"there are no such {kind}")
    return rng.choice(ids[-3:] if rng.random() < 0.7 else ids)


def _subscribe(world: StripeWorld, rng: random.Random) -> None:
    customer = _one(world, rng, "customers")
    trial = rng.choice([0, 0, 0, 2 * DAY, 14 * DAY])
    world.subscribe(
        customer,
        rng.choice(PLANS),
        trial_seconds=trial,
        without_method=rng.choice(["create_invoice", "pause", "cancel"]),
        anchor=world.now + rng.randrange(1, 5) * DAY if not trial and rng.random() < 0.15 else None,
        add_on=ADD_ON if rng.random() < 0.2 else None,
        tagged=rng.random() < 0.8,
        referenced=rng.random() < 0.9,
    )


def _new_customer(world: StripeWorld, rng: random.Random) -> None:
    """A user comes back as another customer, as Checkout makes one when it is not told whose it is."""
    known = [each.user for each in world._all.customers.values()]
    world.create_customer(rng.choice(known))


def _refund_some(world: StripeWorld, rng: random.Random) -> None:
    charge = world.charge(_one(world, rng, "charges")) or {}
    left = charge["amount"] - charge["amount_refunded"]
    if left < 1:
        raise NotAllowed("nothing is left")
    amount = left if rng.random() < 0.3 else rng.randint(1, left)
    world.refund_charge(charge["id"], amount, pending=rng.random() < 0.3)


def _buy(world: StripeWorld, rng: random.Random) -> None:
    world.buy_pack(
        _one(world, rng, "customers"),
        rng.choice(list(PACKS)),
        free=rng.random() < 0.1,
        delayed=rng.random() < 0.25,
        tagged=rng.random() < 0.8,
        referenced=rng.random() < 0.9,
        tagged_payment=rng.random() < 0.5,
        guest=rng.random() < 0.15,
    )


def _sub(world: StripeWorld, rng: random.Random, *statuses: str) -> str:
    return _one(world, rng, "subscriptions", lambda each: each.status in (statuses or _CHANGEABLE))


def _inv(world: StripeWorld, rng: random.Random, *statuses: str) -> str:
    return _one(world, rng, "invoices", lambda each: each.status in statuses)


def _pay_pending(world: StripeWorld, rng: random.Random) -> None:
    world.pay_pending_price(_one(world, rng, "subscriptions", lambda each: each.pending is not None))


def _resume(world: StripeWorld, rng: random.Random) -> None:
    paused = _sub(world, rng, "paused")
    world.set_payment_method(world._all.subscriptions[paused].customer, works=True)
    world.resume(paused)


def _change_price(world: StripeWorld, rng: random.Random) -> None:
    world.change_price(_sub(world, rng), rng.choice(PLANS), invoice_now=rng.random() < 0.5)


def _request_price(world: StripeWorld, rng: random.Random) -> None:
    world.request_price(_sub(world, rng), rng.choice(PLANS))


def _cancel_later(world: StripeWorld, rng: random.Random) -> None:
    world.cancel_at_period_end(_sub(world, rng), cancel=rng.random() < 0.6)


def _payment_method(world: StripeWorld, rng: random.Random) -> None:
    world.set_payment_method(_one(world, rng, "customers"), works=rng.random() < 0.6)


def _settle(world: StripeWorld, rng: random.Random) -> None:
    world.settle(_one(world, rng, "sessions", lambda each: each.under_way), paid=rng.random() < 0.7)


def _abandon(world: StripeWorld, rng: random.Random) -> None:
    world.abandon_pack(_one(world, rng, "customers"), rng.choice(list(PACKS)))


def _dispute(world: StripeWorld, rng: random.Random) -> None:
    world.open_dispute(_one(world, rng, "charges"), inquiry=rng.random() < 0.3)


def _close_dispute(world: StripeWorld, rng: random.Random) -> None:
    world.close_dispute(_one(world, rng, "disputes"), won=rng.random() < 0.5)


_CHANGEABLE: Final = ("trialing", "active", "past_due")
_WEIGHTED: Final[list[tuple[int, Action]]] = [
    (10, _subscribe),
    (2, _new_customer),
    (1, lambda world, rng: world.delete_customer(_one(world, rng, "customers"))),
    (6, _payment_method),
    (10, _change_price),
    (4, _request_price),
    (4, _pay_pending),
    (4, _cancel_later),
    (2, lambda world, rng: world.cancel_now(_sub(world, rng, *_CHANGEABLE, "unpaid", "paused", "incomplete"))),
    (4, _resume),
    (3, lambda world, rng: world.reset_anchor(_sub(world, rng))),
    (2, lambda world, rng: world.end_trial(_sub(world, rng, "trialing"))),
    (5, lambda world, rng: world.pay_invoice(_inv(world, rng, "draft", "open", "uncollectible"))),
    (2, lambda world, rng: world.void_invoice(_inv(world, rng, "open", "uncollectible"))),
    (3, lambda world, rng: world.mark_uncollectible(_inv(world, rng, "open"))),
    (8, _buy),
    (5, _settle),
    (1, _abandon),
    (8, _refund_some),
    (3, lambda world, rng: world.fail_refund(_one(world, rng, "refunds"))),
    (3, lambda world, rng: world.finish_refund(_one(world, rng, "refunds", lambda each: each.status == "pending"))),
    (4, _dispute),
    (3, lambda world, rng: world.escalate_inquiry(_one(world, rng, "disputes"))),
    (4, _close_dispute),
]
_WEIGHTS: Final = [weight for weight, _ in _WEIGHTED]
_ACTIONS: Final = [action for _, action in _WEIGHTED]
