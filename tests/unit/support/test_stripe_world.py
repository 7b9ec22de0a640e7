"""The small Stripe: the same story by the same seed, and what Stripe's documentation says of statuses and periods."""

import base64
import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import stripe_server, stripe_world
from tests.support.stripe_server import StripeServer
from tests.support.stripe_world import (
    ADD_ON,
    ANNUAL,
    DAY,
    HOUR,
    ODD_PACK,
    PACK,
    PREMIUM,
    QUARTERLY,
    SMALL,
    TEAM,
    TERMINAL,
    NotAllowed,
    StripeWorld,
    WithoutMethod,
    deliveries,
    random_step,
    random_story,
    renewal,
)
from tools.stripe_events.make import Price, Shape

SEEDS = range(40)


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


START = _at("2026-01-31T12:00:00")

# "How subscriptions work", and the description of `status` in the API reference. A new one is incomplete or trialing.
TRANSITIONS = {
    ("incomplete", "active"),
    ("incomplete", "incomplete_expired"),
    ("incomplete", "canceled"),
    ("trialing", "active"),
    ("trialing", "paused"),
    ("trialing", "canceled"),
    ("paused", "active"),
    ("paused", "canceled"),
    ("active", "past_due"),
    ("active", "canceled"),
    ("past_due", "active"),
    ("past_due", "unpaid"),
    ("past_due", "canceled"),
    ("unpaid", "active"),
    ("unpaid", "canceled"),
}


def _world(**settings: Any) -> tuple[StripeWorld, str]:
    world = StripeWorld(1, START, **settings)
    return world, world.create_customer("user-1")


def _subscription(world: StripeWorld, subscription_id: str) -> dict[str, Any]:
    found = world.subscription(subscription_id)
    assert found is not None
    return found


def _status(world: StripeWorld, subscription_id: str) -> str:
    return str(_subscription(world, subscription_id)["status"])


def _period(subscription: dict[str, Any]) -> tuple[int, int]:
    """In the current shape: of its items, which all have the same here."""
    periods = {(item["current_period_start"], item["current_period_end"]) for item in subscription["items"]["data"]}
    (period,) = periods
    return period


def _price(subscription: dict[str, Any]) -> dict[str, Any]:
    price: dict[str, Any] = subscription["items"]["data"][-1]["price"]
    return price


def _types(world: StripeWorld, since: int = 0) -> list[str]:
    return [event["type"] for event in world.events[since:]]


def _latest_invoice(world: StripeWorld, subscription_id: str) -> dict[str, Any]:
    invoice = world.invoice(_subscription(world, subscription_id)["latest_invoice"])
    assert invoice is not None
    return invoice


# --- all stories ---


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_tells_the_same_story(seed: int) -> None:
    first, second = (random_story(random.Random(seed), 60) for _ in range(2))
    assert first.events == second.events
    assert first.now == second.now
    assert deliveries(first, random.Random(seed)) == deliveries(second, random.Random(seed))
    assert random_story(random.Random(seed + 1), 60).events != first.events


@pytest.mark.parametrize("seed", SEEDS)
def test_statuses_follow_the_documented_ones(seed: int) -> None:
    rng = random.Random(seed)
    world = random_story(rng, 0, users=("user-1", "user-2"))
    known: dict[str, str] = {}
    for _ in range(80):
        sent = len(world.events)
        random_step(world, rng)
        for event in world.events[sent:]:
            subject = event["data"]["object"]
            if subject["object"] != "subscription":
                continue
            before, after = known.get(subject["id"]), subject["status"]
            if before is None:
                assert after in ("incomplete", "trialing")
            elif before != after:
                assert (before, after) in TRANSITIONS
            known[subject["id"]] = after
            if event["type"] == "customer.subscription.deleted":
                assert after == "canceled"
    assert known == {each: _status(world, each) for each in world.ids("subscriptions")}


@pytest.mark.parametrize("seed", SEEDS)
def test_periods_hold_the_present_and_end_at_a_renewal_of_the_anchor(seed: int) -> None:
    rng = random.Random(seed)
    world = random_story(rng, 0)
    for _ in range(60):
        random_step(world, rng)
        for subscription_id in world.ids("subscriptions"):
            shown = _subscription(world, subscription_id)
            start, end = _period(shown)
            assert shown["created"] <= start < end
            if shown["status"] in ("trialing", "active", "past_due", "unpaid"):
                assert start <= world.now < end
            recurring = _price(shown)["recurring"]
            price = Price("any", 1, recurring["interval"], recurring["interval_count"])
            anchor = shown["billing_cycle_anchor"]
            count = (end - anchor) // (25 * DAY) + 2 if price.interval != "week" else (end - anchor) // (7 * DAY) + 1
            assert end in {renewal(anchor, price, index) for index in range(max(1, count + 1))}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_period_begins_where_the_last_one_ended_or_at_a_new_anchor(seed: int) -> None:
    world = random_story(random.Random(seed), 80)
    for event in world.events:
        if event["type"] != "customer.subscription.updated":
            continue
        after, before = event["data"]["object"], event["data"]["previous_attributes"]
        if "items" not in before:
            continue
        old = {(item["current_period_start"], item["current_period_end"]) for item in before["items"]["data"]}
        new = _period(after)
        if new in old:
            continue
        ((old_start, old_end),) = old
        if "billing_cycle_anchor" in before or new[0] == old_start:  # which may be the very second in which it began
            assert new[0] == after["billing_cycle_anchor"] == event["created"]
        else:
            assert new[0] == old_end


@pytest.mark.parametrize("seed", SEEDS)
def test_events_hold_the_object_as_it_was_then(seed: int) -> None:
    world = random_story(random.Random(seed), 80)
    created = [event["created"] for event in world.events]
    assert created == sorted(created)
    assert len({event["id"] for event in world.events}) == len(world.events)
    last = {}
    for event in world.events:
        subject, previous = event["data"]["object"], event["data"].get("previous_attributes")
        if previous is not None:
            assert previous
            assert all(subject[name] != value for name, value in previous.items())
        last[subject["id"]] = subject
    for subscription_id in world.ids("subscriptions"):
        assert world.subscription(subscription_id) == last[subscription_id]
    for dispute_id in world.ids("disputes"):
        assert world.dispute(dispute_id) == last[dispute_id]
    for refund_id in world.ids("refunds"):
        assert world.refund(refund_id) == last[refund_id]


@pytest.mark.parametrize("seed", SEEDS)
def test_charges_hold_the_sum_of_their_refunds(seed: int) -> None:
    world = random_story(random.Random(seed), 80)
    for charge in world.listed("charges"):
        refunds = [each for each in world.listed("refunds", charge=charge["id"]) if each["status"] != "failed"]
        assert charge["amount_refunded"] == sum(each["amount"] for each in refunds) <= charge["amount"]
        assert charge["refunded"] is (charge["amount_refunded"] == charge["amount"])
        assert charge["disputed"] is bool(world.listed("disputes", charge=charge["id"]))
        intent = world.payment_intent(charge["payment_intent"])
        assert intent is not None
        assert intent["latest_charge"] == charge["id"]


def test_stories_tell_of_everything() -> None:
    told = {event["type"] for seed in range(150) for event in random_story(random.Random(seed), 60).events}
    assert told >= {
        *(f"customer.{each}" for each in ("created", "deleted")),
        *(
            f"customer.subscription.{each}"
            for each in ("created", "updated", "deleted", "paused", "resumed", "trial_will_end")
        ),
        *(f"customer.subscription.pending_update_{each}" for each in ("applied", "expired")),
        *(
            f"invoice.{each}"
            for each in ("paid", "payment_succeeded", "payment_failed", "voided", "marked_uncollectible")
        ),
        *(f"checkout.session.{each}" for each in ("completed", "expired")),
        *(f"checkout.session.async_payment_{each}" for each in ("succeeded", "failed")),
        *("charge.succeeded", "charge.refunded", "refund.created", "refund.updated", "refund.failed"),
        *(f"charge.dispute.{each}" for each in ("created", "funds_withdrawn", "funds_reinstated", "updated", "closed")),
    }


@pytest.mark.parametrize("seed", range(20))
def test_everything_is_delivered_at_least_once_and_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    world = random_story(rng, 40)
    delivered = deliveries(world, rng)
    assert {event["id"] for event in delivered} == {event["id"] for event in world.events}
    assert len(delivered) >= len(world.events)


def test_deliveries_are_in_many_orders_and_twice_at_times() -> None:
    world = random_story(random.Random(3), 40)
    orders = [[event["id"] for event in deliveries(world, random.Random(seed))] for seed in range(20)]
    assert len({tuple(order) for order in orders}) == 20
    assert any(len(order) > len(world.events) for order in orders)
    happened = [event["id"] for event in world.events]
    assert any(order[: len(happened)] != happened for order in orders)


# --- periods ---


@pytest.mark.parametrize(
    ("anchor", "price", "ends"),
    [
        ("2026-01-31T12:00:00", PREMIUM, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2028-01-30T12:00:00", PREMIUM, ["2028-02-29", "2028-03-30", "2028-04-30"]),
        ("2027-11-29T12:00:00", PREMIUM, ["2027-12-29", "2028-01-29", "2028-02-29", "2028-03-29"]),
        ("2028-02-29T12:00:00", ANNUAL, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2026-11-30T12:00:00", QUARTERLY, ["2027-02-28", "2027-05-30", "2027-08-30"]),
        ("2026-02-26T12:00:00", SMALL, ["2026-03-05", "2026-03-12"]),
    ],
)
def test_renewals_keep_to_the_anchors_day_or_the_months_last(anchor: str, price: Price, ends: list[str]) -> None:
    world = StripeWorld(1, _at(anchor))
    subscription = world.subscribe(world.create_customer("user-1"), price)
    for start, end in itertools.pairwise([anchor[:10], *ends]):
        assert _period(_subscription(world, subscription)) == (_at(f"{start}T12:00:00"), _at(f"{end}T12:00:00"))
        world.advance(_at(f"{end}T12:00:00") - world.now - 1)
        assert _period(_subscription(world, subscription))[0] == _at(f"{start}T12:00:00")
        world.advance(1)


def test_a_renewal_is_known_an_hour_before_it_is_paid() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM)
    world.advance(_at("2026-02-28T12:00:00") - START)
    invoice = _latest_invoice(world, subscription)
    assert (invoice["status"], invoice["billing_reason"]) == ("draft", "subscription_cycle")
    assert _status(world, subscription) == "active"
    line = invoice["lines"]["data"][0]["period"]
    assert (line["start"], line["end"]) == _period(_subscription(world, subscription))
    assert (invoice["period_start"], invoice["period_end"]) == (START, line["start"])
    world.advance(HOUR)
    assert _latest_invoice(world, subscription)["status"] == "paid"
    assert _types(world)[-2:] == ["invoice.paid", "invoice.payment_succeeded"]


def test_long_sleep_renews_as_often_as_it_should() -> None:
    world, customer = _world()
    world.subscribe(customer, SMALL)
    world.advance(52 * 7 * DAY + HOUR)
    assert _types(world).count("invoice.paid") == 53


def test_an_anchor_in_the_future_ends_the_first_period() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM, anchor=START + 3 * DAY)
    assert _period(_subscription(world, subscription)) == (START, START + 3 * DAY)
    world.advance(3 * DAY)
    assert _period(_subscription(world, subscription)) == (START + 3 * DAY, _at("2026-03-03T12:00:00"))
    with pytest.raises(NotAllowed):
        world.subscribe(customer, PREMIUM, anchor=world.now + 32 * DAY)


def test_another_price_keeps_the_period_another_interval_begins_one() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM)
    world.advance(5 * DAY)
    before = _period(_subscription(world, subscription))
    world.change_price(subscription, TEAM)
    assert _period(_subscription(world, subscription)) == before
    assert set(world.events[-1]["data"]["previous_attributes"]) == {"items"}
    world.change_price(subscription, ANNUAL)
    shown = _subscription(world, subscription)
    assert _period(shown) == (world.now, renewal(world.now, ANNUAL, 1))
    assert shown["billing_cycle_anchor"] == world.now
    assert _latest_invoice(world, subscription)["billing_reason"] == "subscription_update"


def test_an_anchor_that_is_reset_begins_a_period_now() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM)
    world.advance(5 * DAY)
    world.reset_anchor(subscription)
    assert _period(_subscription(world, subscription)) == (world.now, _at("2026-03-05T12:00:00"))


# --- statuses ---


def test_a_subscription_is_paid_before_it_is_active() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM, add_on=ADD_ON)
    types = _types(world)
    assert types[1] == "customer.subscription.created"
    assert types[-1] == "checkout.session.completed"
    assert world.events[1]["data"]["object"]["status"] == "incomplete"
    assert _status(world, subscription) == "active"
    assert len({event["created"] for event in world.events}) == 1
    items = _subscription(world, subscription)["items"]["data"]
    assert [item["price"]["id"] for item in items] == [ADD_ON.id, PREMIUM.id]
    session = world.events[-1]["data"]["object"]
    assert (session["mode"], session["subscription"], session["client_reference_id"]) == (
        "subscription",
        subscription,
        "user-1",
    )


def test_a_first_invoice_that_is_not_paid_expires_after_23_hours() -> None:
    world, customer = _world()
    world.set_payment_method(customer, works=False)
    subscription = world.subscribe(customer, PREMIUM)
    assert _types(world)[-1] == "invoice.payment_failed"
    with pytest.raises(NotAllowed):
        world.change_price(subscription, TEAM)
    world.advance(23 * HOUR - 1)
    assert _status(world, subscription) == "incomplete"
    world.advance(1)
    assert _status(world, subscription) == "incomplete_expired"
    assert _latest_invoice(world, subscription)["status"] == "void"
    with pytest.raises(NotAllowed):
        world.cancel_now(subscription)


@pytest.mark.parametrize("setting", ["unpaid", "canceled", "past_due"])
def test_a_payment_that_fails_is_tried_again_and_then_given_up(setting: Any) -> None:
    world, customer = _world(after_retries=setting)
    subscription = world.subscribe(customer, PREMIUM)
    world.set_payment_method(customer, works=False)
    world.advance(28 * DAY + HOUR)
    assert _status(world, subscription) == "past_due"
    world.advance(15 * DAY - 1)
    assert _status(world, subscription) == "past_due"
    world.advance(1)
    assert _types(world).count("invoice.payment_failed") == 4
    assert _status(world, subscription) == setting


@pytest.mark.parametrize("by", ["pay_invoice", "void_invoice", "mark_uncollectible"])
def test_the_latest_invoice_settled_makes_it_active_again(by: str) -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM)
    world.set_payment_method(customer, works=False)
    world.advance(29 * DAY)
    assert _status(world, subscription) == "past_due"
    getattr(world, by)(_latest_invoice(world, subscription)["id"])
    assert _status(world, subscription) == "active"


def test_an_older_invoice_paid_leaves_it_past_due() -> None:
    world, customer = _world(after_retries="past_due")
    subscription = world.subscribe(customer, SMALL)
    world.set_payment_method(customer, works=False)
    world.advance(15 * DAY)
    assert len(world.ids("invoices")) == 3
    world.pay_invoice(world.ids("invoices")[1])
    assert _status(world, subscription) == "past_due"
    world.pay_invoice(world.ids("invoices")[2])
    assert _status(world, subscription) == "active"


def test_the_invoices_of_an_unpaid_subscription_remain_drafts() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM)
    world.set_payment_method(customer, works=False)
    world.advance(80 * DAY)
    assert _status(world, subscription) == "unpaid"
    assert _latest_invoice(world, subscription)["status"] == "draft"
    assert _types(world).count("invoice.payment_failed") == 4
    world.pay_invoice(_latest_invoice(world, subscription)["id"])
    assert _status(world, subscription) == "active"


def test_a_trial_warns_three_days_before_its_end_and_becomes_active() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM, trial_seconds=14 * DAY)
    shown = _subscription(world, subscription)
    assert (shown["status"], _period(shown)) == ("trialing", (START, START + 14 * DAY))
    assert shown["billing_cycle_anchor"] == shown["trial_end"] == START + 14 * DAY
    assert _latest_invoice(world, subscription)["amount_due"] == 0
    world.advance(14 * DAY)
    warned = [event["created"] for event in world.events if event["type"].endswith("trial_will_end")]
    assert warned == [START + 11 * DAY]
    assert _status(world, subscription) == "active"
    assert _period(_subscription(world, subscription)) == (world.now, renewal(world.now, PREMIUM, 1))


@pytest.mark.parametrize(
    ("without", "status", "sent"),
    [
        ("pause", "paused", "customer.subscription.paused"),
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("create_invoice", "active", "invoice.created"),
    ],
)
def test_a_trial_without_a_payment_method(without: WithoutMethod, status: str, sent: str) -> None:
    world, customer = _world()
    world.set_payment_method(customer, works=False)
    subscription = world.subscribe(customer, PREMIUM, trial_seconds=2 * DAY, without_method=without)
    world.advance(2 * DAY)
    assert _status(world, subscription) == status
    assert _types(world)[-1] == sent


def test_a_paused_subscription_makes_no_invoices_and_resumes_in_a_new_period() -> None:
    world, customer = _world()
    world.set_payment_method(customer, works=False)
    subscription = world.subscribe(customer, PREMIUM, trial_seconds=2 * DAY, without_method="pause")
    world.advance(90 * DAY)
    assert len(world.ids("invoices")) == 1
    with pytest.raises(NotAllowed):
        world.resume(subscription)
    world.set_payment_method(customer, works=True)
    world.resume(subscription)
    assert _status(world, subscription) == "active"
    assert _period(_subscription(world, subscription))[0] == world.now
    assert _types(world)[-1] == "customer.subscription.resumed"


def test_a_trial_can_be_ended_now() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM, trial_seconds=14 * DAY)
    world.advance(DAY)
    world.end_trial(subscription)
    shown = _subscription(world, subscription)
    assert (shown["status"], shown["trial_end"], _period(shown)[0]) == ("active", world.now, world.now)


def test_a_cancellation_at_the_periods_end_can_be_taken_back_until_then() -> None:
    world, customer = _world()
    kept, gone = world.subscribe(customer, PREMIUM), world.subscribe(customer, TEAM)
    for subscription in (kept, gone):
        world.cancel_at_period_end(subscription)
        assert _status(world, subscription) == "active"
    world.cancel_at_period_end(kept, cancel=False)
    end = _period(_subscription(world, gone))[1]
    world.advance(40 * DAY)
    assert (_status(world, kept), _status(world, gone)) == ("active", "canceled")
    assert _subscription(world, gone)["ended_at"] == end
    assert _period(_subscription(world, gone))[1] == end


def test_a_pending_update_is_applied_when_it_is_paid_and_expires_otherwise() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM)
    world.request_price(subscription, TEAM)
    assert _price(_subscription(world, subscription))["id"] == PREMIUM.id
    assert _subscription(world, subscription)["pending_update"] is not None
    world.advance(23 * HOUR)
    assert _types(world)[-1] == "customer.subscription.pending_update_expired"
    world.request_price(subscription, TEAM)
    world.pay_pending_price(subscription)
    assert _types(world)[-1] == "customer.subscription.pending_update_applied"
    assert _price(_subscription(world, subscription))["id"] == TEAM.id


def test_a_deleted_customer_has_no_subscription_that_lives() -> None:
    world, customer = _world()
    subscription = world.subscribe(customer, PREMIUM)
    world.delete_customer(customer)
    assert _types(world)[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    assert _status(world, subscription) in TERMINAL
    shown = _subscription(world, subscription)
    assert shown["canceled_at"] == shown["ended_at"] == world.now
    assert world.subscriptions(customer) == [shown] == [world.fetch("subscription", subscription)]
    assert world.fetch("balance", subscription) is None
    assert world.customer(customer) == {"id": customer, "object": "customer", "deleted": True}
    assert world.subscriptions_of(customer) == []
    assert [each["id"] for each in world.subscriptions_of(customer, "all")] == [subscription]
    with pytest.raises(NotAllowed):
        world.subscribe(customer, PREMIUM)


# --- purchases ---


def test_a_pack_is_paid_at_once_or_costs_nothing_or_settles_later() -> None:
    world, customer = _world()
    paid = world.checkout_session(world.buy_pack(customer, "pack_2000")) or {}
    free = world.checkout_session(world.buy_pack(customer, "pack_2000", free=True)) or {}
    late, lost = (world.buy_pack(customer, "pack_7", delayed=True) for _ in range(2))
    assert (paid["payment_status"], free["payment_status"]) == ("paid", "no_payment_required")
    assert (paid["amount_total"], free["amount_total"], free["payment_intent"]) == (PACK.amount, 0, None)
    assert paid["metadata"] == {"rmbg_user_id": "user-1", "rmbg_pack": "pack_2000"}
    assert [line["price"]["id"] for line in paid["line_items"]["data"]] == [PACK.id]
    assert "line_items" not in world.events[-1]["data"]["object"]
    assert (world.checkout_session(late) or {})["payment_status"] == "unpaid"
    world.settle(late, paid=True)
    world.settle(lost, paid=False)
    assert _types(world)[-2:] == [
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
    ]
    assert (world.checkout_session(late) or {})["payment_status"] == "paid"
    assert (world.checkout_session(lost) or {})["payment_status"] == "unpaid"
    for session in (late, lost):
        with pytest.raises(NotAllowed):
            world.settle(session, paid=True)
    assert [charge["amount"] for charge in world.listed("charges")] == [ODD_PACK.amount, PACK.amount]


def test_refunds_add_up_and_a_failed_one_is_taken_off() -> None:
    world, customer = _world()
    world.buy_pack(customer, "pack_2000")
    (charge,) = world.ids("charges")
    world.refund_charge(charge, 500)
    pending = world.refund_charge(charge, 1500, pending=True)
    event = world.events[-1]
    assert (event["type"], event["data"]["object"]["amount_refunded"]) == ("charge.refunded", 2000)
    assert event["data"]["previous_attributes"] == {"amount_refunded": 500, "refunded": False}
    with pytest.raises(NotAllowed):
        world.refund_charge(charge, 1)
    world.fail_refund(pending)
    assert (world.refund(pending) or {})["status"] == "failed"
    assert (world.charge(charge) or {})["amount_refunded"] == 500
    with pytest.raises(NotAllowed):
        world.fail_refund(pending)
    again = world.refund_charge(charge, 100, pending=True)
    world.finish_refund(again)
    assert (world.refund(again) or {})["status"] == "succeeded"


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_withdraws_what_is_left_until_it_is_won(won: bool) -> None:
    world, customer = _world()
    world.buy_pack(customer, "pack_2000")
    (charge,) = world.ids("charges")
    world.refund_charge(charge, 500)
    dispute = world.open_dispute(charge)
    assert _types(world)[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert (world.dispute(dispute) or {})["amount"] == 1500
    with pytest.raises(NotAllowed):
        world.refund_charge(charge, 1)
    world.close_dispute(dispute, won=won)
    assert (world.dispute(dispute) or {})["status"] == ("won" if won else "lost")
    assert ("charge.dispute.funds_reinstated" in _types(world)) is won
    if won:
        world.refund_charge(charge, 1)
    else:
        with pytest.raises(NotAllowed):
            world.refund_charge(charge, 1)


def test_an_inquiry_withdraws_nothing_until_it_escalates() -> None:
    world, customer = _world()
    for _ in range(2):
        world.buy_pack(customer, "pack_2000")
    first, second = (world.open_dispute(charge, inquiry=True) for charge in world.ids("charges"))
    assert "charge.dispute.funds_withdrawn" not in _types(world)
    world.close_dispute(first, won=False)
    assert (world.dispute(first) or {})["status"] == "warning_closed"
    world.escalate_inquiry(second)
    assert _types(world)[-1] == "charge.dispute.funds_withdrawn"
    with pytest.raises(NotAllowed):
        world.escalate_inquiry(first)


# --- shapes and the API ---


def test_events_are_in_the_shape_of_the_endpoint_and_fetches_in_the_current_one() -> None:
    world, customer = _world(shape=Shape.BEFORE_2025_03_31)
    subscription = world.subscribe(customer, PREMIUM)
    sent = next(event for event in world.events if event["type"] == "customer.subscription.created")
    assert sent["api_version"] == Shape.BEFORE_2025_03_31.value
    assert sent["data"]["object"]["current_period_start"] == START
    assert "current_period_start" not in _subscription(world, subscription)
    assert world.event(sent["id"]) is sent
    assert world.subscription("sub_nobody") is None


def _get(server: StripeServer, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    return server.answer(path, {"Authorization": f"Bearer {stripe_server.KEY}", **headers})


def test_the_api_answers_with_the_world_as_it_is() -> None:
    world, customer = _world()
    server = StripeServer(world)
    subscription = world.subscribe(customer, PREMIUM)
    session = world.buy_pack(customer, "pack_2000")
    charge = world.ids("charges")[-1]
    refund = world.refund_charge(charge, 100)
    dispute = world.open_dispute(charge)
    (invoice,) = world.ids("invoices")
    for path, expected in {
        f"/v1/subscriptions/{subscription}": world.subscription(subscription),
        f"/v1/invoices/{invoice}": world.invoice(invoice),
        f"/v1/charges/{charge}": world.charge(charge),
        f"/v1/refunds/{refund}": world.refund(refund),
        f"/v1/disputes/{dispute}": world.dispute(dispute),
        f"/v1/customers/{customer}": world.customer(customer),
        f"/v1/events/{world.events[0]['id']}": world.events[0],
        f"/v1/checkout/sessions/{session}?expand[]=line_items": world.checkout_session(session),
        f"/v1/checkout/sessions/{session}?expand%5B%5D=line_items": world.checkout_session(session),
    }.items():
        assert _get(server, path) == (200, expected)
        assert server.requests[-1] == path
    assert "line_items" not in _get(server, f"/v1/checkout/sessions/{session}")[1]
    older = {"Stripe-Version": "2024-06-20"}
    assert _get(server, f"/v1/subscriptions/{subscription}", **older)[1]["current_period_start"] == START
    found = _get(server, f"/v1/refunds?charge={charge}")[1]
    assert [each["id"] for each in found["data"]] == [refund]
    intent = (world.charge(charge) or {})["payment_intent"]
    found = _get(server, f"/v1/checkout/sessions?payment_intent={intent}")[1]
    assert [each["id"] for each in found["data"]] == [session]


def test_a_list_has_pages_of_ten_and_no_canceled_ones() -> None:
    world, customer = _world()
    server = StripeServer(world)
    subscriptions = [world.subscribe(customer, PREMIUM) for _ in range(12)]
    world.cancel_now(subscriptions[0])
    alive = subscriptions[:0:-1]
    page = _get(server, f"/v1/subscriptions?customer={customer}")[1]
    assert ([each["id"] for each in page["data"]], page["has_more"]) == (alive[:10], True)
    page = _get(server, f"/v1/subscriptions?customer={customer}&starting_after={alive[9]}")[1]
    assert ([each["id"] for each in page["data"]], page["has_more"]) == (alive[10:], False)
    page = _get(server, f"/v1/subscriptions?customer={customer}&limit=100&status=all")[1]
    assert [each["id"] for each in page["data"]] == subscriptions[::-1]
    assert _get(server, f"/v1/subscriptions?customer={customer}&limit=101")[0] == 400


def test_what_the_api_refuses() -> None:
    world, _ = _world()
    server = StripeServer(world)
    for path in ("/v1/subscriptions/sub_nobody", "/v1/checkout/sessions/cs_nobody", "/v1/nothing/x", "/"):
        status, body = _get(server, path)
        assert (status, body["error"]["code"]) == (404, "resource_missing")
    assert server.answer("/v1/customers/x", {})[0] == 401
    assert server.answer("/v1/customers/x", {"Authorization": "Bearer sk_test_other"})[0] == 401
    basic = base64.b64encode(f"{stripe_server.KEY}:".encode()).decode()
    assert server.answer("/v1/customers/x", {"Authorization": f"Basic {basic}"})[0] == 404
    assert _get(server, "/v1/customers/x", **{"Stripe-Version": "soon"})[0] == 400


def test_the_api_fails_as_it_is_told_to() -> None:
    world, customer = _world()
    server = StripeServer(world)
    path = f"/v1/customers/{customer}"
    server.fail(429, times=2)
    assert [_get(server, path)[0] for _ in range(3)] == [429, 429, 200]
    for status in (401, 404, 500):
        server.fail(status)
        assert [_get(server, path)[0] for _ in range(3)] == [status] * 3
        assert _get(server, path)[1]["error"]["type"]
    server.fail(200)
    assert _get(server, path)[0] == 200


def test_the_catalogue_knows_the_worlds_prices() -> None:
    known = stripe_world.catalogue()
    for price in stripe_world.PLANS:
        assert known.plan_of_price(price.id) is not None
    assert known.plan_of_price(ADD_ON.id) is None
    assert {pack.id: pack.stripe_price for pack in known.packs.values()} == {
        name: price.id for name, price in stripe_world.PACKS.items()
    }
