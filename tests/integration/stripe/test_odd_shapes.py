"""Signed events whose members are not of Stripe's types: kept aside, and nothing of them is applied."""

from typing import Any

import pytest

from rmbg.config import load_catalogue
from rmbg.services.apply_stripe_event import ApplyStripeEvent, Outcome
from rmbg.storage import schema
from rmbg.storage.expressions import query
from tests.integration.stripe.desk import DEMO, NOVEMBER, START
from tests.support.memory import memory_store
from tools.stripe_events import make

CATALOGUE = load_catalogue("")


@pytest.mark.parametrize(
    "subject",
    [
        {"object": "checkout.session", "mode": "payment", "payment_status": [], "client_reference_id": "someone"},
        {"object": "checkout.session", "mode": "payment", "payment_status": "paid", "client_reference_id": "a/b"},
        {"object": "checkout.session", "mode": "payment", "payment_status": "paid", "client_reference_id": "x" * 2000},
        {"object": "checkout.session", "mode": {}, "payment_status": "paid", "customer": "c" * 3000},
        {"object": "checkout.session", "metadata": ["rmbg_user_id"], "customer": {"id": 7}},
    ],
)
def test_what_is_of_another_shape_than_stripe_s_is_kept_and_changes_nothing(subject: dict[str, Any]) -> None:
    store = memory_store()
    event = make.event("evt_odd", "checkout.session.completed", {"id": "cs_odd", **subject}, created=START)
    outcome = ApplyStripeEvent(store, CATALOGUE, None, clock=lambda: START).apply(event)
    assert outcome in (Outcome.PARKED, Outcome.DONE)
    rows = store.database.query(query(store.core, schema.account("someone").pk, "A", "~"))
    assert not [row for row in rows if str(row["sk"]).startswith("L#")]


@pytest.mark.parametrize(
    ("start", "end"),
    [(START * 1000, START * 1000 + 1), (START, START), (START, START - 1), (-1, START), (True, START), ("1", START)],
)
def test_a_period_that_is_none_is_kept_aside(start: Any, end: Any) -> None:
    store = memory_store()
    subject = make.subscription("sub_odd", customer="cus_odd", price=DEMO, period=NOVEMBER, user="someone_odd")
    subject["items"]["data"][0] |= {"current_period_start": start, "current_period_end": end}
    event = make.event("evt_odd", "customer.subscription.created", subject, created=START)
    assert ApplyStripeEvent(store, CATALOGUE, None, clock=lambda: START).apply(event) is Outcome.PARKED
