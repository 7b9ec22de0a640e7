"""Reading Stripe's objects, in both of their shapes."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from rmbg.config import load_catalogue
from rmbg.domain.calendar import Interval, Period
from rmbg.domain.credits import SubscriptionStatus
from rmbg.domain.plans import parse_catalogue
from rmbg.domain.stripe_objects import (
    NotUnderstood,
    follows,
    invoice_period_start,
    invoice_subscription,
    metadata_user,
    preferred,
    purchased_pack,
    read_subscription,
    reference,
)
from rmbg.services.apply_stripe_event import read_event
from tools.stripe_events import make
from tools.stripe_events.make import Price, Shape

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "events" / "stripe").glob("*.json"))
CATALOGUE = load_catalogue("")
PREMIUM, DEMO = "price_premium_20000_month", "price_demo_month"
START, END = 1_794_306_600, 1_796_898_600
PERIOD = (START, END)
BOTH = pytest.mark.parametrize("shape", list(Shape))

Object = dict[str, Any]


def subscription(**facts: Any) -> Object:
    return make.subscription("sub_1", **{"customer": "cus_1", "price": PREMIUM, "period": PERIOD, **facts})


def invoice(**facts: Any) -> Object:
    given = {"customer": "cus_1", "subscription": "sub_1", "price": PREMIUM, "period": PERIOD, **facts}
    return make.invoice("in_1", **given)


def item(name: str, price: Price | str, period: tuple[int, int] = PERIOD, **facts: Any) -> Object:
    return make.subscription_item(name, subscription="sub_1", price=price, period=period, **facts)


# --- the committed samples


def sample(name: str) -> Object:
    document: Object = json.loads((ROOT / "events" / "stripe" / f"{name}.json").read_text(encoding="utf-8"))
    return document


def of(prefix: str) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in FILES if path.name.startswith(prefix)]


def test_there_are_samples() -> None:
    assert len(FILES) > 40


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in FILES])
def test_every_sample_is_an_event(path: Path) -> None:
    event = read_event(json.loads(path.read_text(encoding="utf-8")))
    assert event.id == "evt_sample"
    assert path.stem.removeprefix("v1.").startswith(event.type)
    assert reference(event.object)
    assert event.livemode is False


@pytest.mark.parametrize("path", of("customer.subscription."))
def test_every_sample_of_a_subscription_is_read(path: Path) -> None:
    event = read_event(json.loads(path.read_text(encoding="utf-8")))
    facts = read_subscription(event.object, CATALOGUE, 7)
    assert facts.id == "sub_sample"
    assert facts.customer == "cus_sample"
    assert facts.plan in ("Premium-20000", "Demo")
    assert facts.period.start < facts.period.end
    assert facts.interval is Interval.MONTH
    assert facts.version == 7
    assert facts.is_over is (event.type == "customer.subscription.deleted")
    assert metadata_user(event.object) == "usr_sample"


@pytest.mark.parametrize("path", of("invoice."))
def test_every_sample_of_an_invoice_is_read(path: Path) -> None:
    event = read_event(json.loads(path.read_text(encoding="utf-8")))
    assert invoice_subscription(event.object) == "sub_sample"
    assert invoice_period_start(event.object, CATALOGUE)
    assert metadata_user(event.object) == "usr_sample"


@pytest.mark.parametrize("kind", ["customer.subscription.updated", "customer.subscription.deleted"])
def test_both_shapes_of_a_sample_say_the_same(kind: str) -> None:
    current, older = (read_event(sample(name)).object for name in (kind, f"{kind}.2024-06-20"))
    assert "current_period_start" not in current
    assert "current_period_start" in older
    assert read_subscription(current, CATALOGUE, 1) == read_subscription(older, CATALOGUE, 1)


@pytest.mark.parametrize("name", ["checkout.session.completed", "checkout.session.completed.2024-06-20"])
def test_the_sample_of_a_purchase_names_its_pack(name: str) -> None:
    pack = purchased_pack(read_event(sample(name)).object, CATALOGUE)
    assert pack is not None
    assert (pack.id, pack.credits) == ("pack_2000", 2000)


# --- subscriptions


@BOTH
def test_a_subscription(shape: Shape) -> None:
    facts = read_subscription(subscription(shape=shape, created=5, anchor=START + 9), CATALOGUE, 3)
    assert facts.status is SubscriptionStatus.ACTIVE
    assert (facts.plan, facts.included, facts.period) == ("Premium-20000", 20000, Period(START, END))
    assert (facts.created, facts.anchor, facts.version) == (5, START + 9, 3)
    assert not facts.cancel_at_end


@BOTH
@pytest.mark.parametrize("status", list(SubscriptionStatus))
def test_every_status(shape: Shape, status: SubscriptionStatus) -> None:
    facts = read_subscription(subscription(shape=shape, status=status.value), CATALOGUE, 1)
    assert facts.status is status
    assert facts.is_over is (status.value in ("canceled", "incomplete_expired"))


@BOTH
@pytest.mark.parametrize("status", ["", "ACTIVE", "ended", None, 1, ["active"]])
def test_a_status_that_nobody_knows(shape: Shape, status: Any) -> None:
    subject = subscription(shape=shape)
    subject["status"] = status
    with pytest.raises(NotUnderstood):
        read_subscription(subject, CATALOGUE, 1)


@BOTH
@pytest.mark.parametrize("place", [0, 1, 2])
def test_ours_of_several_items_wherever_it_stands(shape: Shape, place: int) -> None:
    """The others' periods are their own: since 2025-03-31 the items of one subscription may differ."""
    items = [item("si_a", "price_support", (1, 2), shape=shape), item("si_b", "price_seats", (3, 4), shape=shape)]
    items.insert(place, item("si_c", PREMIUM, shape=shape))
    facts = read_subscription(subscription(items=items, shape=shape), CATALOGUE, 1)
    assert (facts.plan, facts.period) == ("Premium-20000", Period(START, END))


@BOTH
@pytest.mark.parametrize("prices", [[], ["price_other"], ["price_other", "price_pack_2000"]])
def test_no_price_of_ours(shape: Shape, prices: list[str]) -> None:
    items = [item(f"si_{price}", price, shape=shape) for price in prices]
    with pytest.raises(NotUnderstood, match="price"):
        read_subscription(subscription(items=items, shape=shape), CATALOGUE, 1)


@BOTH
def test_no_period_anywhere(shape: Shape) -> None:
    subject = subscription(shape=shape)
    for holder in (subject, subject["items"]["data"][0]):
        holder.pop("current_period_start", None)
        holder.pop("current_period_end", None)
    with pytest.raises(NotUnderstood, match="period"):
        read_subscription(subject, CATALOGUE, 1)


@pytest.mark.parametrize("bounds", [(None, END), (START, None), (END, START), (START, START), (-1, END), ("1", "2")])
def test_periods_that_are_none(bounds: tuple[Any, Any]) -> None:
    subject = subscription(shape=Shape.BEFORE_2025_03_31)
    subject["current_period_start"], subject["current_period_end"] = bounds
    with pytest.raises(NotUnderstood, match="period"):
        read_subscription(subject, CATALOGUE, 1)


def test_an_items_period_comes_before_the_subscriptions() -> None:
    subject = subscription()
    subject["current_period_start"], subject["current_period_end"] = 1, 2
    assert read_subscription(subject, CATALOGUE, 1).period == Period(START, END)


@BOTH
def test_expanded_references_are_as_good(shape: Shape) -> None:
    subject = subscription(shape=shape)
    subject["customer"] = {"id": "cus_1", "object": "customer", "email": "x"}
    assert read_subscription(subject, CATALOGUE, 1).customer == "cus_1"


@BOTH
def test_an_item_with_a_plan_and_no_price(shape: Shape) -> None:
    subject = subscription(shape=shape)
    del subject["items"]["data"][0]["price"]
    assert read_subscription(subject, CATALOGUE, 1).plan == "Premium-20000"


@BOTH
@pytest.mark.parametrize(("interval", "count"), [("day", 10), ("week", 2), ("month", 3), ("year", 1)])
def test_intervals(shape: Shape, interval: Any, count: int) -> None:
    price = Price(PREMIUM, 1, interval, count)
    facts = read_subscription(subscription(price=price, shape=shape), CATALOGUE, 1)
    assert (facts.interval, facts.interval_count) == (Interval(interval), count)


@BOTH
def test_cancelling_at_the_end(shape: Shape) -> None:
    def cancels(**facts: Any) -> bool:
        return read_subscription(subscription(shape=shape, **facts), CATALOGUE, 1).cancel_at_end

    assert cancels(cancel_at_period_end=True)
    assert cancels(cancel_at=END)
    assert cancels(cancel_at=END - 5)
    assert not cancels(cancel_at=END + 1)
    assert not cancels()


@pytest.mark.parametrize("items", [None, {}, {"data": None}, {"data": "x"}, {"data": [None, 1, "x"]}, "si_1", 5])
def test_items_that_are_none(items: Any) -> None:
    subject = subscription()
    subject["items"] = items
    with pytest.raises(NotUnderstood):
        read_subscription(subject, CATALOGUE, 1)


# --- invoices


@BOTH
def test_an_invoice_of_a_subscription(shape: Shape) -> None:
    subject = invoice(shape=shape, user="usr_1")
    assert invoice_subscription(subject) == "sub_1"
    assert invoice_period_start(subject, CATALOGUE) == START
    assert metadata_user(subject) == "usr_1"


@BOTH
def test_an_invoice_of_something_else(shape: Shape) -> None:
    subject = invoice(shape=shape, subscription=None, price="price_other")
    assert invoice_subscription(subject) == ""
    assert invoice_period_start(subject, CATALOGUE) is None


def line(name: str, price: str, start: int, *, proration: bool = False, shape: Shape) -> Object:
    return make.invoice_line(
        name,
        invoice="in_1",
        subscription="sub_1",
        price=price,
        period=(start, END),
        proration=proration,
        shape=shape,
    )


@BOTH
def test_the_line_of_our_plan_counts_and_no_other(shape: Shape) -> None:
    lines = [
        line("il_1", "price_other", START + 500, shape=shape),
        line("il_2", PREMIUM, START, shape=shape),
        line("il_3", "price_support", START - 500, shape=shape),
    ]
    assert invoice_period_start(invoice(lines=lines, shape=shape), CATALOGUE) == START


@BOTH
def test_prorations_pay_for_no_period(shape: Shape) -> None:
    """Of a change within the period that was added to the renewal's draft, too."""
    lines = [
        line("il_1", DEMO, START + 600, proration=True, shape=shape),
        line("il_2", PREMIUM, START, shape=shape),
        line("il_3", PREMIUM, START + 600, proration=True, shape=shape),
    ]
    assert invoice_period_start(invoice(lines=lines, shape=shape), CATALOGUE) == START
    assert invoice_period_start(invoice(lines=lines[::2], shape=shape), CATALOGUE) is None


# --- packs


def session(**facts: Any) -> Object:
    return make.checkout_session("cs_1", customer=None, created=START, **facts)


@pytest.mark.parametrize(
    ("pack", "prices", "found"),
    [
        ("pack_2000", None, True),
        ("pack_2000", ["price_pack_2000"], True),
        ("pack_2000", ["price_other", "price_pack_2000"], True),
        ("pack_2000", ["price_other"], False),
        ("pack_1", None, False),
        (None, None, False),
        (None, ["price_pack_2000"], False),
    ],
)
def test_a_pack_by_its_metadata_held_against_the_line_items(
    pack: str | None, prices: list[str] | None, found: bool
) -> None:
    assert (purchased_pack(session(pack=pack, line_items=prices), CATALOGUE) is not None) is found


@pytest.mark.parametrize("metadata", [None, [], {}, {"rmbg_pack": None}, {"rmbg_pack": 1}, {"rmbg_pack": ["x"]}])
def test_metadata_that_name_no_pack(metadata: Any) -> None:
    subject = session()
    subject["metadata"] = metadata
    assert purchased_pack(subject, CATALOGUE) is None
    assert metadata_user(subject) == ""


@pytest.mark.parametrize(
    ("value", "expected"), [("x", "x"), ({"id": "x"}, "x"), ({"id": 1}, ""), (None, ""), (5, ""), ({}, ""), ([], "")]
)
def test_references(value: Any, expected: str) -> None:
    assert reference(value) == expected


# --- what followed what


@BOTH
def test_an_event_follows_the_state_that_it_says_it_changed(shape: Shape) -> None:
    before = subscription(shape=shape, price=DEMO)
    after = subscription(shape=shape, cancel_at_period_end=True)
    previous = make.changes(before, after)
    assert follows(read_subscription(before, CATALOGUE, 1), previous, CATALOGUE)
    assert not follows(read_subscription(after, CATALOGUE, 1), previous, CATALOGUE)
    assert not follows(read_subscription(before, CATALOGUE, 1), None, CATALOGUE)
    assert not follows(read_subscription(before, CATALOGUE, 1), {}, CATALOGUE)


@BOTH
def test_a_period_that_was(shape: Shape) -> None:
    before, after = subscription(shape=shape), subscription(shape=shape, period=(END, END + 9))
    previous = make.changes(before, after)
    assert follows(read_subscription(before, CATALOGUE, 1), previous, CATALOGUE)
    assert not follows(read_subscription(after, CATALOGUE, 1), previous, CATALOGUE)


# --- of several subscriptions


def facts(name: str, **given: Any) -> Any:
    subject = subscription(**given)
    subject["id"] = name
    return read_subscription(subject, CATALOGUE, 1)


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"status": "past_due"}, {"status": "active", "price": DEMO}),
        ({"status": "past_due"}, {"status": "trialing", "price": DEMO}),
        ({"status": "unpaid"}, {"status": "past_due", "price": DEMO}),
        ({"status": "paused"}, {"status": "past_due", "price": DEMO}),
        ({"status": "incomplete"}, {"status": "past_due", "price": DEMO}),
        ({"status": "canceled"}, {"status": "unpaid", "price": DEMO}),
        ({"status": "incomplete"}, {"status": "paused", "price": DEMO}),
        ({"price": DEMO, "created": 9}, {"created": 1}),
        ({"created": 1}, {"created": 2}),
        ({"status": "active", "created": 1}, {"status": "trialing", "created": 2}),
    ],
)
def test_the_subscription_that_counts(worse: Object, better: Object) -> None:
    one, other = facts("sub_1", **worse), facts("sub_0", **better)
    assert preferred([one, other]) == preferred([other, one]) == other


def test_none_counts_that_is_over() -> None:
    assert preferred([]) is None
    assert preferred([facts("sub_1", status="canceled"), facts("sub_2", status="incomplete_expired")]) is None
    assert preferred([facts("sub_1", status="incomplete")]) is None


# --- whatever comes, it is read or not understood


def _mangled(subject: Any) -> list[Any]:
    """The object with each of its members replaced in turn by what it should not be."""
    found: list[Any] = []
    wrongs: list[Any] = [None, [], {}, "x", -1, True, 1.5]
    for wrong in wrongs:
        for key in subject:
            other = copy.deepcopy(subject)
            other[key] = wrong
            found.append(other)
    return found


@BOTH
def test_nothing_else_than_not_understood_is_raised(shape: Shape) -> None:
    catalogue = parse_catalogue(
        {
            "plans": [{"name": "F", "included": 1, "burst": 1, "per_second": 1, "max_in_flight": 1}],
            "packs": [],
            "free_plan": "F",
            "demo_plan": "F",
        }
    )
    whole = subscription(shape=shape)
    items = [{**whole, "items": {"data": [each]}} for each in _mangled(whole["items"]["data"][0])]
    prices = [
        {**whole, "items": {"data": [{**whole["items"]["data"][0], "price": each}]}}
        for each in _mangled(whole["items"]["data"][0]["price"])
    ]
    for subject in [*_mangled(whole), *items, *prices]:
        for each in (CATALOGUE, catalogue):
            try:
                read_subscription(subject, each, 1)
            except NotUnderstood:
                continue
    for subject in [*_mangled(invoice(shape=shape)), *_mangled(session(pack="pack_2000"))]:
        invoice_subscription(subject)
        invoice_period_start(subject, CATALOGUE)
        purchased_pack(subject, CATALOGUE)
        metadata_user(subject)
