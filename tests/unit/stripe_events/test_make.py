"""The builders: what tests ask of them beyond the committed files."""

import json
import time
from typing import Any

import pytest

from tools.stripe_events.make import (
    Price,
    Shape,
    changes,
    charge,
    checkout_session,
    dispute,
    event,
    invoice,
    invoice_line,
    refund,
    subscription,
    subscription_item,
    thin_event,
)

PERIOD = (1_000_000, 2_000_000)
YEAR = Price("price_year", 50_000, "year")
BOTH = pytest.mark.parametrize("shape", list(Shape))


@pytest.mark.parametrize(
    ("version", "shape"),
    [
        ("2026-10-28.endive", Shape.CURRENT),
        ("2025-03-31.basil", Shape.CURRENT),
        ("2025-03-31", Shape.CURRENT),
        ("2025-02-24.acacia", Shape.BEFORE_2025_03_31),
        ("2024-06-20", Shape.BEFORE_2025_03_31),
    ],
)
def test_the_shape_of_a_version(version: str, shape: Shape) -> None:
    assert Shape.of(version) is shape


@pytest.mark.parametrize("version", ["", "new", "2025", "2025-13-01", "20250331", "v2025-03-31"])
def test_no_version(version: str) -> None:
    with pytest.raises(ValueError, match="time data"):
        Shape.of(version)


@BOTH
def test_several_items(shape: Shape) -> None:
    items = [
        subscription_item(f"si_{price.id}", subscription="sub_1", price=price, period=PERIOD, quantity=2, shape=shape)
        for price in (YEAR, Price("price_other"))
    ]
    made = subscription("sub_1", customer="cus_1", price=YEAR, period=PERIOD, items=items, shape=shape)
    assert made["items"]["data"] == items
    assert made["items"]["total_count"] == 2
    assert items[0]["price"]["recurring"]["interval"] == "year"


@BOTH
def test_a_subscription_that_is_given_by_its_price_s_id(shape: Shape) -> None:
    made = subscription("sub_1", customer="cus_1", price="price_1", period=PERIOD, shape=shape)
    assert made["items"]["data"][0]["price"]["id"] == "price_1"
    assert made["metadata"] == {}  # no user was given
    assert made["created"] == made["billing_cycle_anchor"] == PERIOD[0]


@BOTH
def test_a_subscription_that_ends_with_its_period(shape: Shape) -> None:
    made = subscription(
        "sub_1", customer="c", price="p", period=PERIOD, cancel_at_period_end=True, canceled_at=5, shape=shape
    )
    assert (made["cancel_at_period_end"], made["cancel_at"], made["canceled_at"]) == (True, PERIOD[1], 5)
    at = subscription("sub_1", customer="c", price="p", period=PERIOD, cancel_at=7, shape=shape)
    assert (at["cancel_at_period_end"], at["cancel_at"]) == (False, 7)


@BOTH
def test_an_upgrade_s_invoice_with_prorations(shape: Shape) -> None:
    lines = [
        invoice_line(
            f"il_{amount}",
            invoice="in_1",
            subscription="sub_1",
            price="price_1",
            period=(1_500_000, PERIOD[1]),
            amount=amount,
            proration=True,
            shape=shape,
        )
        for amount in (-1950, 2450)
    ]
    made = invoice(
        "in_1",
        customer="cus_1",
        subscription="sub_1",
        price="price_1",
        period=PERIOD,
        amount=500,
        billing_reason="subscription_update",
        lines=lines,
        shape=shape,
    )
    assert (made["total"], made["amount_remaining"]) == (500, 0)
    for line in made["lines"]["data"]:
        flags = line["parent"]["subscription_item_details"] if shape.is_current else line
        assert (flags["proration"], bool(flags["invoice_item"])) == (True, True)


def test_an_invoice_of_no_subscription() -> None:
    given: dict[str, Any] = {"customer": "c", "subscription": None, "price": "p", "period": PERIOD}
    assert invoice("in_1", **given)["parent"] is None
    older = invoice("in_1", **given, shape=Shape.BEFORE_2025_03_31)
    assert (older["subscription"], older["subscription_details"]) == (None, None)


@BOTH
def test_line_items_of_a_session_that_is_asked_for_them(shape: Shape) -> None:
    pack = Price("price_pack_2000", 900, None)
    made = checkout_session("cs_1", customer=None, created=1, line_items=[pack], shape=shape)
    [item] = made["line_items"]["data"]
    assert (item["price"]["id"], item["price"]["recurring"], item["price"]["type"]) == (pack.id, None, "one_time")


@BOTH
def test_a_charge_and_what_becomes_of_it(shape: Shape) -> None:
    whole = charge("ch_1", customer="c", amount=900, amount_refunded=900, created=1, invoice="in_1", shape=shape)
    assert whole["refunded"] is True
    assert whole.get("invoice") == (None if shape.is_current else "in_1")
    assert "failure_reason" not in refund("re_1", charge="ch_1", amount=1, created=1, shape=shape)
    lost = refund("re_1", charge="ch_1", amount=1, created=1, status="failed", shape=shape)
    assert lost["failure_reason"] == "unknown"
    moved = {
        status: [it["amount"] for it in made["balance_transactions"]]
        for status in ("needs_response", "lost", "won", "warning_needs_response", "warning_closed")
        for made in [dispute("dp_1", charge="ch_1", amount=900, created=1, status=status, shape=shape)]
    }
    assert moved == {
        "needs_response": [-900],
        "lost": [-900],
        "won": [-900, 900],
        "warning_needs_response": [],
        "warning_closed": [],
    }


def test_an_event() -> None:
    made = event("evt_1", "x.y", {"id": "o"}, created=7, livemode=True, api_version="2025-01-01")
    assert (made["livemode"], made["api_version"], made["data"]) == (True, "2025-01-01", {"object": {"id": "o"}})
    changed = event("evt_1", "x.y", {"id": "o"}, created=7, previous_attributes={})
    assert changed["data"]["previous_attributes"] == {}


def test_a_thin_event_s_time_and_address() -> None:
    made = thin_event("evt_1", "v1.invoice.paid", created=1_794_303_000, related=("invoice", "in_1"))
    assert made["created"] == "2026-11-10T09:30:00.000Z"
    assert made["related_object"]["url"] == "/v1/invoices/in_1"


def test_changes() -> None:
    before = {"same": 1, "status": "active", "gone": 2, "list": [1, 2], "deep": {"a": 1, "b": {"c": 1}, "d": [1]}}
    after = {"same": 1, "status": "unpaid", "new": 3, "list": [1, 3], "deep": {"a": 1, "b": {"c": 2}, "d": [1]}}
    assert changes(before, after) == {
        "status": "active",
        "gone": 2,
        "list": [1, 2],
        "deep": {"b": {"c": 1}},
        "new": None,
    }
    assert changes(before, before) == {}


@BOTH
def test_objects_are_plain_json_and_share_nothing(shape: Shape) -> None:
    metadata = {"a": "b"}
    first, second = (
        subscription("s", customer="c", price="p", period=PERIOD, metadata=metadata, shape=shape) for _ in range(2)
    )
    assert json.loads(json.dumps(first)) == first == second
    first["metadata"]["x"] = "y"
    first["items"]["data"].clear()
    assert metadata == {"a": "b"}
    assert second["metadata"] == {"a": "b"}
    assert second["items"]["data"]


def test_thousands_are_made_in_no_time() -> None:
    started = time.perf_counter()
    for number in range(2_000):
        event(
            f"evt_{number}",
            "customer.subscription.updated",
            subscription(f"sub_{number}", customer="c", price=YEAR, period=PERIOD),
            created=number,
        )
    assert time.perf_counter() - started < 2  # about 20 ms
