"""Events in any order, in many copies at once, and through workers that fall over: the same state in the end."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from rmbg.services.apply_stripe_event import Outcome
from rmbg.services.credits import CreditsExhausted
from rmbg.storage import schema
from rmbg.storage.database import StoreUnavailable
from rmbg.storage.expressions import get
from rmbg.storage.store import Store
from rmbg.storage.stripe_api import StripeUnavailable
from tests.integration.accounts.books import race
from tests.integration.stripe.desk import DECEMBER, DEMO, NOVEMBER, PREMIUM, START, Desk, Objects, state_of
from tests.support.memory import MemoryClient, memory_store
from tools.stripe_events import make

Event = dict[str, Any]
Story = Callable[[Desk], list[Event]]

CREATED = "customer.subscription.created"
UPDATED = "customer.subscription.updated"
DELETED = "customer.subscription.deleted"
COMPLETED = "checkout.session.completed"


def first_purchase(desk: Desk) -> list[Event]:
    """A Checkout of a subscription: nothing but the session says whose it is."""
    session = desk.session(mode="subscription", subscription=f"sub_{desk.word}")
    return [
        desk.event(CREATED, desk.subscription(user=None, status="incomplete")),
        desk.event("invoice.paid", desk.invoice(user=None, billing_reason="subscription_create")),
        desk.event(UPDATED, desk.subscription(user=None), previous_attributes={"status": "incomplete"}),
        desk.event(COMPLETED, session, created=START + 1),
        desk.event("invoice.payment_succeeded", desk.invoice(user=None, billing_reason="subscription_create")),
    ]


def renewal(desk: Desk) -> list[Event]:
    """A renewal that fails first, and a change of plan in the second of the payment."""
    late = DECEMBER[0] + 7200
    return [
        desk.event(CREATED, desk.subscription(), created=START),
        desk.event(UPDATED, desk.subscription(period=DECEMBER, anchor=START), created=DECEMBER[0]),
        desk.event("invoice.payment_failed", desk.invoice(status="open", period=DECEMBER), created=DECEMBER[0] + 3600),
        desk.event(
            UPDATED,
            desk.subscription(period=DECEMBER, anchor=START, status="past_due"),
            created=DECEMBER[0] + 3600,
            previous_attributes={"status": "active"},
        ),
        desk.event("invoice.paid", desk.invoice(period=DECEMBER), created=late),
        desk.event(
            UPDATED,
            desk.subscription(period=DECEMBER, anchor=START),
            created=late,
            previous_attributes={"status": "past_due"},
        ),
    ]


def pack_with_everything(desk: Desk) -> list[Event]:
    """A purchase, refunds, one of which fails, and a dispute that is won."""
    return [
        desk.event("charge.refunded", desk.charge(300)),
        desk.event("charge.refunded", desk.charge(500)),
        desk.event("refund.failed", desk.refund("re", 200, status="failed")),
        desk.event("charge.dispute.created", desk.dispute()),
        desk.event("charge.dispute.closed", desk.dispute(status="won")),
        desk.event(COMPLETED, desk.session()),
    ]


def hold_and_paid(desk: Desk) -> list[Event]:
    """The period's first invoice is written off, then another one is paid."""
    return [
        desk.event(CREATED, desk.subscription()),
        desk.event("invoice.payment_failed", desk.invoice(status="open")),
        desk.event("invoice.marked_uncollectible", desk.invoice(status="uncollectible")),
        desk.event("invoice.voided", desk.invoice(status="void")),
        desk.event("invoice.paid", desk.invoice(name="in2"), created=START + 9),
    ]


def upgrade_and_end(desk: Desk) -> list[Event]:
    """Two plans in one period, and its end."""
    return [
        desk.event(CREATED, desk.subscription(price=DEMO), created=START),
        desk.event(
            UPDATED,
            desk.subscription(),
            created=START + 5,
            previous_attributes=make.changes(desk.subscription(price=DEMO), desk.subscription()),
        ),
        desk.event(UPDATED, desk.subscription(cancel_at_period_end=True), created=START + 6),
        desk.event(DELETED, desk.subscription(status="canceled"), created=NOVEMBER[1]),
        desk.event(COMPLETED, desk.session(), created=START + 1),
    ]


STORIES: list[Story] = [first_purchase, renewal, pack_with_everything, hold_and_paid, upgrade_and_end]


def final_objects(desk: Desk, story: Story) -> list[Event]:
    """The story's events; in fetch mode Stripe's objects are those of its end."""
    events = story(desk)
    if isinstance(desk.objects, Objects) and story is pack_with_everything:
        desk.objects.put(desk.charge(300))  # 500 less the 200 that came back
    if isinstance(desk.objects, Objects) and story is hold_and_paid:
        desk.objects.put(desk.invoice(status="void"))
    return events


def in_this_order(mode: str, story: Story, order: tuple[int, ...]) -> dict[str, Any]:
    """The state after a story in an order, on a store of its own, as seen by a user of the same name."""
    desk = Desk(memory_store(), objects=Objects() if mode == "fetch" else None)
    desk.uid, desk.word, desk.customer = "usr_1", "1", "cus_1"
    events = final_objects(desk, story)
    for place in order:
        desk.worker.apply(events[place])
    for event in events:
        row = desk.event_row(event["id"])
        assert row is not None
        assert row["state"] == "done"
    return state_of(desk.store, desk.uid)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_every_order_of_a_few_events_ends_the_same(mode: str, story: Story) -> None:
    count = len(final_objects(Desk(memory_store()), story))
    told = in_this_order(mode, story, tuple(range(count)))
    for order in itertools.permutations(range(count)):
        assert in_this_order(mode, story, order) == told, order


def test_the_states_are_those_that_the_stories_tell(mode: str) -> None:
    """So that they are not all the same for being all wrong."""

    def ends(story: Story) -> tuple[Any, ...]:
        state = in_this_order(mode, story, tuple(range(5 + (story in (renewal, pack_with_everything)))))
        account = state["account"]
        windows = [it for name, it in state.items() if name.startswith("W#")]
        return (
            account["plan"],
            account.get("sub_status"),
            account["prepaid"],
            "grace_until" in account,
            [(it["wstart"], it["paid"], "hold" in it) for it in windows],
        )

    assert ends(first_purchase) == ("Premium-20000", "active", 0, False, [(START, True, False)])
    assert ends(renewal) == ("Premium-20000", "active", 0, False, [(DECEMBER[0], True, False)])
    assert ends(pack_with_everything) == ("Free", None, 1400, False, [])
    assert ends(hold_and_paid) == ("Premium-20000", "active", 0, False, [(START, True, False)])
    assert ends(upgrade_and_end) == ("Free", None, 2000, False, [])


# --- payload mode: what is promised of it


def test_an_older_payload_never_overwrites(payloads: Desk) -> None:
    payloads.tell(CREATED, payloads.subscription(), created=START + 100)
    payloads.tell(UPDATED, payloads.subscription(price=DEMO), created=START + 99)
    assert payloads.account.plan == "Premium-20000"
    payloads.tell(UPDATED, payloads.subscription(price=PREMIUM), created=START + 200)
    payloads.tell(UPDATED, payloads.subscription(price=DEMO), created=START + 150)
    assert payloads.account.plan == "Premium-20000"


def test_a_later_period_wins_over_a_later_event(payloads: Desk) -> None:
    payloads.tell(UPDATED, payloads.subscription(period=DECEMBER), created=START)
    payloads.tell(UPDATED, payloads.subscription(period=NOVEMBER, price=DEMO), created=START + 10**6)
    assert (payloads.account.plan, payloads.account.included) == ("Premium-20000", 20000)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_tie_goes_to_the_one_that_says_it_follows(payloads: Desk, reverse: bool) -> None:
    first, second = payloads.subscription(price=DEMO), payloads.subscription()
    events = [
        payloads.event(CREATED, first),
        payloads.event(UPDATED, second, previous_attributes=make.changes(first, second)),
    ]
    for event in reversed(events) if reverse else events:
        payloads.worker.apply(event)
    assert payloads.account.plan == "Premium-20000"


# --- many at once


@pytest.fixture(params=["memory", "emulated"])
def shared(request: pytest.FixtureRequest) -> Store:
    return memory_store() if request.param == "memory" else request.getfixturevalue("emulated")


def test_fifty_copies_of_a_purchase_are_one_grant(shared: Store) -> None:
    desk = Desk(shared)
    events = [desk.event(COMPLETED, desk.session()) for _ in range(50)]
    outcomes, refused = race(50, lambda index: desk.new_worker(shared).apply(events[index]), StoreUnavailable)
    assert set(outcomes) == {Outcome.DONE}
    for event in events:
        desk.worker.apply(event)
    assert desk.prepaid == 2000
    (row,) = desk.ledger
    assert (row["credits"], row["applied"]) == (2000, 2000)
    assert len(refused) < 50


def test_a_claw_back_among_thirty_consumers_is_exact(shared: Store) -> None:
    desk = Desk(shared)
    desk.subscribe(status="unpaid")
    desk.buy()
    event = desk.event("charge.refunded", desk.charge(995))

    def act(index: int) -> str:
        if index == 15:
            desk.new_worker(shared).apply(event)
            return "clawed back"
        try:
            return desk.use().bucket.value
        except CreditsExhausted:
            return "refused"

    results, refused = race(31, act, StoreUnavailable)
    assert not refused
    taken = results.count("prepaid")
    assert taken + results.count("refused") == 30
    assert desk.prepaid == 2000 - 1990 - taken
    assert desk.account.in_flight == 0
    (row,) = desk.ledger
    assert (row["credits"], row["applied"]) == (2000, 10)
    if desk.prepaid <= 0:
        with pytest.raises(CreditsExhausted):
            desk.reserve()
    desk.buy(name="cs2", payment_intent=f"pi2_{desk.word}")
    assert desk.prepaid == 2000 + 10 - taken


def test_facts_of_one_user_at_the_same_time(shared: Store) -> None:
    """Subscription, invoices and a purchase at once, three copies of each: nothing is lost."""
    desk = Desk(shared, objects=Objects())
    events = 3 * [
        desk.event(CREATED, desk.subscription()),
        desk.event("invoice.paid", desk.invoice()),
        desk.event("invoice.payment_failed", desk.invoice(name="in2", status="open")),
        desk.event(COMPLETED, desk.session()),
        desk.event("charge.refunded", desk.charge(500)),
    ]
    race(len(events), lambda index: desk.new_worker(shared).apply(events[index]), StoreUnavailable)
    for event in events:
        desk.worker.apply(event)
    assert (desk.account.plan, desk.prepaid) == ("Premium-20000", 1000)
    subscription = desk.account.subscription
    assert subscription is not None
    assert subscription.grace_until is not None
    (row,) = desk.rows("W#")
    assert row["paid"] is True


# --- workers that fall over


class Doomed(MemoryClient):
    """A client whose `fail_at`-th call from now on is the last: it raises, before it is done or after."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_at = 0
        self.applied = False
        self.calls = 0

    def arm(self, fail_at: int, *, applied: bool) -> None:
        self.fail_at, self.applied, self.calls = fail_at, applied, 0

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        doomed = self.fail_at and self.calls >= self.fail_at
        if doomed and (not self.applied or self.calls > self.fail_at):
            raise EndpointConnectionError(endpoint_url="memory")
        answer: dict[str, Any] = getattr(super(), operation)(**request)
        if doomed:
            raise EndpointConnectionError(endpoint_url="memory")
        return answer

    def get_item(self, **request: Any) -> dict[str, Any]:
        return self._call("get_item", request)

    def query(self, **request: Any) -> dict[str, Any]:
        return self._call("query", request)

    def put_item(self, **request: Any) -> dict[str, Any]:
        return self._call("put_item", request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        return self._call("update_item", request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._call("delete_item", request)

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        return self._call("transact_write_items", request)


def parked_first(desk: Desk) -> list[Event]:
    """Everything is parked until the last event tells whose it is: one worker applies them all."""
    return [
        desk.event("charge.refunded", desk.charge(300)),
        desk.event(UPDATED, desk.subscription(user=None)),
        desk.event("invoice.paid", desk.invoice(user=None)),
        desk.event("charge.dispute.created", desk.dispute(status="lost", created=START)),
        desk.event(COMPLETED, desk.session()),
    ]


def deleted(desk: Desk) -> list[Event]:
    gone = {"id": desk.customer, "object": "customer", "deleted": True, "email": None}
    return [*first_purchase(desk), desk.event("customer.deleted", gone, created=START + 50)]


def falls_over_at(mode: str, story: Story, place: int, fail_at: int, *, applied: bool) -> tuple[bool, dict[str, Any]]:
    """Whether a worker fell at its n-th call while it applied one event, and the state when all was delivered again."""
    client = Doomed()
    desk = Desk(memory_store(client), objects=Objects() if mode == "fetch" else None)
    desk.uid, desk.word, desk.customer = "usr_1", "1", "cus_1"
    events = final_objects(desk, story)
    fell = False
    for index, event in enumerate(events):
        if index == place:
            client.arm(fail_at, applied=applied)
            try:
                desk.new_worker(desk.store).apply(event)
            except StoreUnavailable:
                fell = True
            client.arm(0, applied=False)
        desk.new_worker(desk.store).apply(event)
    return fell, state_of(desk.store, desk.uid)


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", [*STORIES, parked_first, deleted], ids=lambda story: story.__name__)
def test_a_worker_may_fall_over_at_any_call(mode: str, story: Story, applied: bool) -> None:
    count = len(story(Desk(memory_store())))
    _, told = falls_over_at(mode, story, 0, 0, applied=False)
    falls = 0
    for place in range(count):
        for fail_at in itertools.count(1):
            fell, state = falls_over_at(mode, story, place, fail_at, applied=applied)
            assert state == told, (place, fail_at)
            if not fell:
                break
            falls += 1
    assert falls > 5 * count


def test_a_redelivery_of_what_the_account_has_still_writes_the_window(payloads: Desk) -> None:
    event = payloads.event(UPDATED, payloads.subscription())
    payloads.worker.apply(event)
    core = payloads.store.core
    (row,) = payloads.rows("W#")
    for pk, sk in ((row["pk"], row["sk"]), schema.stripe_event(event["id"])):
        payloads.store.database.delete({"TableName": core, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}})
    payloads.worker.apply(event)
    assert payloads.window.included == 20000


def test_stripe_being_away_is_heard_of_and_leaves_nothing_behind(fetching: Desk) -> None:
    def unreachable(kind: str, identifier: str) -> None:
        raise StripeUnavailable

    events = first_purchase(fetching)
    held = fetching.objects
    fetching.objects = Objects(unreachable)
    worker = fetching.new_worker(fetching.store)
    for event in events:
        with pytest.raises(StripeUnavailable):
            worker.apply(event)
        assert fetching.event_row(event["id"]) is None
    assert fetching.account_row is None
    fetching.objects = held
    for event in events:
        fetching.new_worker(fetching.store).apply(event)
    assert fetching.account.plan == "Premium-20000"


def test_an_event_is_marked_after_its_effects(payloads: Desk) -> None:
    client = Doomed()
    desk = Desk(memory_store(client))
    event = desk.event(COMPLETED, desk.session())
    order: list[bool] = []
    for fail_at in range(1, 20):
        client.arm(fail_at, applied=True)
        try:
            desk.new_worker(desk.store).apply(event)
        except StoreUnavailable:
            client.arm(0, applied=False)
            marked = desk.store.database.get(get(desk.store.core, schema.stripe_event(event["id"]))) is not None
            order.append(marked and desk.prepaid != 2000)
    assert not any(order)
