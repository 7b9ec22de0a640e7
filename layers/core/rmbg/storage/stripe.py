"""What is kept of Stripe: facts (subscriptions, invoices, purchases), customers, events, and what follows for accounts.

All facts of a user are written in one transaction with the account, whose `srev` counts them: two workers that read the
same facts cannot both write what follows from them.
"""

from collections.abc import Mapping

from rmbg.domain.calendar import DAY_SECONDS, Interval, Period
from rmbg.domain.credits import SubscriptionStatus, Window
from rmbg.domain.plans import Plan
from rmbg.domain.purchases import Dispute, Purchase
from rmbg.domain.stripe_objects import SubscriptionFacts
from rmbg.domain.subscriptions import BillingState, InvoiceFacts, InvoiceState
from rmbg.storage import schema
from rmbg.storage.credits import integer, text
from rmbg.storage.database import Row
from rmbg.storage.expressions import Request, Value, aliases, attributes, key_attributes, put_if_absent, scan, update
from rmbg.storage.schema import Key

STRIPE_SOURCE = "stripe"
_BILLING = (
    "bps",
    "bpe",
    "sub_id",
    "sub_status",
    "anchor",
    "interval",
    "interval_count",
    "cancel_at_end",
    "grace_until",
)
_DISPUTE_PREFIX = "d#"
_FAILED_REFUND_PREFIX = "f#"


def put_subscription(table: str, uid: str, facts: SubscriptionFacts) -> Request:
    return _put(
        table,
        schema.subscription(uid, facts.id),
        {
            "customer": facts.customer,
            "status": facts.status.value,
            "plan": facts.plan,
            "inc": facts.included,
            "bps": facts.period.start,
            "bpe": facts.period.end,
            "anchor": facts.anchor,
            "interval": facts.interval.value,
            "interval_count": facts.interval_count,
            "cancel_at_end": facts.cancel_at_end,
            "created": facts.created,
            "sv": facts.version,
        },
    )


def read_subscription(row: Row) -> SubscriptionFacts:
    return SubscriptionFacts(
        id=text(row, "sk").removeprefix(schema.SUBSCRIPTION_PREFIX),
        customer=text(row, "customer"),
        status=SubscriptionStatus(text(row, "status")),
        plan=text(row, "plan"),
        included=integer(row, "inc"),
        period=Period(integer(row, "bps"), integer(row, "bpe")),
        anchor=integer(row, "anchor"),
        interval=Interval(text(row, "interval")),
        interval_count=integer(row, "interval_count"),
        cancel_at_end=row.get("cancel_at_end") is True,
        created=integer(row, "created"),
        version=integer(row, "sv"),
    )


def put_invoice(table: str, uid: str, facts: InvoiceFacts, now: int) -> Request:
    return _put(
        table,
        schema.invoice(uid, facts.id),
        {
            "subscription": facts.subscription,
            "state": facts.state.value,
            "start": facts.period_start,
            "reason": facts.reason,
            "failed_at": facts.failed_at,
            "ttl": now + schema.INVOICE_DAYS * DAY_SECONDS,
        },
    )


def read_invoice(row: Row) -> InvoiceFacts:
    return InvoiceFacts(
        id=text(row, "sk").removeprefix(schema.INVOICE_PREFIX),
        subscription=text(row, "subscription"),
        state=InvoiceState(text(row, "state")),
        period_start=integer(row, "start"),
        reason=text(row, "reason"),
        failed_at=integer(row, "failed_at"),
    )


def set_billing(table: str, uid: str, state: BillingState, free: Plan, revision: int) -> Request:
    """What follows for the account, if no other fact was written since `revision`."""
    facts = state.subscription
    values: dict[str, Value] = {"plan": free.name, "inc": free.included}
    if facts is not None:
        values = {
            "plan": facts.plan,
            "inc": facts.included,
            "bps": facts.period.start,
            "bpe": facts.period.end,
            "sub_id": facts.id,
            "sub_status": facts.status.value,
            "anchor": facts.anchor,
            "interval": facts.interval.value,
            "interval_count": facts.interval_count,
            "cancel_at_end": facts.cancel_at_end,
        }
        if state.grace_until is not None:
            values["grace_until"] = state.grace_until
    removed = [name for name in _BILLING if name not in values]
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values) + ", #srev = :next"
    if removed:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
    condition = "#srev = :revision" if revision else "attribute_exists(#pk) AND attribute_not_exists(#srev)"
    known: dict[str, Value] = {":next": revision + 1, **{f":{name}": value for name, value in values.items()}}
    names = aliases("srev", *values, *removed)
    if revision:
        known[":revision"] = revision
    else:
        names |= aliases("pk")
    return update(table, schema.account(uid), expression, condition=condition, names=names, values=known)


def sync_stripe_window(
    table: str,
    key: Key,
    *,
    period: Period,
    included: int,
    version: int,
    paid: bool,
    hold: bool,
    app: int = 0,
    api: int = 0,
) -> Request:
    """SYNC of a window that Stripe has told us of. `app` and `api` are taken over from another window, once."""
    expression = (
        "SET #inc = :n, #wstart = :s, #wend = :e, #sv = :v, #src = :src, "
        "#rem = :left - if_not_exists(#used, :zero), #used = if_not_exists(#used, :zero) + :taken, "
        "#app = if_not_exists(#app, :zero) + :app, #api = if_not_exists(#api, :zero) + :api, "
        "#infl = if_not_exists(#infl, :zero), #paid = :paid"
    )
    names = aliases("inc", "wstart", "wend", "sv", "src", "rem", "used", "app", "api", "infl", "paid", "hold")
    values: dict[str, Value] = {
        ":n": included,
        ":left": included - app - api,
        ":s": period.start,
        ":e": period.end,
        ":v": version,
        ":src": STRIPE_SOURCE,
        ":zero": 0,
        ":taken": app + api,
        ":app": app,
        ":api": api,
        ":paid": paid,
    }
    if hold:
        expression += ", #hold = :hold"
        values[":hold"] = True
    else:
        expression += " REMOVE #hold"
    return update(table, key, expression, condition="attribute_not_exists(#sv) OR #sv < :v", names=names, values=values)


def end_window(table: str, key: Key, end: int) -> Request:
    """A window ends earlier, because another began."""
    return update(
        table,
        key,
        "SET #wend = :end",
        condition="attribute_exists(#pk)",
        names=aliases("wend", "pk"),
        values={":end": end},
    )


def merge_provisional(table: str, key: Key, window: Window) -> Request:
    """A provisional window is over; its use counts in Stripe's. Fails if it is not what was seen any more."""
    return update(
        table,
        key,
        "SET #wend = :end, #merged = :merged",
        condition="attribute_not_exists(#merged) AND #used = :used AND #infl = :infl",
        names=aliases("wend", "merged", "used", "infl"),
        values={":end": window.period.start, ":merged": True, ":used": window.used, ":infl": window.in_flight},
    )


def merge_month(table: str, key: Key, window: Window, free: Plan, *, app: int, api: int) -> Request:
    """A month's use counts in Stripe's window, but for `app` and `api` that are open; what is left is the free plan's.

    The month's counters by channel stay. Fails if it is not what was seen any more.
    """
    return update(
        table,
        key,
        "SET #merged = :merged, #inc = :inc, #rem = :rem, #used = :open, #app = :app, #api = :api",
        condition="attribute_not_exists(#merged) AND #used = :used AND #infl = :infl",
        names=aliases("merged", "inc", "rem", "used", "app", "api", "infl"),
        values={
            ":merged": True,
            ":inc": free.included,
            ":rem": free.included - app - api,
            ":open": app + api,
            ":app": app,
            ":api": api,
            ":used": window.used,
            ":infl": window.in_flight,
        },
    )


def put_customer(table: str, customer_id: str, uid: str) -> Request:
    return put_if_absent(table, schema.customer(customer_id), {"uid": uid})


def customer_deleted(table: str, customer_id: str) -> Request:
    return update(
        table,
        schema.customer(customer_id),
        "SET #deleted = :deleted",
        condition="attribute_exists(#pk)",
        names=aliases("pk", "deleted"),
        values={":deleted": True},
    )


def put_event(table: str, event_id: str, state: str, event_type: str, now: int, note: str = "") -> Request:
    """What became of an event. Remembering it only saves work: results do not depend on it."""
    item: dict[str, Value] = {"state": state, "type": event_type, "at": now}
    item |= {"note": note, "ttl": now + schema.EVENT_DAYS * DAY_SECONDS}
    return _put(table, schema.stripe_event(event_id), item)


def park_event(table: str, customer_id: str, event_id: str, body: str, now: int) -> Request:
    """Keep an event until its customer is known, or somebody replays it."""
    return _put(table, schema.parked_event(customer_id, event_id), {"body": body, "at": now})


def all_parked(table: str) -> Request:
    """Every parked event there is."""
    names = aliases("pk", "sk")
    values: dict[str, Value] = {":customer": schema.CUSTOMER_PREFIX, ":parked": schema.PARKED_PREFIX}
    return scan(table, "begins_with(#pk, :customer) AND begins_with(#sk, :parked)", names=names, values=values)


def all_customers(table: str) -> Request:
    """Every customer of Stripe's whose user is known; payment intents and charges lead to users in the same way."""
    names = aliases("pk", "sk")
    values: dict[str, Value] = {":customer": f"{schema.CUSTOMER_PREFIX}cus_", ":map": "MAP"}
    return scan(table, "begins_with(#pk, :customer) AND #sk = :map", names=names, values=values)


def delete(table: str, key: Key) -> Request:
    return {"TableName": table, "Key": key_attributes(key)}


def put_purchase(table: str, uid: str, source_id: str, purchase: Purchase, now: int) -> Request:
    """A purchase's line in the ledger, if nobody has written it since it was read."""
    item: dict[str, Value] = {
        "credits": purchase.credits,
        "amount": purchase.amount,
        "refunded": purchase.refunded,
        "rv": purchase.refund_version,
        "applied": purchase.worth,
        "rev": purchase.revision + 1,
        "actor": "stripe",
        "reason": "",
        "at": now,
    }
    item |= {_DISPUTE_PREFIX + name: state.value for name, state in purchase.disputes.items()}
    item |= {_FAILED_REFUND_PREFIX + name: f"{amount}|{at}" for name, (amount, at) in purchase.failed_refunds.items()}
    request = _put(table, schema.ledger(uid, "pack", source_id), item)
    request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if purchase.revision:
        request["ConditionExpression"] = "#rev = :rev"
        request["ExpressionAttributeNames"] = aliases("rev")
        request["ExpressionAttributeValues"] = attributes({":rev": purchase.revision})
    else:
        request["ConditionExpression"] = "attribute_not_exists(#pk)"
        request["ExpressionAttributeNames"] = aliases("pk")
    return request


def read_purchase(row: Row | None) -> Purchase:
    if row is None:
        return Purchase()
    return Purchase(
        credits=integer(row, "credits"),
        amount=integer(row, "amount"),
        refunded=integer(row, "refunded"),
        refund_version=integer(row, "rv"),
        failed_refunds={name: _amount_at(value) for name, value in _prefixed(row, _FAILED_REFUND_PREFIX).items()},
        disputes={name: Dispute(str(state)) for name, state in _prefixed(row, _DISPUTE_PREFIX).items()},
        applied=integer(row, "applied"),
        revision=integer(row, "rev"),
    )


def _amount_at(value: Value) -> tuple[int, int]:
    amount, at = str(value).split("|")
    return int(amount), int(at)


def _prefixed(row: Row, prefix: str) -> Mapping[str, Value]:
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}


def _put(table: str, key: Key, item: Mapping[str, Value]) -> Request:
    return {"TableName": table, "Item": {**key_attributes(key), **attributes(item)}}
