"""What Stripe's events do to windows: renewals, changes of plan and anchor, takeovers, and several subscriptions."""

import pytest

from rmbg.domain.credits import Channel, WindowKind
from rmbg.services.apply_stripe_event import Outcome
from rmbg.storage import schema
from rmbg.storage.store import Store
from tests.integration.accounts.books import LEASE_IS_OVER, assert_consistent, race
from tests.integration.stripe.desk import DAY, DECEMBER, DEMO, NOVEMBER, PREMIUM, START, Desk, Objects, assert_truth
from tests.support.memory import memory_store

DELETED = "customer.subscription.deleted"


# --- rule 3


def test_the_free_months_use_is_not_taken_over(desk: Desk) -> None:
    desk.open_account()
    desk.use(7)
    desk.subscribe()
    assert (desk.window.used, desk.window.remaining) == (0, 20000)
    assert_truth(desk)


@pytest.mark.parametrize("first", ["subscription", "invoice", "incomplete"])
def test_the_operators_plan_takes_its_use_along_once(desk: Desk, first: str) -> None:
    """Whatever comes first of a Checkout: the subscription, its invoice, or that it is not paid yet."""
    if isinstance(desk.objects, Objects):
        desk.objects.put(desk.subscription(status="incomplete" if first == "incomplete" else "active"))
    desk.open_account("Premium-20000")
    desk.use(5)
    desk.use(2, Channel.APP)
    opened = desk.reserve()
    if first == "invoice":
        desk.tell("invoice.paid", desk.invoice(billing_reason="subscription_create"))
    if first == "incomplete":
        desk.subscribe(status="incomplete")
        desk.clock.advance(1)
        desk.update()
    else:
        desk.subscribe()
    assert (desk.window.kind, desk.window.app, desk.window.api, desk.window.used) == (WindowKind.STRIPE, 2, 5, 7)
    assert desk.window.remaining == 19993
    desk.credits.commit(opened, deadline=lambda: 5.0)
    desk.clock.advance(1)
    desk.update(cancel_at_period_end=True)
    assert desk.window.used == 7
    month = next(window for window in desk.windows if window.kind is WindowKind.MONTH)
    assert month.used == 1  # what was open stays, for whoever falls back to the free plan
    assert desk.usage.api == 6  # the month's counters stay where they are
    assert_truth(desk)


def test_the_operators_other_plan_is_not_taken_along(desk: Desk) -> None:
    desk.open_account("Demo")
    desk.use(5)
    desk.subscribe()
    assert desk.window.used == 0


def test_an_invoice_alone_does_not_end_the_operators_plan(payloads: Desk) -> None:
    payloads.open_account("Demo")
    payloads.tell("invoice.paid", payloads.invoice())
    assert payloads.account.plan == "Demo"


def test_a_subscription_after_another_takes_nothing_over(desk: Desk) -> None:
    desk.subscribe()
    desk.use(3)
    desk.tell(DELETED, desk.subscription(status="canceled"))
    desk.clock.advance(DAY)
    desk.use(2)
    desk.subscribe(name="sub2", period=(START + DAY, START + 31 * DAY))
    assert desk.window.used == 0
    assert_truth(desk)


# --- rule 4


def test_a_change_of_plan_keeps_what_was_used(desk: Desk) -> None:
    desk.subscribe()
    desk.use(10)
    for price, included in ((DEMO, 18500), (PREMIUM, 20000), (DEMO, 18500), (PREMIUM, 20000)):
        desk.clock.advance(1)
        desk.update(price=price)
        assert (desk.window.included, desk.window.used) == (included, 10)
        assert desk.window.remaining == included - 10
        assert_truth(desk)
    assert len([window for window in desk.windows if window.kind is WindowKind.STRIPE]) == 1


def test_a_plan_with_less_than_was_used_leaves_nothing_and_is_no_debt(desk: Desk) -> None:
    desk.subscribe()
    row = schema.window(desk.uid, WindowKind.STRIPE, START)
    desk.store.database.update(
        {
            "TableName": desk.store.core,
            "Key": {"pk": {"S": row.pk}, "sk": {"S": row.sk}},
            "UpdateExpression": "SET #used = :n, #api = :n, #rem = :r",
            "ExpressionAttributeNames": {"#used": "used", "#api": "api", "#rem": "rem"},
            "ExpressionAttributeValues": {":n": {"N": "19000"}, ":r": {"N": "1000"}},
        }
    )
    desk.clock.advance(1)
    desk.update(price=DEMO)
    assert (desk.window.remaining, desk.cycle.remaining) == (-500, 0)
    assert_truth(desk)
    desk.clock.advance(1)
    desk.update(price=PREMIUM)
    assert desk.cycle.remaining == 1000
    assert_truth(desk)


def test_a_new_anchor_opens_a_window_and_ends_the_old_one(desk: Desk) -> None:
    desk.subscribe()
    desk.use(4)
    desk.clock.advance(10 * DAY)
    reset = int(desk.clock())
    late = desk.reserve()
    desk.update(period=(reset, reset + 30 * DAY), anchor=reset, created=reset)
    old, new = sorted(
        (window for window in desk.windows if window.kind is WindowKind.STRIPE), key=lambda it: it.period.start
    )
    assert (old.period.end, old.used) == (reset, 5)
    assert (new.used, new.remaining) == (0, 20000)
    desk.credits.refund(late)
    assert_truth(desk)
    cycles = desk.reports.cycles(desk.account)
    assert [(cycle.start, cycle.end) for cycle in cycles] == [(reset, reset + 30 * DAY), (START, reset - 1)]


@pytest.mark.parametrize("event", ["invoice.paid", "customer.subscription.updated"])
def test_nothing_sets_back_what_was_used(desk: Desk, event: str) -> None:
    desk.subscribe()
    desk.use(9)
    for _ in range(3):
        desk.clock.advance(5)
        desk.tell(event, desk.invoice() if event.startswith("invoice") else desk.subscription())
        assert desk.window.used == 9


# --- rule 2


def test_a_renewal_before_its_webhook_becomes_stripes_window(desk: Desk) -> None:
    desk.subscribe()
    desk.use(2)
    desk.clock.now = DECEMBER[0] + 5
    assert_truth(desk)
    desk.use(3)
    assert (desk.window.used, desk.window.sync_version) == (3, 0)
    desk.update(period=DECEMBER, anchor=START)
    assert (desk.window.used, desk.window.remaining) == (3, 19997)
    assert desk.window.sync_version > 0
    assert_truth(desk)


@pytest.mark.parametrize("shift", [-3600, 3600, DAY])
def test_a_provisional_window_with_another_start_is_merged_once(desk: Desk, shift: int) -> None:
    desk.subscribe()
    desk.clock.now = DECEMBER[0] + 2 * DAY
    desk.use(3)
    desk.use(1, Channel.APP)
    opened = desk.reserve()
    moved = (DECEMBER[0] + shift, DECEMBER[1] + shift)
    for _ in range(3):
        desk.update(period=moved, anchor=moved[0])
        desk.clock.advance(1)
        assert (desk.window.period.start, desk.window.app, desk.window.api) == (moved[0], 1, 3)
    desk.credits.refund(opened)
    assert_truth(desk)
    assert [cycle.start for cycle in desk.reports.cycles(desk.account)] == [moved[0]] + [START] * (shift > 10**9)


def test_three_days_after_the_end_the_free_plan_serves_until_the_webhook(desk: Desk) -> None:
    desk.subscribe()
    desk.clock.now = NOVEMBER[1] + 3 * DAY - 1
    assert_truth(desk)
    assert desk.usage.credits == 20000
    desk.clock.advance(1)
    assert_truth(desk)
    assert (desk.usage.membership, desk.cycle.synced) == ("Free", False)
    desk.update(period=DECEMBER, anchor=START)
    assert (desk.usage.membership, desk.cycle.synced) == ("Premium-20000", True)
    assert_truth(desk)


@pytest.mark.parametrize("store", ["memory", "emulated"])
def test_racers_reserve_while_the_webhook_merges(store: str, request: pytest.FixtureRequest) -> None:
    """50 of them, two of which are the webhook: nothing is counted twice, and every credit is somewhere."""
    shared: Store = memory_store() if store == "memory" else request.getfixturevalue("emulated")
    desk = Desk(shared)
    desk.subscribe()
    desk.clock.now = DECEMBER[0] + DAY
    desk.use(5)
    moved = (DECEMBER[0] + 3600, DECEMBER[1] + 3600)
    event = desk.event("customer.subscription.updated", desk.subscription(period=moved, anchor=moved[0]))
    workers = [desk.new_worker(shared) for _ in range(2)]

    def act(index: int) -> bool:
        if index < 2:
            return workers[index].apply(event) is Outcome.DONE
        desk.use()
        return True

    race(50, act)
    desk.clock.advance(LEASE_IS_OVER)
    first, second = (
        next(window for window in desk.windows if window.period.start == start) for start in (DECEMBER[0], moved[0])
    )
    assert first.merged
    assert_consistent(first)
    assert second.remaining == 20000 - second.used
    # what was open at the instant of the merge stays with the provisional window, and is free
    taken_over = second.used - sum(second.months.values())
    in_all = 5 + 48
    assert first.used + sum(second.months.values()) == in_all
    assert 5 <= taken_over <= first.used
    assert_truth(desk)


# --- rule 8


def test_of_several_subscriptions_the_better_counts(desk: Desk) -> None:
    desk.subscribe(price=DEMO)
    desk.use(3)
    desk.clock.advance(DAY)
    other = (START + DAY, START + 31 * DAY)
    desk.subscribe(name="sub2", period=other)
    assert (desk.usage.membership, desk.cycle.start) == ("Premium-20000", other[0])
    assert_truth(desk)
    desk.use(2)
    desk.clock.advance(1)
    desk.tell("customer.subscription.updated", desk.subscription(name="sub2", period=other, status="past_due"))
    assert (desk.usage.membership, desk.cycle.start, desk.window.used) == ("Demo", START, 3)
    assert_truth(desk)
    desk.clock.advance(1)
    desk.tell("customer.subscription.updated", desk.subscription(name="sub2", period=other))
    assert (desk.cycle.start, desk.window.used) == (other[0], 2)
    assert_truth(desk)
    desk.clock.advance(1)
    desk.tell(DELETED, desk.subscription(name="sub2", period=other, status="canceled"))
    assert (desk.cycle.start, desk.window.used, desk.cycle.end) == (START, 3, NOVEMBER[1])
    assert_truth(desk)


def test_a_worse_subscription_changes_nothing(desk: Desk) -> None:
    desk.subscribe()
    desk.use(2)
    desk.subscribe(name="sub2", price=DEMO, period=(START + 5, START + 30 * DAY))
    desk.tell("invoice.voided", desk.invoice(name="in2", subscription=f"sub2_{desk.word}", price=DEMO, status="void"))
    assert (desk.usage.membership, desk.window.used, desk.window.hold) == ("Premium-20000", 2, False)
    assert_truth(desk)


# --- rules 5 and 6


@pytest.mark.parametrize("status", ["unpaid", "paused", "past_due", "incomplete", "trialing", "active"])
@pytest.mark.parametrize("prepaid", [False, True])
def test_the_report_is_the_truth_in_every_status(desk: Desk, status: str, prepaid: bool) -> None:
    if prepaid:
        desk.buy()
    desk.subscribe()
    desk.tell("invoice.payment_failed", desk.invoice(status="open"))
    desk.clock.advance(1)
    desk.update(status=status)
    for seconds in (0, 3 * DAY, 30 * DAY, 2 * DAY, 2 * DAY):
        desk.clock.advance(seconds)
        assert_truth(desk)


def test_an_annual_subscription_has_a_window_of_a_year(desk: Desk) -> None:
    year = (START, START + 365 * DAY)
    desk.subscribe(period=year)
    desk.use(3)
    desk.clock.advance(200 * DAY)
    assert (desk.cycle.start, desk.cycle.end, desk.cycle.remaining) == (*year, 19997)
    assert_truth(desk)
