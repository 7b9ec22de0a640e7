"""What each of Stripe's events does (docs/billing.md has the table).

An event only says that something happened: with a key for Stripe's API the object is fetched anew and the event's own
copy is not looked at. Without a key the copy is used, under rules that bear any order of delivery.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from rmbg.domain.credits import SubscriptionStatus
from rmbg.domain.identifiers import is_user_id
from rmbg.domain.plans import Catalogue
from rmbg.domain.purchases import Dispute
from rmbg.domain.stripe_objects import (
    NotUnderstood,
    SubscriptionFacts,
    follows,
    invoice_period_start,
    invoice_subscription,
    metadata_user,
    purchased_pack,
    read_subscription,
    reference,
)
from rmbg.domain.subscriptions import InvoiceFacts, InvoiceState
from rmbg.observability import count_metric, logger
from rmbg.services.purchase_credits import PurchaseCredits
from rmbg.services.sync_subscription import HeardSubscription, SyncSubscriptions
from rmbg.storage import schema, stripe
from rmbg.storage.credits import text
from rmbg.storage.database import ConditionFailed, StoreUnavailable
from rmbg.storage.expressions import get, query
from rmbg.storage.store import Store
from rmbg.storage.stripe_api import StripeUnavailable

Object = Mapping[str, Any]

_RECORDED_ONLY: Final = frozenset({"customer.subscription.trial_will_end"})
_UNPAID: Final = frozenset({"checkout.session.async_payment_failed", "checkout.session.expired"})
_PAID: Final = frozenset({"paid", "no_payment_required"})
_FAILED: Final = "failed"
_WRITTEN_OFF: Final = frozenset({"void", "uncollectible"})
_V2_OBJECT: Final = "v2.core.event"
_MOST: Final = 99_999_999_999  # of the smallest unit; Stripe takes eight digits, some currencies twelve
_NO_CUSTOMER: Final = "-"  # where events are parked that name none


class Outcome(StrEnum):
    """What became of an event."""

    DONE = "done"
    IGNORED = "ignored"  # nothing to do: of a type or a mode that is not ours
    PARKED = "parked"  # kept, and applied when its customer is known or somebody replays it


class StripeObjects(Protocol):
    """Stripe's objects as they are now."""

    def fetch(self, kind: str, identifier: str) -> Object | None: ...


@dataclass(frozen=True, slots=True)
class Event:
    """An event of either version of Stripe's events."""

    id: str
    type: str
    created: int
    object: Object
    previous: Object | None
    livemode: bool


class _Unmapped(Exception):
    """Nobody knows yet whose the customer is."""

    def __init__(self, customer: str) -> None:
        super().__init__(customer)
        self.customer = customer


class ApplyStripeEvent:
    """Applies events, in any order and as often as they come. `clock` gives seconds since the epoch.

    `objects` None: payload mode. `livemode` None takes events of both modes.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        objects: StripeObjects | None,
        *,
        livemode: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._objects = objects
        self._livemode = livemode
        self._clock = clock
        self._subscriptions = SyncSubscriptions(store, catalogue, clock)
        self._purchases = PurchaseCredits(store, clock)
        self._replaying: set[str] = set()

    def apply(self, document: Object) -> Outcome:
        """Apply one event. Raises StoreUnavailable and StripeUnavailable: then it is to be delivered again."""
        event = read_event(document)
        seen = self._store.database.get(get(self._store.core, schema.stripe_event(event.id)))
        if seen is not None and text(seen, "state") == Outcome.DONE:
            return Outcome.DONE
        outcome, note = self._outcome(event, document)
        self._store.database.put(
            stripe.put_event(self._store.core, event.id, outcome.value, event.type, int(self._clock()), note)
        )
        logger.info("stripe event", event_type=event.type, event_id=event.id, outcome=outcome.value)
        return outcome

    def replay(self, customer: str = _NO_CUSTOMER) -> int:
        """Apply the events that are parked for a customer; how many are not parked any more."""
        if customer in self._replaying:  # one of these events names it again
            return 0
        self._replaying.add(customer)
        try:
            return self._replay(customer)
        finally:
            self._replaying.discard(customer)

    def _replay(self, customer: str) -> int:
        key = schema.customer(customer)
        prefix = schema.PARKED_PREFIX
        rows = self._store.database.query(query(self._store.core, key.pk, prefix, prefix + "~"))
        documents = sorted((json.loads(text(row, "body")) for row in rows), key=lambda it: read_event(it).created)
        settled = 0
        for document in documents:
            try:
                outcome = self.apply(document)
            except (StoreUnavailable, StripeUnavailable) as error:  # it stays, and is not in the way of the others
                logger.error("parked event failed", event_id=document.get("id"), cause=type(error).__name__)
                continue
            if outcome is not Outcome.PARKED:
                parked = schema.parked_event(customer, str(document["id"]))
                self._store.database.delete(stripe.delete(self._store.core, parked))
                settled += 1
        return settled

    def replay_all(self) -> tuple[int, int]:
        """Apply all parked events; how many there were, and how many are not parked any more."""
        rows = self._store.database.scan(stripe.all_parked(self._store.core))
        customers = {text(row, "pk").removeprefix(schema.CUSTOMER_PREFIX) for row in rows}
        return len(rows), sum(self.replay(customer) for customer in sorted(customers))

    def _outcome(self, event: Event, document: Object) -> tuple[Outcome, str]:
        if self._livemode is not None and event.livemode is not self._livemode:
            return Outcome.IGNORED, "livemode"
        try:
            return (Outcome.DONE if self._dispatch(event) else Outcome.IGNORED), ""
        except _Unmapped as unmapped:
            return self._park(event, document, unmapped.customer), "no user yet"
        except NotUnderstood as error:
            return self._set_aside(event, document, str(error))
        except (TypeError, ValueError, KeyError, AttributeError) as error:  # a member is of another type than Stripe's
            logger.exception("stripe event malformed", event_type=event.type, event_id=event.id)
            return self._set_aside(event, document, type(error).__name__)

    def _set_aside(self, event: Event, document: Object, why: str) -> tuple[Outcome, str]:
        count_metric("StripeEventParked")
        self._keep(event, document, _NO_CUSTOMER)
        return Outcome.PARKED, why

    def _dispatch(self, event: Event) -> bool:
        """Whether the event's type means anything to us."""
        kind = event.type
        if kind in _RECORDED_ONLY or kind in _UNPAID:
            return True
        if kind.startswith("customer.subscription."):
            self._subscription(event)
        elif kind in ("checkout.session.completed", "checkout.session.async_payment_succeeded"):
            self._checkout(event)
        elif kind in ("invoice.paid", "invoice.payment_succeeded", "invoice.payment_failed") or kind in (
            "invoice.voided",
            "invoice.marked_uncollectible",
        ):
            self._invoice(event)
        elif kind == "charge.refunded":
            self._refunded(event)
        elif kind in ("refund.failed", "refund.updated"):
            self._refund(event)
        elif kind in ("charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"):
            self._dispute(event)
        elif kind == "customer.deleted":
            self._customer_deleted(event)
        else:
            return False
        return True

    # --- subscriptions

    def _subscription(self, event: Event) -> None:
        version = self._version(event)
        subscription = self._current("subscription", event.object)
        self._hear_subscription(subscription, event, version)

    def _hear_subscription(self, subscription: Object, event: Event | None, version: int) -> str:
        """Merge a subscription; returns whose it is."""
        uid = self._user(subscription)
        heard = read_subscription(subscription, self._catalogue, version)
        if event is not None and event.type == "customer.subscription.deleted" and self._objects is None:
            heard = replace(heard, status=SubscriptionStatus.CANCELED)
        if self._is_deleted(heard.customer):
            heard = replace(heard, status=SubscriptionStatus.CANCELED)
        previous = event.previous if event is not None else None

        def comes_after(known: SubscriptionFacts) -> bool:
            return follows(known, previous, self._catalogue)

        self._subscriptions.hear(uid, [HeardSubscription(heard, self._objects is not None, comes_after)])
        return uid

    def _invoice(self, event: Event) -> None:
        version = self._version(event)
        invoice = self._current("invoice", event.object)
        subscription_id = invoice_subscription(invoice)
        if not subscription_id:
            return  # of something else than a plan
        state = _invoice_state(invoice, event)
        facts = InvoiceFacts(
            id=reference(invoice),
            subscription=subscription_id,
            state=state,
            period_start=invoice_period_start(invoice, self._catalogue) or 0,
            reason=str(invoice.get("billing_reason") or ""),
            failed_at=event.created if event.type == "invoice.payment_failed" else 0,
        )
        uid = self._user(invoice)
        self._subscriptions.hear(uid, invoices=[facts])
        if self._objects is not None:
            subscription = self._objects.fetch("subscription", subscription_id)
            if subscription is not None:
                self._hear_subscription(subscription, None, version)

    def _customer_deleted(self, event: Event) -> None:
        customer = reference(event.object)
        uid = self._mapped(customer)
        if not uid:
            raise _Unmapped(customer)
        try:
            self._store.database.update(stripe.customer_deleted(self._store.core, customer))
        except ConditionFailed:
            raise _Unmapped(customer) from None
        over = [
            HeardSubscription(replace(facts, status=SubscriptionStatus.CANCELED), fetched=False)
            for facts in self._subscriptions.subscriptions(uid)
            if facts.customer == customer and not facts.is_over
        ]
        self._subscriptions.hear(uid, over)

    # --- purchases

    def _checkout(self, event: Event) -> None:
        session = self._current("checkout.session", event.object)
        uid = self._user(session)
        if session.get("mode") == "subscription":
            if self._objects is not None and session.get("subscription"):
                version = self._version(event)
                subscription = self._objects.fetch("subscription", reference(session["subscription"]))
                if subscription is not None:
                    self._hear_subscription(subscription, None, version)
        elif session.get("mode") == "payment" and session.get("payment_status") in _PAID:
            pack = purchased_pack(session, self._catalogue)
            if pack is None:
                raise NotUnderstood("the session names no pack of the catalogue, or was for another price")
            amount = _amount(session, "amount_total")
            source_id = reference(session.get("payment_intent")) or reference(session)
            self._subscriptions.hear(uid)  # makes the account of a user who paid before their first request
            self._purchases.hear(uid, source_id, lambda known: known.paid(pack.credits, amount))

    def _refunded(self, event: Event) -> None:
        version = self._version(event)
        charge = self._current("charge", event.object)
        self._charge_refunded(charge, version, self._user(charge))

    def _charge_refunded(self, charge: Object, version: int, uid: str) -> None:
        if reference(charge.get("invoice")):
            return  # of a plan: its window is Stripe's to end
        refunded, amount = _amount(charge, "amount_refunded"), _amount(charge, "amount")
        if not refunded and charge.get("amount_refunded") != 0:
            raise NotUnderstood("the charge does not say what was refunded")
        exact = self._objects is not None
        self._purchases.hear(
            uid, _source(charge), lambda known: known.with_refunded(refunded, amount, version, exact=exact)
        )

    def _refund(self, event: Event) -> None:
        version = self._version(event)
        refund = self._current("refund", event.object)
        if refund.get("status") != _FAILED:
            return
        if self._objects is not None:
            charge = self._objects.fetch("charge", reference(refund.get("charge")))
            if charge is not None:
                self._charge_refunded(charge, version, self._user(charge))
            return
        uid = self._user(refund)
        amount, refund_id = _amount(refund, "amount"), reference(refund)
        self._purchases.hear(uid, _source(refund), lambda known: known.with_failed_refund(refund_id, amount, version))

    def _dispute(self, event: Event) -> None:
        dispute = self._current("dispute", event.object)
        status = str(dispute.get("status") or "")
        if status.startswith("warning_"):
            return
        # one that was prevented ends in a refund, which is told by itself
        state = {"won": Dispute.WON, "prevented": Dispute.WON, "lost": Dispute.LOST}.get(status, Dispute.OPEN)
        holder: Object = dispute
        if self._objects is not None:
            holder = self._objects.fetch("charge", reference(dispute.get("charge"))) or dispute
        uid = self._user(holder)
        dispute_id = reference(dispute)
        self._purchases.hear(uid, _source(dispute), lambda known: known.with_dispute(dispute_id, state))

    # --- whose, and what is known of it

    def _current(self, kind: str, told: Object) -> Object:
        """The object as it is now, or as it was told. Raises NotUnderstood for one without an id."""
        if not reference(told):
            raise NotUnderstood("the object has no id")
        if self._objects is None:
            if len(told) <= 2:  # a thin event: no more than an id
                raise NotUnderstood("a thin event needs a key for Stripe's API")
            return told
        fetched = self._objects.fetch(kind, reference(told))
        if fetched is not None:
            return fetched
        if len(told) <= 2:
            raise NotUnderstood("Stripe does not know the object any more")
        return told

    def _version(self, event: Event) -> int:
        """Milliseconds: of the fetch that follows, or of the event."""
        return int(self._clock() * 1000) if self._objects is not None else event.created * 1000

    def _user(self, holder: Object) -> str:
        """Whose an object is, remembered by all that it names. Raises _Unmapped; NotUnderstood if it names nothing."""
        given = holder.get("client_reference_id")
        uid = (given if isinstance(given, str) else "") or metadata_user(holder)
        if uid and not is_user_id(uid):
            raise NotUnderstood("what names the user is no user's id")
        names = _names(holder)
        if not (uid or names):
            raise NotUnderstood("neither a user nor a customer is named")
        uid = uid or next((known for name in names if (known := self._mapped(name))), "")
        if not uid:
            raise _Unmapped(names[0])
        for name in names:
            self._map(name, uid)
        return uid

    def _mapped(self, customer: str) -> str:
        row = self._store.database.get(get(self._store.core, schema.customer(customer)))
        return text(row, "uid") if row is not None else ""

    def _is_deleted(self, customer: str) -> bool:
        row = self._store.database.get(get(self._store.core, schema.customer(customer))) if customer else None
        return row is not None and row.get("deleted") is True

    def _map(self, customer: str, uid: str) -> None:
        """Remember whose a customer is; the first word counts. What was parked for it is applied.

        Looked for each time: whoever mapped it first may have failed in the middle.
        """
        with suppress(ConditionFailed):
            self._store.database.put(stripe.put_customer(self._store.core, customer, uid))
        self.replay(customer)

    def _park(self, event: Event, document: Object, customer: str) -> Outcome:
        self._keep(event, document, customer)
        if not self._mapped(customer):  # looked at after it was kept: whoever maps looks after it has mapped
            return Outcome.PARKED
        self._store.database.delete(stripe.delete(self._store.core, schema.parked_event(customer, event.id)))
        return self._outcome(event, document)[0]

    def _keep(self, event: Event, document: Object, customer: str) -> None:
        body = json.dumps(document, separators=(",", ":"))
        request = stripe.park_event(self._store.core, customer, event.id, body, int(self._clock()))
        self._store.database.put(request)


def read_event(document: Object) -> Event:
    """An event of version 1, or a thin one of version 2 (its type then begins with `v1.`)."""
    kind = str(document.get("type") or "")
    if document.get("object") == _V2_OBJECT:
        related = document.get("related_object")
        return Event(
            id=str(document.get("id") or ""),
            type=kind.removeprefix("v1."),
            created=_seconds(document.get("created")),
            object={"id": reference(related)},
            previous=None,
            livemode=document.get("livemode") is True,
        )
    data = document.get("data")
    data = data if isinstance(data, Mapping) else {}
    told, previous, created = data.get("object"), data.get("previous_attributes"), document.get("created")
    return Event(
        id=str(document.get("id") or ""),
        type=kind,
        created=created if isinstance(created, int) else 0,
        object=told if isinstance(told, Mapping) else {},
        previous=previous if isinstance(previous, Mapping) else None,
        livemode=document.get("livemode") is True,
    )


def _seconds(moment: Any) -> int:
    """Seconds since the epoch of a thin event's date and time (ISO 8601), 0 if it is none."""
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except (TypeError, ValueError):
        return 0


def _invoice_state(invoice: Object, event: Event) -> InvoiceState:
    status = str(invoice.get("status") or "")
    if status == "paid" or event.type in ("invoice.paid", "invoice.payment_succeeded"):
        return InvoiceState.PAID
    return InvoiceState.WRITTEN_OFF if status in _WRITTEN_OFF else InvoiceState.OPEN


def _names(holder: Object) -> list[str]:
    """What may lead to an object's user: its customer, its payment intent, its charge."""
    own = reference(holder) if holder.get("object") == "charge" else reference(holder.get("charge"))
    return [name for name in (reference(holder.get("customer")), reference(holder.get("payment_intent")), own) if name]


def _source(holder: Object) -> str:
    """What a purchase's line is called by: its payment intent, else the charge."""
    intent = reference(holder.get("payment_intent"))
    return intent or reference(holder.get("charge")) or reference(holder)


def _amount(holder: Object, key: str) -> int:
    value = holder.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST else 0
