"""Random stories of a small Stripe, delivered in any order and as often as it likes: the same state in the end.

What is compared is in `state_of`: the account without the count of its facts, its current window without its version,
and what each purchase is worth. It is also compared with what Stripe itself has, reckoned here another way.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rmbg.domain.credits import WindowKind
from rmbg.services.apply_stripe_event import ApplyStripeEvent
from rmbg.storage import schema
from rmbg.storage.expressions import query
from rmbg.storage.store import Store
from tests.integration.accounts.books import Clock, new_id
from tests.integration.stripe.desk import Desk, Fetched, Ticking, assert_truth, state_of
from tests.support.memory import memory_store
from tests.support.stripe_world import PACKS, StripeWorld, catalogue, deliveries, random_step, random_story
from tools.stripe_events.make import Shape

CATALOGUE = catalogue()
DELIVERIES = 20_000
EMULATED = 500
# types of events that say whose a customer is
TELLING = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    *(f"customer.subscription.{what}" for what in ("created", "updated", "deleted", "paused", "resumed", "pending_")),
    "invoice.paid",
    "invoice.payment",
    "invoice.voided",
    "invoice.marked",
    "charge.refunded",
)
START = 1_769_860_800  # 31 January 2026, 12:00 UTC


def users(prefix: str = "user") -> tuple[str, str]:
    return f"{prefix}-1", f"{prefix}-2"


def deliver(store: Store, world: StripeWorld, events: Sequence[dict[str, Any]]) -> None:
    worker = ApplyStripeEvent(store, CATALOGUE, Fetched(world), clock=Ticking(Clock(world.now)))
    for event in events:
        worker.apply(event)


def states(store: Store, names: Sequence[str]) -> dict[str, Any]:
    return {name: state_of(store, name) for name in names}


def assert_as_stripe_says(world: StripeWorld, names: Sequence[str], found: dict[str, Any]) -> None:
    """The plan and the balance of each user, from Stripe's own objects."""
    texts = [json.dumps(event) for event in world.events if event["type"].startswith(TELLING)]
    for name in names:
        account = found[name]["account"]
        # only if an event has ever said so is a customer known to be somebody's
        mine = {
            each.id
            for each in world._all.customers.values()
            if each.user == name and any(each.id in text and f'"{name}"' in text for text in texts)
        }
        alive = [
            each
            for each in world._all.subscriptions.values()
            if each.customer in mine and each.status in ("active", "trialing", "past_due", "unpaid", "paused")
        ]
        best = max(
            alive,
            key=lambda each: (
                {"active": 2, "trialing": 2, "past_due": 1}.get(each.status, 0),
                CATALOGUE.plans[each.price.id].included,
                each.created,
                each.id,
            ),
            default=None,
        )
        balance = 0
        for session in world.listed("sessions"):
            told = session["client_reference_id"] or session["metadata"].get("rmbg_user_id")
            is_mine = told == name if told else session["customer"] in mine
            is_paid = session["payment_status"] in ("paid", "no_payment_required")
            if session["mode"] == "payment" and is_mine and is_paid:
                balance += left_of(world, session)
        assert account.get("plan", "Free") == (best.price.id if best else "Free")
        assert (account.get("bps"), account.get("bpe")) == (best.period if best else (None, None))
        assert account.get("sub_status") == (best.status if best else None)
        assert account.get("prepaid", 0) == balance


def left_of(world: StripeWorld, session: dict[str, Any]) -> int:
    """What is left of a purchase: nothing with a dispute that is open or lost, else less what was refunded."""
    pack = session["metadata"]["rmbg_pack"]
    credits = CATALOGUE.packs[pack].credits
    if session["payment_intent"] is None:
        return credits
    (charge,) = world.listed("charges", payment_intent=session["payment_intent"])
    disputes = [each["status"] for each in world.listed("disputes", charge=charge["id"])]
    if any(not (status == "won" or status.startswith("warning_")) for status in disputes):
        return 0
    assert charge["amount"] == PACKS[pack].amount
    refunded: int = charge["amount_refunded"]
    return credits - -(-credits * refunded // PACKS[pack].amount)


def play(count: int, open_store: Callable[[], Store], *, steps: int, seed: int = 0, prefix: str = "user") -> int:
    """So many deliveries, of as many stories as it takes; how many stories."""
    told = stories = 0
    while told < count:
        rng = random.Random(seed + stories)
        names = users(f"{prefix}{stories}")
        world = random_story(rng, steps, users=names, shape=rng.choice(list(Shape)))
        in_order = memory_store()
        deliver(in_order, world, world.events)
        expected = states(in_order, names)
        assert_as_stripe_says(world, names, expected)
        for _ in range(2):
            events = deliveries(world, rng)[: max(0, count - told)] if count < 1000 else deliveries(world, rng)
            if len(events) < len(world.events):  # cut off: what is missing is delivered at last
                events = [*events, *world.events]
            store = open_store()
            deliver(store, world, events)
            found = states(store, names)
            assert found == expected, f"story {seed + stories}"
            told += len(events)
            if count < 1000:
                break  # a store that is shared holds a story's users once
        stories += 1
    return stories


def test_twenty_thousand_deliveries() -> None:
    assert play(DELIVERIES, memory_store, steps=20) > 10


@pytest.mark.slow
def test_many_more_deliveries() -> None:
    play(2 * DELIVERIES, memory_store, steps=40, seed=10_000)


def test_five_hundred_deliveries_on_the_emulator(emulated_store: Store) -> None:
    word = new_id()[:6]
    assert play(EMULATED, lambda: emulated_store, steps=8, seed=500, prefix=word) > 1


@pytest.mark.parametrize("seed", range(20))
def test_what_payload_mode_promises(seed: int) -> None:
    """Without Stripe's API, in any order: what is over is over, the last period counts, and of it the last second."""
    rng = random.Random(seed)
    names = users()
    world = random_story(rng, 25, users=names, shape=rng.choice(list(Shape)))
    store = memory_store()
    worker = ApplyStripeEvent(store, CATALOGUE, None, clock=Clock(world.now))
    for event in deliveries(world, rng):
        worker.apply(event)
    payloads: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for event in world.events:
        told = event["data"]["object"]
        if told["object"] == "subscription" and not event["type"].endswith("trial_will_end"):
            payloads.setdefault(told["id"], []).append((event["created"], told))
    for name in names:
        prefix = schema.SUBSCRIPTION_PREFIX
        rows = store.database.query(query(store.core, schema.account(name).pk, prefix, prefix + "~"))
        for row in rows:
            heard = payloads[str(row["sk"]).removeprefix(prefix)]
            truth = world.subscription(str(row["sk"]).removeprefix(prefix))
            assert truth is not None
            is_over = truth["status"] in ("canceled", "incomplete_expired")
            assert (row["status"] in ("canceled", "incomplete_expired")) is is_over
            if not is_over:
                last_period = max(start_of(told) for _, told in heard)
                last_second = max(created for created, told in heard if start_of(told) == last_period)
                assert (row["bps"], row["sv"]) == (last_period, last_second * 1000)
                finals = [told for created, told in heard if (created, start_of(told)) == (last_second, last_period)]
                assert row["status"] in {told["status"] for told in finals}


def start_of(subscription: dict[str, Any]) -> int:
    """Where its period begins, in either shape."""
    found: int = subscription.get("current_period_start") or subscription["items"]["data"][-1]["current_period_start"]
    return found


def live(seed: int, steps: int) -> None:
    """A story delivered while it happens, late and in disorder, by a user who makes pictures all the time.

    At every step the report says what the next picture meets, no picture is lost from the books, and in the end the
    account is what it is after all has been heard.
    """
    rng = random.Random(seed)
    world = StripeWorld(rng.getrandbits(48), START, after_retries=rng.choice(["canceled", "unpaid", "past_due"]))
    clock = Clock(world.now)
    desk = Desk(memory_store(), objects=Fetched(world), catalogue=CATALOGUE, clock=clock)
    world.create_customer(desk.uid)
    desk.open_account()
    waiting: list[dict[str, Any]] = []
    seen = pictures = 0
    for _ in range(steps):
        random_step(world, rng)
        clock.now = world.now
        waiting += world.events[seen:]
        seen = len(world.events)
        rng.shuffle(waiting)
        late = rng.choice([0, 0, 0, 1, 5, 20])
        for event in waiting[late:] + waiting[late : late + 2]:
            desk.worker.apply(event)
        waiting = waiting[:late]
        assert_truth(desk)
        for _ in range(rng.randrange(3)):
            if desk.usage.prepaid or desk.cycle.remaining:
                pictures += desk.use().bucket.value == "included"
    for event in waiting:
        desk.worker.apply(event)
    assert_truth(desk)
    counted = sum(sum(window.months.values()) for window in desk.windows)
    assert counted == pictures
    # what was taken over by another window counts there as well, and nowhere else
    merged = sum(window.used for window in desk.windows if window.merged and window.kind is WindowKind.STRIPE)
    assert sum(window.used for window in desk.windows) == pictures + merged
    after = memory_store()
    deliver(after, world, world.events)
    expected, found = state_of(after, desk.uid)["account"], desk.account
    assert (found.plan, found.included) == (expected.get("plan", "Free"), expected.get("inc", 50))
    subscription = found.subscription
    assert (subscription.period.end if subscription else None) == expected.get("bpe")
    assert (subscription.status.value if subscription else None) == expected.get("sub_status")
    assert (subscription.grace_until if subscription else None) == expected.get("grace_until")


@pytest.mark.parametrize("seed", range(12))
def test_the_report_is_the_truth_all_along(seed: int) -> None:
    live(seed, steps=40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1006))
def test_the_report_is_the_truth_in_long_stories(seed: int) -> None:
    live(seed, steps=60)
