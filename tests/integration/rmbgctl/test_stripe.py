"""rmbgctl events replay, rmbgctl reconcile: what the operator does when Stripe's events went astray."""

from typing import TYPE_CHECKING

import pytest

from rmbg.config import load_catalogue
from rmbg.services.apply_stripe_event import ApplyStripeEvent, Outcome
from rmbg.storage.database import Database
from rmbg.storage.store import Store
from tests.support.stripe_server import KEY, StripeServer
from tests.support.stripe_world import StripeWorld
from tools.stripe_events import make

if TYPE_CHECKING:
    from tests.integration.rmbgctl.conftest import Operator

START = 1_800_000_000
PERIOD = (START, START + 30 * 86_400)


def desk(operator: "Operator") -> ApplyStripeEvent:
    """The worker, on the operator's store and without a key for Stripe."""
    tables = operator.tables
    store = Store(Database(operator.client), tables.core_table, tables.ephemeral_table)
    return ApplyStripeEvent(store, load_catalogue(""), None, clock=lambda: START)


def test_parked_events_are_applied_when_they_can_be(operator: "Operator") -> None:
    uid = operator.user()
    unknown = make.subscription(
        "sub_replay", customer="cus_replay", price="price_of_another_shop", period=PERIOD, user=uid
    )
    event = make.event("evt_replay", "customer.subscription.created", unknown, created=START)
    assert desk(operator).apply(event) is Outcome.PARKED
    before = operator.json("events", "replay")
    assert before["parked"] >= 1
    assert operator.account(uid)["plan"] == "Free"

    own = make.subscription("sub_own", customer="cus_own", price="price_demo_month", period=PERIOD)
    assert (
        desk(operator).apply(make.event("evt_own", "customer.subscription.created", own, created=START))
        is Outcome.PARKED
    )
    named = make.checkout_session(
        "cs_own", customer="cus_own", reference=uid, mode="subscription", subscription="sub_own", created=START
    )
    assert (
        desk(operator).apply(make.event("evt_named", "checkout.session.completed", named, created=START))
        is Outcome.DONE
    )
    assert operator.account(uid)["plan"] == "Demo"  # what was parked for the customer came with it


def test_reconcile_repairs_what_no_event_has_told(operator: "Operator", monkeypatch: pytest.MonkeyPatch) -> None:
    uid = operator.user()
    world = StripeWorld(1, START)
    customer = world.create_customer(uid)
    session = make.checkout_session("cs_rec", customer=customer, reference=uid, payment_status="unpaid", created=START)
    desk(operator).apply(make.event("evt_rec", "checkout.session.completed", session, created=START))
    world.subscribe(customer, make.Price("price_premium_20000_month"))
    with StripeServer(world) as server:
        monkeypatch.setenv("STRIPE_API_BASE", server.url)
        operator.fails(1, "set STRIPE_API_KEY to a key that may read customers and subscriptions", "reconcile")
        monkeypatch.setenv("STRIPE_API_KEY", KEY)
        assert uid in operator.json("reconcile")["repaired"]
        assert operator.account(uid)["plan"] == "Premium-20000"
        again = operator.json("reconcile")
        assert again["checked"] >= 1
        assert uid not in again["repaired"]
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_wrong")
        refused = operator.local("reconcile")
        assert (refused.status, refused.err) == (1, "rmbgctl: Stripe: Stripe answers 401\n")
