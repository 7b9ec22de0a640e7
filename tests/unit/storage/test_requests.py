"""Every request to DynamoDB, as AWS takes it: the emulators allow more.

Each name is aliased, for dozens are reserved words; conditions have no arithmetic; no alias and no value may be given
that is not used; key attributes are texts.
"""

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from rmbg.domain.calendar import Interval, Period
from rmbg.domain.credits import (
    Account,
    ApiKey,
    Bucket,
    Channel,
    Reservation,
    SubscriptionStatus,
    Window,
    WindowKind,
)
from rmbg.domain.gcra import Gcra
from rmbg.domain.jobs import Job, JobResult, JobStatus
from rmbg.domain.keys import MAX_LIVE_KEYS
from rmbg.domain.plans import Plan, RateLimit
from rmbg.domain.purchases import Dispute, Purchase
from rmbg.domain.stripe_objects import SubscriptionFacts
from rmbg.domain.subscriptions import BillingState, InvoiceFacts, InvoiceState
from rmbg.storage import accounts, credits, expressions, jobs, limits, schema, stripe
from rmbg.storage.expressions import Request

TABLE = "table"
KEY = schema.account("somebody")
PERIOD = Period(1_790_000_000, 1_792_592_000)
RESERVATION = Reservation("0123456789abcdefABCDEF", 1_790_000_056, Channel.API, "202611")
API_KEY = ApiKey("key_0123456789abcdef", "rmbg_live_abcd", 1_790_000_000)
ACCOUNT = Account("somebody", "a@b.example", True, "Free", 50)

FREE = Plan("Free", 50, RateLimit(10, 1), 4)
FACTS = SubscriptionFacts(
    id="sub_1",
    customer="cus_1",
    status=SubscriptionStatus.ACTIVE,
    plan="Demo",
    included=18_500,
    period=PERIOD,
    anchor=PERIOD.start,
    interval=Interval.MONTH,
    interval_count=1,
    cancel_at_end=False,
    created=PERIOD.start,
    version=1,
)
WINDOW = Window(WindowKind.MONTH, PERIOD, 50, used=3, app=1, api=2)
PURCHASE = Purchase(2000, 1000, 10, 1, {"re_1": (5, 1)}, {"dp_1": Dispute.OPEN}, 1900, 4)

JOB = Job(
    id="job_" + "0" * 22,
    uid="somebody",
    status=JobStatus.WAITING,
    fields={"w": "8"},
    filename="ü.jpg",
    channel=Channel.API,
    created_at=1,
    expires_at=2,
    ends_at=3,
)

REQUESTS: dict[str, Request] = {
    "stripe.put_subscription": stripe.put_subscription(TABLE, "somebody", FACTS),
    "stripe.put_invoice": stripe.put_invoice(
        TABLE, "somebody", InvoiceFacts("in_1", "sub_1", InvoiceState.PAID, PERIOD.start), 1
    ),
    "stripe.set_billing, the first": stripe.set_billing(TABLE, "somebody", BillingState(FACTS), FREE, 0),
    "stripe.set_billing, in grace": stripe.set_billing(TABLE, "somebody", BillingState(FACTS, grace_until=1), FREE, 7),
    "stripe.set_billing, none": stripe.set_billing(TABLE, "somebody", BillingState(None), FREE, 7),
    "stripe.sync_stripe_window": stripe.sync_stripe_window(
        TABLE, KEY, period=PERIOD, included=50, version=1, paid=True, hold=False, app=1, api=2
    ),
    "stripe.sync_stripe_window, held": stripe.sync_stripe_window(
        TABLE, KEY, period=PERIOD, included=50, version=1, paid=False, hold=True
    ),
    "stripe.end_window": stripe.end_window(TABLE, KEY, 1),
    "stripe.merge_provisional": stripe.merge_provisional(TABLE, KEY, WINDOW),
    "stripe.merge_month": stripe.merge_month(TABLE, KEY, WINDOW, FREE, app=1, api=0),
    "stripe.put_customer": stripe.put_customer(TABLE, "cus_1", "somebody"),
    "stripe.customer_deleted": stripe.customer_deleted(TABLE, "cus_1"),
    "stripe.put_event": stripe.put_event(TABLE, "evt_1", "done", "invoice.paid", 1),
    "stripe.park_event": stripe.park_event(TABLE, "cus_1", "evt_1", "{}", 1),
    "stripe.all_parked": stripe.all_parked(TABLE),
    "stripe.all_customers": stripe.all_customers(TABLE),
    "stripe.delete": stripe.delete(TABLE, KEY),
    "stripe.put_purchase, the first": stripe.put_purchase(TABLE, "somebody", "pi_1", Purchase(), 1),
    "stripe.put_purchase": stripe.put_purchase(TABLE, "somebody", "pi_1", PURCHASE, 1),
    "credits.reserve_included": credits.reserve_included(TABLE, KEY, RESERVATION, now=1, max_in_flight=14),
    "credits.reserve_included, of a queue": credits.reserve_included(
        TABLE, KEY, RESERVATION, now=1, max_in_flight=None
    ),
    "credits.reserve_prepaid": credits.reserve_prepaid(TABLE, KEY, RESERVATION, max_in_flight=14),
    "credits.reserve_prepaid, of a queue": credits.reserve_prepaid(TABLE, KEY, RESERVATION, max_in_flight=None),
    "credits.commit": credits.commit(TABLE, KEY, RESERVATION),
    "credits.refund, included": credits.refund(TABLE, KEY, RESERVATION, Bucket.INCLUDED),
    "credits.refund, prepaid": credits.refund(TABLE, KEY, RESERVATION, Bucket.PREPAID),
    "credits.refund, included, swept": credits.refund(TABLE, KEY, RESERVATION, Bucket.INCLUDED, sweep=True),
    "credits.refund, prepaid, swept": credits.refund(TABLE, KEY, RESERVATION, Bucket.PREPAID, sweep=True),
    "credits.sync_window": credits.sync_window(TABLE, KEY, period=PERIOD, included=50, version=0, source="month"),
    "credits.add_prepaid": credits.add_prepaid(TABLE, KEY, -7),
    "accounts.create": accounts.create(TABLE, ACCOUNT),
    "accounts.verify_email": accounts.verify_email(TABLE, "somebody"),
    "accounts.suspend": accounts.suspend(TABLE, "somebody", suspended=True),
    "accounts.set_plan": accounts.set_plan(TABLE, "somebody", "Free", 50),
    "accounts.add_key": accounts.add_key(TABLE, "somebody", API_KEY),
    "accounts.remove_key": accounts.remove_key(TABLE, "somebody", API_KEY.id),
    "accounts.replace_keys, none": accounts.replace_keys(TABLE, "somebody", API_KEY, ()),
    "accounts.replace_keys, one": accounts.replace_keys(TABLE, "somebody", API_KEY, ("key_1",)),
    "accounts.replace_keys, all": accounts.replace_keys(
        TABLE, "somebody", API_KEY, tuple(f"key_{index}" for index in range(MAX_LIVE_KEYS))
    ),
    "accounts.key_used": accounts.key_used(TABLE, "somebody", API_KEY.id, "2026-11-10"),
    "accounts.put_key": accounts.put_key(TABLE, "0" * 64, "somebody", API_KEY),
    "accounts.put_key_id": accounts.put_key_id(TABLE, API_KEY, "somebody"),
    "accounts.put_ledger": accounts.put_ledger(
        TABLE, "somebody", "credits-grant", "op", amount=-7, actor="operator", reason="", at=1
    ),
    "limits.rate_when_idle": limits.rate_when_idle(TABLE, KEY, Gcra(1000, 10), 1),
    "limits.rate_when_busy": limits.rate_when_busy(TABLE, KEY, Gcra(1000, 10), 1),
    "limits.count_anonymous": limits.count_anonymous(TABLE, KEY, 5, 1),
    "limits.uncount_anonymous": limits.uncount_anonymous(TABLE, KEY),
    "limits.put_salt": limits.put_salt(TABLE, KEY, "salt", 1),
    "limits.start_idempotent": limits.start_idempotent(
        TABLE, KEY, fingerprint="f", owner="o", lease_until=2, expires_at=3, now=1
    ),
    "limits.replay_idempotent": limits.replay_idempotent(TABLE, KEY, fingerprint="f", replayer="o", max_replays=3),
    "limits.finish_idempotent": limits.finish_idempotent(TABLE, KEY, owner="o"),
    "limits.abandon_idempotent": limits.abandon_idempotent(TABLE, KEY, owner="o"),
    "jobs.create": jobs.create(TABLE, JOB),
    "jobs.claim_key": jobs.claim_key(TABLE, KEY, fingerprint="f", job_id=JOB.id, expires_at=2, now=1),
    "jobs.renew": jobs.renew(TABLE, "somebody", JOB.id, expires_at=2, ends_at=3),
    "jobs.begin": jobs.begin(TABLE, "somebody", JOB.id, now=1),
    "jobs.finish": jobs.finish(TABLE, "somebody", JOB.id, JobResult("key", "image/webp", 4, 3, 2), now=1),
    "jobs.fail": jobs.fail(TABLE, "somebody", JOB.id, {"error": "no", "status": 400}),
    "jobs.put_done": jobs.put_done(TABLE, "somebody", JOB.id, owner="o", result_key="key", now=1_790_000_000),
    "expressions.get": expressions.get(TABLE, KEY),
    "expressions.query": expressions.query(TABLE, KEY.pk, "W#", "W#~"),
}

EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
)
# Facts are written under the account's revision, in its transaction; the rest may be written as often as one likes.
UNCONDITIONAL = {
    "stripe.put_subscription",
    "stripe.put_invoice",
    "stripe.put_event",
    "stripe.park_event",
    "stripe.delete",
}
KEYWORDS = {"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}
FUNCTIONS = {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "if_not_exists"}
TOKEN = re.compile(r"\s*([#:]?[A-Za-z_][A-Za-z0-9_]*|<>|<=|>=|[=<>,()+-])")

each_request = pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())


def _tokens(expression: str) -> Iterator[str]:
    expression = expression.strip()
    at = 0
    while at < len(expression):
        match = TOKEN.match(expression, at)
        assert match is not None, f"what is this: {expression[at:]}"
        yield match[1]
        at = match.end()


def _all_tokens(request: Request) -> list[str]:
    return [token for name in EXPRESSIONS for token in _tokens(request.get(name, ""))]


def _builders(module: ModuleType) -> set[str]:
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and "table" in inspect.signature(function).parameters
    }


def test_every_request_is_looked_at() -> None:
    generic = {"expressions.update", "expressions.put_if_absent", "expressions.scan"}
    known = {name.partition(",")[0] for name in REQUESTS}
    assert set().union(*map(_builders, (accounts, credits, jobs, limits, stripe, expressions))) - generic == known


@each_request
def test_every_attribute_is_aliased(request_: Request) -> None:
    for token in _all_tokens(request_):
        if token[0].isalpha():
            assert token in KEYWORDS | FUNCTIONS


@each_request
def test_conditions_have_no_arithmetic(request_: Request) -> None:
    for name in ("ConditionExpression", "KeyConditionExpression"):
        assert not {"+", "-"} & set(_tokens(request_.get(name, "")))


@each_request
def test_every_alias_and_value_is_given_and_used(request_: Request) -> None:
    tokens = _all_tokens(request_)
    assert {token for token in tokens if token[0] == "#"} == set(request_.get("ExpressionAttributeNames", {}))
    assert {token for token in tokens if token[0] == ":"} == set(request_.get("ExpressionAttributeValues", {}))
    for name in ("ExpressionAttributeNames", "ExpressionAttributeValues", *EXPRESSIONS):
        assert request_.get(name, "absent"), f"{name} must not be empty"


@each_request
def test_no_attribute_is_written_twice_in_one_update(request_: Request) -> None:
    names = request_.get("ExpressionAttributeNames", {})
    expression = request_.get("UpdateExpression", "")
    sets, _, removes = expression.removeprefix("SET ").partition(" REMOVE ")
    written = [part.split(" = ")[0].strip() for part in re.split(r",\s*(?=#\w+ =)", sets) if part]
    written += [part.strip() for part in removes.split(",") if part]
    paths = [names[alias] for alias in written]
    assert len(paths) == len(set(paths))
    assert not {"pk", "sk"} & set(paths)


@each_request
def test_keys_are_texts_and_numbers_are_whole(request_: Request) -> None:
    item = request_.get("Item", {})
    key: dict[str, Any] = request_.get("Key") or {name: item[name] for name in ("pk", "sk") if name in item}
    values = [*request_.get("ExpressionAttributeValues", {}).values(), *item.values()]
    if not {"KeyConditionExpression", "FilterExpression"} & set(request_):
        assert set(key) == {"pk", "sk"}
    for attribute in (*key.values(), *values):
        ((kind, content),) = attribute.items()
        match kind:
            case "N":
                assert re.fullmatch(r"-?\d{1,18}", content)
            case "S":
                assert isinstance(content, str)
            case _:
                assert (kind, type(content)) == ("BOOL", bool)
    assert all(content for attribute in key.values() for kind, content in attribute.items() if kind == "S")
    assert all(set(attribute) == {"S"} for attribute in key.values())


@each_request
def test_every_write_has_a_condition_and_tells_what_was_there(request_: Request) -> None:
    if any(request_ is REQUESTS[name] for name in UNCONDITIONAL):
        assert "ConditionExpression" not in request_
        return
    if {"UpdateExpression", "Item"} & set(request_) or "ReturnValues" in request_:
        assert request_["ConditionExpression"]
        assert request_["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    else:
        assert request_["ConsistentRead"] is True


@each_request
def test_the_sdk_knows_every_parameter(request_: Request) -> None:
    import botocore.session
    from botocore.validate import ParamValidator

    if "UpdateExpression" in request_:
        operation = "UpdateItem"
    elif "Item" in request_:
        operation = "PutItem"
    elif "KeyConditionExpression" in request_:
        operation = "Query"
    elif "FilterExpression" in request_:
        operation = "Scan"
    else:
        operation = "DeleteItem" if "ConditionExpression" in request_ else "GetItem"
    model = botocore.session.Session().get_service_model("dynamodb").operation_model(operation)
    report = ParamValidator().validate(request_, model.input_shape)
    assert not report.has_errors(), report.generate_report()


def test_a_deletion_asks_for_no_new_item() -> None:
    request = REQUESTS["limits.abandon_idempotent"]
    assert "UpdateExpression" not in request
    assert request["ReturnValues"] == "NONE"


def test_the_largest_rotation_is_within_the_limits_of_an_expression() -> None:
    request = REQUESTS["accounts.replace_keys, all"]
    assert len(request["ConditionExpression"]) <= 4096
    assert len(request["UpdateExpression"]) <= 4096
    operators = [token for token in _all_tokens(request) if token in {"AND", "OR", "=", "<", "<=", "+", "-", ","}]
    operators += [token for token in _all_tokens(request) if token in FUNCTIONS]
    assert len(operators) <= 300


@pytest.mark.parametrize("channel", list(Channel))
def test_a_window_with_14_pictures_in_flight_is_within_one_kilobyte(channel: Channel) -> None:
    row: dict[str, Any] = {"pk": f"U#{'u' * 36}", "sk": "W#1790000000#S", "src": "renewal", "hold": "unpaid"}
    row |= dict.fromkeys(("inc", "used", "rem", "app", "api", "infl", "wstart", "wend", "sv", "paid"), 1_790_000_000)
    row |= {f"m20261{month}_{each}": 20_000 for month in (1, 2) for each in Channel}
    for index in range(14):
        reservation = Reservation(f"{index:022d}", 1_790_000_000, channel, "202611")
        row[schema.RESERVATION_PREFIX + reservation.id] = reservation.text
    size = sum(len(name) + (len(value) if isinstance(value, str) else 7) for name, value in row.items())
    assert size <= 1024


@pytest.mark.parametrize("value", [0, -7, 10**15, True, False, "", "text", "1"])
def test_values_come_back_as_they_were(value: expressions.Value) -> None:
    back = expressions.plain(expressions.attributes({"name": value}))["name"]
    assert (back, type(back)) == (value, type(value))
