"""The facts move on: what one event says, the next one goes on from."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from rmbg.domain.calendar import Interval, boundary
from tools.stripe_events.make import Object, Price, Shape
from tools.stripe_events.scenario import (
    LARGE,
    SMALL,
    TYPES,
    Scenario,
    Wishes,
    new_purchase,
    new_subscription,
    sample,
    tell,
)

NOW = 1_794_303_000  # 2026-11-10 09:30 UTC
UPDATED = "customer.subscription.updated"
BOTH = pytest.mark.parametrize("shape", list(Shape))


class Story:
    """Events of one customer, each with ids of its own."""

    def __init__(self, shape: Shape = Shape.CURRENT) -> None:
        numbers = count(1)

        def new_id(prefix: str) -> str:
            return f"{prefix}_{next(numbers)}"

        self.now = Scenario(
            customer="cus_1",
            user="usr_1",
            subscription=new_subscription(SMALL, NOW, new_id),
            purchase=new_purchase("pack_2000", 900, NOW, new_id),
            now=NOW,
            new_id=new_id,
            shape=shape,
        )

    def event(self, event_type: str, **wishes: Any) -> Object:
        event, self.now = tell(event_type, self.now, Wishes(**wishes))
        return event

    def tell(self, event_type: str, **wishes: Any) -> Any:
        return self.event(event_type, **wishes)["data"]["object"]


def period(subscription: Any) -> tuple[int, int]:
    holder = subscription if "current_period_start" in subscription else subscription["items"]["data"][0]
    return holder["current_period_start"], holder["current_period_end"]


def line_period(invoice: Any) -> tuple[int, int]:
    [line] = invoice["lines"]["data"]
    return line["period"]["start"], line["period"]["end"]


def price(subscription: Any) -> Any:
    return subscription["items"]["data"][0]["price"]["id"]


@BOTH
@pytest.mark.parametrize("event_type", TYPES)
def test_the_same_facts_make_the_same_event(event_type: str, shape: Shape) -> None:
    assert tell(event_type, sample(shape)) == tell(event_type, sample(shape))


@BOTH
def test_a_subscription_from_beginning_to_end(shape: Shape) -> None:
    story = Story(shape)
    month = (NOW, boundary(NOW, Interval.MONTH, 1, 1))
    created = story.tell("customer.subscription.created")
    session = story.tell("checkout.session.completed", mode="subscription")
    first = story.tell("invoice.paid")
    assert session["subscription"] == created["id"]
    assert session["invoice"] == first["id"]
    assert period(created) == line_period(first) == month
    assert (first["period_start"], first["period_end"], first["billing_reason"]) == (NOW, NOW, "subscription_create")

    renewal = month[1]
    next_month = (renewal, boundary(NOW, Interval.MONTH, 1, 2))
    story.now = replace(story.now, now=renewal)
    renewed = story.event(UPDATED, period_start=renewal)
    second = story.tell("invoice.paid")
    assert period(renewed["data"]["object"]) == line_period(second) == next_month
    assert renewed["data"]["object"]["billing_cycle_anchor"] == NOW
    assert second["id"] != first["id"]
    assert (second["period_start"], second["period_end"]) == month
    assert second["billing_reason"] == "subscription_cycle"

    upgraded = story.event(UPDATED, price=LARGE)["data"]
    assert (price(upgraded["object"]), period(upgraded["object"])) == (LARGE.id, next_month)
    assert upgraded["previous_attributes"]["items"]["data"][0]["price"]["id"] == SMALL.id

    cancelling = story.event(UPDATED, cancel_at_period_end=True)["data"]
    assert cancelling["object"]["cancel_at"] == next_month[1]
    assert cancelling["previous_attributes"] == {
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"reason": None},
    }
    story.now = replace(story.now, now=next_month[1])
    ended = story.tell("customer.subscription.deleted")
    assert (ended["status"], ended["ended_at"], ended["canceled_at"]) == ("canceled", next_month[1], renewal)


@BOTH
def test_a_payment_fails_twice_and_succeeds(shape: Shape) -> None:
    story = Story(shape)
    failed = [story.tell("invoice.payment_failed") for _ in range(2)]
    assert [it["attempt_count"] for it in failed] == [1, 2]
    assert failed[0]["next_payment_attempt"] > NOW
    past_due = story.event(UPDATED, status="past_due")["data"]
    assert past_due["previous_attributes"] == {"status": "active"}
    paid = story.tell("invoice.paid")
    assert {it["id"] for it in (*failed, paid)} == {past_due["object"]["latest_invoice"]}
    assert (paid["attempt_count"], paid["next_payment_attempt"], paid["amount_remaining"]) == (3, None, 0)


def test_another_interval_begins_a_period() -> None:
    story = Story()
    story.now = replace(story.now, now=NOW + 86_400)
    made = story.tell(UPDATED, price=Price("price_year", interval="year"))
    assert period(made) == (NOW + 86_400, boundary(NOW + 86_400, Interval.YEAR, 1, 1))
    assert made["billing_cycle_anchor"] == NOW + 86_400


def test_a_period_of_any_length() -> None:
    made = Story().tell(UPDATED, period_start=5, period_end=9)
    assert period(made) == (5, 9)


def test_a_trial() -> None:
    made = Story().tell("customer.subscription.created", status="trialing")
    assert (made["trial_start"], made["trial_end"]) == period(made)


def test_paused_and_resumed() -> None:
    story = Story()
    paused = story.tell("customer.subscription.paused")
    assert (paused["status"], paused["status_details"]["paused"]["transitioned_at"]) == ("paused", NOW)
    resumed = story.tell("customer.subscription.resumed")
    assert (resumed["status"], resumed["status_details"]) == ("active", None)


@BOTH
def test_a_purchase_in_parts_returned(shape: Shape) -> None:
    story = Story(shape)
    bought = story.tell("checkout.session.completed", amount=1000)
    first = story.event("charge.refunded", amount=300)["data"]
    second = story.event("charge.refunded")["data"]
    assert first["object"]["payment_intent"] == bought["payment_intent"]
    assert [it["object"]["amount_refunded"] for it in (first, second)] == [300, 1000]
    assert first["previous_attributes"] == {"amount_refunded": 0}
    assert second["previous_attributes"] == {"amount_refunded": 300, "refunded": False}
    failed = [story.tell("refund.failed") for _ in range(2)]
    assert failed[0] == failed[1]
    assert failed[0]["amount"] == 700
    assert story.now.purchase.refunded == 300  # given back once


def test_every_purchase_is_another_one() -> None:
    story = Story()
    sessions = [story.tell("checkout.session.completed") for _ in range(2)]
    for field in ("id", "payment_intent"):
        assert sessions[0][field] != sessions[1][field]
    other = story.tell("checkout.session.completed", pack="pack_9", amount=1)
    assert (other["metadata"]["rmbg_pack"], other["amount_total"]) == ("pack_9", 1)


def test_a_payment_that_is_under_way_is_of_the_same_purchase() -> None:
    story = Story()
    waiting = story.tell("checkout.session.completed", status="unpaid")
    later = story.tell("checkout.session.async_payment_succeeded")
    assert later == {**waiting, "payment_status": "paid"}


def test_a_session_that_expired_leaves_the_purchase_before_it() -> None:
    story = Story()
    bought = story.now.purchase
    expired = story.tell("checkout.session.expired")
    assert (expired["status"], expired["payment_intent"]) == ("expired", None)
    assert expired["id"] != bought.session
    assert story.now.purchase == bought


def test_a_dispute_is_one_from_its_opening_to_its_end() -> None:
    story = Story()
    opened = story.tell("charge.dispute.created")
    told = [story.tell("charge.dispute.funds_withdrawn"), story.tell("charge.dispute.closed", status="won")]
    assert {it["id"] for it in told} == {opened["id"]}
    assert [it["status"] for it in (opened, *told)] == ["needs_response", "needs_response", "won"]
    assert story.tell("charge.refunded")["disputed"] is True
    assert story.tell("charge.dispute.created")["id"] != opened["id"]


def test_a_customer_of_nobody_known() -> None:
    story = Story()
    story.now = replace(story.now, user=None)
    assert story.tell(UPDATED)["metadata"] == {}
    session = story.tell("checkout.session.completed")
    assert (session["client_reference_id"], session["metadata"]) == (None, {"rmbg_pack": "pack_2000"})


def test_a_type_that_is_not_told() -> None:
    with pytest.raises(KeyError):
        tell("payment_intent.created", sample())
