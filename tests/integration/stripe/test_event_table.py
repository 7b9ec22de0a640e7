"""One test a row of the table of events, in both modes and both shapes, and whose an event is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rmbg.domain.credits import SubscriptionStatus, WindowKind
from rmbg.services.apply_stripe_event import Outcome
from rmbg.services.credits import CreditsExhausted
from rmbg.storage import schema
from tests.integration.stripe.desk import DAY, DECEMBER, DEMO, NOVEMBER, PREMIUM, START, Desk, Objects
from tests.support.memory import memory_store
from tools.stripe_events import make

ROOT = Path(__file__).resolve().parents[3]
COMPLETED = "checkout.session.completed"
UPDATED = "customer.subscription.updated"

# --- packs


@pytest.mark.parametrize("status", ["paid", "no_payment_required"])
def test_a_pack_that_is_paid_is_granted_once(desk: Desk, status: str) -> None:
    assert desk.buy(payment_status=status) is Outcome.DONE
    assert desk.buy(payment_status=status) is Outcome.DONE
    assert desk.tell("checkout.session.async_payment_succeeded", desk.session()) is Outcome.DONE
    assert desk.prepaid == 2000
    assert [row["sk"] for row in desk.ledger] == [f"L#pack#pi_{desk.word}"]


def test_a_pack_without_a_payment_intent_is_called_by_its_session(desk: Desk) -> None:
    desk.buy(payment_intent=None, amount=0, payment_status="no_payment_required")
    desk.buy(payment_intent=None, amount=0, payment_status="no_payment_required")
    assert desk.prepaid == 2000
    assert [row["sk"] for row in desk.ledger] == [f"L#pack#cs_{desk.word}"]


def test_a_pack_that_is_paid_later(desk: Desk) -> None:
    assert desk.buy(payment_status="unpaid") is Outcome.DONE
    assert desk.account_row is None or desk.prepaid == 0
    assert desk.tell("checkout.session.async_payment_succeeded", desk.session()) is Outcome.DONE
    assert desk.prepaid == 2000


@pytest.mark.parametrize("kind", ["checkout.session.async_payment_failed", "checkout.session.expired"])
def test_a_pack_that_is_never_paid(desk: Desk, kind: str) -> None:
    event = desk.event(kind, desk.session(payment_status="unpaid", status="expired"))
    assert desk.worker.apply(event) is Outcome.DONE
    assert desk.account_row is None
    row = desk.event_row(event["id"])
    assert row is not None
    assert (row["state"], row["type"]) == ("done", kind)


def test_a_pack_that_nobody_sells_is_parked(desk: Desk) -> None:
    assert desk.buy(pack="pack_1") is Outcome.PARKED
    assert desk.account_row is None or desk.prepaid == 0


def test_line_items_that_are_not_the_packs_are_parked(fetching: Desk) -> None:
    assert fetching.buy(line_items=["price_other"]) is Outcome.PARKED
    assert fetching.buy(line_items=["price_pack_2000"], name="cs2") is Outcome.DONE
    assert fetching.prepaid == 2000


def test_a_subscriptions_session_gives_no_credits_and_tells_whose_the_customer_is(desk: Desk) -> None:
    if isinstance(desk.objects, Objects):
        desk.objects.put(desk.subscription(user=None))
    session = desk.session(mode="subscription", subscription=f"sub_{desk.word}")
    assert desk.tell(COMPLETED, session) is Outcome.DONE
    desk.subscribe(user=None)
    assert (desk.prepaid, desk.account.plan) == (0, "Premium-20000")
    assert not desk.ledger


# --- subscriptions


@pytest.mark.parametrize(
    "kind",
    [
        "customer.subscription.created",
        UPDATED,
        "customer.subscription.resumed",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
    ],
)
def test_a_subscription_is_synchronised(desk: Desk, kind: str) -> None:
    assert desk.tell(kind, desk.subscription()) is Outcome.DONE
    subscription = desk.account.subscription
    assert subscription is not None
    assert (subscription.id, subscription.status) == (f"sub_{desk.word}", SubscriptionStatus.ACTIVE)
    assert (subscription.period.start, subscription.period.end) == NOVEMBER
    assert (desk.window.kind, desk.window.included, desk.window.remaining) == (WindowKind.STRIPE, 20000, 20000)
    assert desk.cycle.synced


def test_a_paused_subscription_keeps_its_plan_and_closes_what_is_included(desk: Desk) -> None:
    desk.subscribe()
    desk.clock.advance(1)
    desk.tell("customer.subscription.paused", desk.subscription(status="paused"))
    assert desk.account.plan == "Premium-20000"
    assert (desk.cycle.remaining, desk.window.remaining) == (0, 20000)
    with pytest.raises(CreditsExhausted):
        desk.reserve()
    desk.clock.advance(1)
    desk.tell("customer.subscription.resumed", desk.subscription())
    desk.use()


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
def test_a_subscription_that_is_over_leaves_the_free_plan(desk: Desk, status: str) -> None:
    desk.buy()
    desk.subscribe()
    desk.use(3)
    desk.clock.advance(1)
    kind = "customer.subscription.deleted" if status == "canceled" else UPDATED
    desk.tell(kind, desk.subscription(status=status))
    assert (desk.account.plan, desk.account.included, desk.account.subscription) == ("Free", 50, None)
    assert desk.prepaid == 2000
    assert not desk.cycle.synced
    assert [window.used for window in desk.windows if window.kind is WindowKind.STRIPE] == [3]
    desk.clock.advance(1)
    desk.update()
    assert desk.account.subscription is None or desk.objects is not None


def test_nothing_follows_what_is_over(desk: Desk) -> None:
    desk.subscribe()
    desk.tell("customer.subscription.deleted", desk.subscription(status="canceled"))
    desk.clock.advance(100)
    desk.update(period=DECEMBER)
    assert desk.account.subscription is None


def test_an_incomplete_subscription_is_the_free_plan(desk: Desk) -> None:
    desk.subscribe(status="incomplete")
    assert not desk.cycle.synced
    assert desk.usage.membership == "Free"
    assert not [window for window in desk.windows if window.kind is WindowKind.STRIPE]
    desk.clock.advance(1)
    desk.update()
    assert (desk.cycle.synced, desk.usage.credits) == (True, 20000)


def test_the_end_of_a_trial_is_only_recorded(desk: Desk) -> None:
    assert desk.tell("customer.subscription.trial_will_end", desk.subscription()) is Outcome.DONE
    assert desk.account_row is None


def test_a_trial_has_its_own_window(desk: Desk) -> None:
    trial = (START, START + 14 * DAY)
    desk.subscribe(status="trialing", period=trial, trial=trial)
    desk.use(5)
    desk.clock.now = trial[1]
    paid = (trial[1], trial[1] + 30 * DAY)
    desk.update(period=paid, anchor=trial[1])
    assert (desk.window.used, desk.cycle.start) == (0, trial[1])


def test_cancelling_at_the_end_changes_nothing_until_then(desk: Desk) -> None:
    desk.subscribe()
    desk.use(2)
    desk.clock.advance(1)
    desk.update(cancel_at_period_end=True)
    assert (desk.cycle.synced, desk.cycle.remaining) == (True, 19998)
    desk.clock.now = NOVEMBER[1]
    assert (desk.cycle.synced, desk.usage.membership) == (False, "Free")


# --- invoices


@pytest.mark.parametrize("kind", ["invoice.paid", "invoice.payment_succeeded"])
def test_a_paid_invoice_marks_its_window_and_touches_nothing_that_was_used(desk: Desk, kind: str) -> None:
    desk.subscribe()
    desk.use(3)
    desk.tell(kind, desk.invoice())
    (row,) = [row for row in desk.rows("W#") if str(row["sk"]).endswith("S")]
    assert (row["paid"], row["used"], "hold" in row) == (True, 3, False)


def test_an_invoice_before_its_subscription(desk: Desk) -> None:
    if isinstance(desk.objects, Objects):
        desk.objects.put(desk.subscription())
    desk.tell("invoice.paid", desk.invoice(billing_reason="subscription_create"))
    desk.subscribe()
    (row,) = [row for row in desk.rows("W#") if str(row["sk"]).endswith("S")]
    assert row["paid"] is True


def test_grace_begins_with_the_first_failure_and_ends_after_three_days(desk: Desk) -> None:
    desk.subscribe()
    first = int(desk.clock())
    for _ in range(3):
        desk.tell("invoice.payment_failed", desk.invoice(status="open"))
        desk.update(status="past_due")
        desk.clock.advance(DAY)
    subscription = desk.account.subscription
    assert subscription is not None
    assert subscription.grace_until == first + 3 * DAY == int(desk.clock())
    desk.clock.advance(-1)
    desk.use()
    assert desk.cycle.remaining == 19999
    desk.clock.advance(1)
    assert desk.cycle.remaining == 0
    with pytest.raises(CreditsExhausted):
        desk.reserve()
    desk.tell("invoice.paid", desk.invoice())
    desk.update()
    subscription = desk.account.subscription
    assert subscription is not None
    assert subscription.grace_until is None
    desk.use()
    assert desk.cycle.remaining == 19998


WRITTEN_OFF = [("invoice.voided", "void"), ("invoice.marked_uncollectible", "uncollectible")]


@pytest.mark.parametrize(("kind", "status"), WRITTEN_OFF)
@pytest.mark.parametrize("reason", ["subscription_create", "subscription_cycle"])
def test_the_periods_invoice_written_off_holds_its_window(desk: Desk, kind: str, status: str, reason: str) -> None:
    desk.subscribe()
    desk.use(2)
    desk.tell(kind, desk.invoice(status=status, billing_reason=reason))
    assert (desk.window.hold, desk.window.used, desk.cycle.remaining) == (True, 2, 0)
    with pytest.raises(CreditsExhausted):
        desk.reserve()
    desk.buy()
    assert desk.use().bucket.value == "prepaid"
    desk.tell("invoice.paid", desk.invoice(name="in2"))
    assert (desk.window.hold, desk.window.used) == (False, 2)
    assert desk.use().bucket.value == "included"


@pytest.mark.parametrize(("kind", "status"), WRITTEN_OFF)
def test_other_invoices_written_off_hold_nothing(desk: Desk, kind: str, status: str) -> None:
    desk.subscribe()
    desk.tell(kind, desk.invoice(name="in1", status=status, billing_reason="subscription_update"))
    desk.tell(kind, desk.invoice(name="in2", status=status, billing_reason="manual"))
    desk.tell(kind, desk.invoice(name="in3", status=status, period=(START - 30 * DAY, START)))
    desk.tell(kind, desk.invoice(name="in4", status=status, subscription=f"sub_other_{desk.word}"))
    desk.tell(kind, desk.invoice(name="in5", status=status, subscription=None))
    assert not desk.window.hold
    desk.use()


def test_a_paid_window_is_not_held(desk: Desk) -> None:
    desk.subscribe()
    desk.tell("invoice.paid", desk.invoice())
    desk.tell("invoice.voided", desk.invoice(name="in2", status="void"))
    assert not desk.window.hold


# --- refunds and disputes


def test_refunds_are_cumulative_and_take_their_share_rounded_up(desk: Desk) -> None:
    desk.buy()
    desk.tell("charge.refunded", desk.charge(333))
    assert desk.prepaid == 1334
    desk.tell("charge.refunded", desk.charge(333))
    assert desk.prepaid == 1334
    desk.tell("charge.refunded", desk.charge(1000))
    assert desk.prepaid == 0


def test_a_refund_of_what_was_used_is_a_debt_that_the_next_pack_pays(desk: Desk) -> None:
    desk.open_account()
    desk.use(50)
    desk.buy()
    desk.use(10)
    desk.tell("charge.refunded", desk.charge(1000))
    assert (desk.prepaid, desk.usage.prepaid) == (-10, 0)
    with pytest.raises(CreditsExhausted):
        desk.reserve()
    desk.buy(name="cs2", payment_intent=f"pi2_{desk.word}")
    assert desk.usage.prepaid == 1990


@pytest.mark.parametrize("kind", ["refund.failed", "refund.updated"])
def test_a_refund_that_failed_is_given_back_once(desk: Desk, kind: str) -> None:
    desk.buy()
    desk.tell("charge.refunded", desk.charge(500))
    if isinstance(desk.objects, Objects):
        desk.objects.put(desk.charge(0))
    for _ in range(2):
        desk.tell(kind, desk.refund("re", 500, status="failed"))
    assert desk.prepaid == 2000


def test_a_refund_that_did_not_fail_changes_nothing(desk: Desk) -> None:
    desk.buy()
    desk.tell("charge.refunded", desk.charge(500))
    desk.tell("refund.updated", desk.refund("re", 500, status="succeeded"))
    assert desk.prepaid == 1000


@pytest.mark.parametrize("kind", ["charge.dispute.created", "charge.dispute.funds_withdrawn"])
def test_a_dispute_holds_what_remains_until_it_is_won(desk: Desk, kind: str) -> None:
    desk.buy()
    desk.tell("charge.refunded", desk.charge(250))
    desk.tell(kind, desk.dispute())
    desk.tell(kind, desk.dispute())
    assert desk.prepaid == 0
    desk.tell("charge.dispute.closed", desk.dispute(status="won"))
    assert desk.prepaid == 1500
    desk.tell("charge.dispute.closed", desk.dispute(status="won"))
    assert desk.prepaid == 1500


def test_a_lost_dispute_is_permanent(desk: Desk) -> None:
    desk.buy()
    desk.tell("charge.dispute.created", desk.dispute())
    desk.tell("charge.dispute.closed", desk.dispute(status="lost"))
    desk.tell("charge.refunded", desk.charge(1000))
    assert desk.prepaid == 0


@pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "warning_closed"])
def test_an_inquiry_is_no_dispute(desk: Desk, status: str) -> None:
    desk.buy()
    desk.tell("charge.dispute.created", desk.dispute(status=status))
    desk.tell("charge.dispute.closed", desk.dispute(status=status))
    assert desk.prepaid == 2000


def test_an_inquiry_that_becomes_a_dispute(desk: Desk) -> None:
    desk.buy()
    desk.tell("charge.dispute.created", desk.dispute(status="warning_needs_response"))
    desk.tell("charge.dispute.funds_withdrawn", desk.dispute(status="needs_response"))
    assert desk.prepaid == 0


def test_money_that_is_refunded_before_its_purchase_is_heard_of(desk: Desk) -> None:
    desk.tell("charge.refunded", desk.charge(400))
    desk.tell("charge.dispute.created", desk.dispute(status="won"))
    desk.tell(COMPLETED, desk.session())
    assert desk.prepaid == 1200


# --- customers


def test_a_deleted_customer_leaves_the_free_plan_and_keeps_what_was_bought(desk: Desk) -> None:
    desk.buy()
    desk.subscribe()
    desk.use(3)
    desk.clock.advance(1)
    gone = {"id": desk.customer, "object": "customer", "deleted": True, "email": None}
    assert desk.tell("customer.deleted", gone) is Outcome.DONE
    assert (desk.account.plan, desk.account.subscription, desk.prepaid) == ("Free", None, 2000)
    assert [window.used for window in desk.windows if window.kind is WindowKind.STRIPE] == [3]
    desk.clock.advance(1)
    desk.update()
    assert desk.account.subscription is None


# --- whose


@pytest.mark.parametrize("given", [{"reference": True, "user": None}, {"reference": None, "user": True}])
def test_the_user_of_a_session(desk: Desk, given: dict[str, bool | None]) -> None:
    facts = {name: desk.uid if value else None for name, value in given.items()}
    assert desk.buy(**facts, customer=None) is Outcome.DONE
    assert desk.prepaid == 2000


def test_the_reference_comes_before_the_metadata(desk: Desk) -> None:
    assert desk.buy(user="usr_somebody_else") is Outcome.DONE
    assert desk.prepaid == 2000


def test_the_user_by_the_customer(desk: Desk) -> None:
    desk.buy()
    assert desk.subscribe(user=None) is Outcome.DONE
    assert desk.account.plan == "Premium-20000"


def test_the_user_of_a_guests_refund_by_the_payment_intent(desk: Desk) -> None:
    desk.buy(customer=None)
    assert desk.tell("charge.refunded", desk.charge(500, customer=None)) is Outcome.DONE
    assert desk.tell("charge.dispute.created", desk.dispute()) is Outcome.DONE
    assert desk.prepaid == 0


def test_the_first_word_on_a_customer_counts(desk: Desk) -> None:
    desk.buy()
    desk.buy(name="cs2", payment_intent=f"pi2_{desk.word}", reference=f"other_{desk.uid}")
    assert desk.subscribe(user=None) is Outcome.DONE
    assert desk.account.plan == "Premium-20000"


def test_events_of_an_unknown_customer_wait_for_it(desk: Desk) -> None:
    kinds = [
        desk.event("customer.subscription.created", desk.subscription(user=None)),
        desk.event("invoice.paid", desk.invoice(user=None)),
        desk.event("charge.refunded", desk.charge(500)),
        desk.event("charge.dispute.created", desk.dispute(status="won")),
    ]
    assert [desk.worker.apply(event) for event in kinds] == [Outcome.PARKED] * 4
    assert desk.account_row is None
    assert len(desk.parked(desk.customer)) >= 3
    assert desk.tell(COMPLETED, desk.session()) is Outcome.DONE
    assert (desk.account.plan, desk.prepaid) == ("Premium-20000", 1000)
    assert not desk.parked(desk.customer)
    for event in kinds:
        row = desk.event_row(event["id"])
        assert row is not None
        assert row["state"] == "done"


def test_a_thin_event_is_parked_beside_others(fetching: Desk) -> None:
    """Its instant is written otherwise than theirs, and all are applied in their order."""
    assert isinstance(fetching.objects, Objects)
    fetching.objects.put(fetching.subscription(user=None))
    thin = make.thin_event("evt_t", f"v1.{UPDATED}", created=START, related=("subscription", f"sub_{fetching.word}"))
    assert fetching.worker.apply(thin) is Outcome.PARKED
    assert fetching.tell("invoice.paid", fetching.invoice(user=None)) is Outcome.PARKED
    fetching.buy()
    assert fetching.account.plan == "Premium-20000"
    assert not fetching.parked(fetching.customer)


def test_what_names_nobody_is_parked_for_somebody_to_look_at(payloads: Desk) -> None:
    assert payloads.tell("charge.refunded", {"id": "", "object": "charge", "amount": 1}) is Outcome.PARKED
    assert len(payloads.parked("-")) == 1


# --- what is not ours


@pytest.mark.parametrize("kind", ["customer.created", "charge.succeeded", "payout.paid", "x", "customer.subscription"])
def test_unknown_types_are_recorded_and_change_nothing(desk: Desk, kind: str) -> None:
    event = desk.event(kind, desk.charge())
    assert desk.worker.apply(event) is Outcome.IGNORED
    row = desk.event_row(event["id"])
    assert row is not None
    assert row["state"] == "ignored"
    assert desk.account_row is None


@pytest.mark.parametrize("live", [True, False])
def test_the_other_mode_is_recorded_and_changes_nothing(live: bool) -> None:
    desk = Desk(memory_store(), livemode=live)
    assert desk.tell(UPDATED, desk.subscription(), livemode=not live) is Outcome.IGNORED
    assert desk.account_row is None
    assert desk.tell(UPDATED, desk.subscription(), livemode=live) is Outcome.DONE


# --- thin events


def test_a_thin_event_is_fetched(fetching: Desk) -> None:
    assert isinstance(fetching.objects, Objects)
    fetching.objects.put(fetching.subscription())
    thin = make.thin_event("evt_1", f"v1.{UPDATED}", created=START, related=("subscription", f"sub_{fetching.word}"))
    assert fetching.worker.apply(thin) is Outcome.DONE
    assert fetching.account.plan == "Premium-20000"


def test_a_thin_event_of_a_failed_payment_starts_the_grace_period(fetching: Desk) -> None:
    assert isinstance(fetching.objects, Objects)
    fetching.objects.put(fetching.subscription(status="past_due"))
    fetching.objects.put(fetching.invoice(status="open"))
    thin = make.thin_event("e", "v1.invoice.payment_failed", created=START, related=("invoice", f"in_{fetching.word}"))
    assert fetching.worker.apply(thin) is Outcome.DONE
    subscription = fetching.account.subscription
    assert subscription is not None
    assert subscription.grace_until == START + 3 * DAY


def test_a_thin_event_without_a_key_is_parked(payloads: Desk) -> None:
    thin = make.thin_event("evt_1", f"v1.{UPDATED}", created=START, related=("subscription", "sub_1"))
    assert payloads.worker.apply(thin) is Outcome.PARKED
    assert len(payloads.parked("-")) == 1


def test_a_thin_event_of_what_stripe_does_not_know_is_parked(fetching: Desk) -> None:
    thin = make.thin_event("evt_1", f"v1.{UPDATED}", created=START, related=("subscription", "sub_1"))
    assert fetching.worker.apply(thin) is Outcome.PARKED


# --- what is not understood


def test_an_event_that_says_nothing_is_parked_and_never_half_applied(desk: Desk) -> None:
    subject = desk.subscription()
    for holder in (subject, subject["items"]["data"][0]):
        holder.pop("current_period_start", None)
        holder.pop("current_period_end", None)
    assert desk.tell(UPDATED, subject) is Outcome.PARKED
    assert desk.subscribe(name="sub2", price="price_other") is Outcome.PARKED
    assert desk.account_row is None
    assert len(desk.parked("-")) == 2


def test_a_replay_applies_what_is_understood_by_now(payloads: Desk) -> None:
    assert payloads.subscribe(price="price_new") is Outcome.PARKED
    assert payloads.worker.replay() == 0
    assert len(payloads.parked("-")) == 1
    new = replace(payloads.catalogue.plans["Premium-20000"], name="New", stripe_price="price_new")
    catalogue = replace(payloads.catalogue, plans={**payloads.catalogue.plans, "New": new})
    payloads.catalogue = catalogue
    assert payloads.new_worker(payloads.store).replay() == 1
    assert payloads.account.plan == "New"
    assert not payloads.parked("-")


@pytest.mark.parametrize("path", sorted((ROOT / "events" / "stripe").glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_is_applied(path: Path) -> None:
    desk = Desk(memory_store())
    sample = json.loads(path.read_text(encoding="utf-8"))
    desk.uid, desk.customer = "usr_sample", "cus_sample"
    desk.open_account()
    desk.tell(COMPLETED, desk.session(mode="subscription", payment_intent="pi_sample"))
    outcome = desk.worker.apply(sample)
    assert outcome is (Outcome.PARKED if sample["object"] == "v2.core.event" else Outcome.DONE)
    assert desk.worker.apply(sample) is outcome


def test_keys_of_events_are_those_of_the_schema(payloads: Desk) -> None:
    payloads.subscribe(price=DEMO)
    payloads.clock.advance(1)
    payloads.update(price=PREMIUM)
    assert {str(row["sk"]).split("#")[0] for row in payloads.rows()} == {"ACCT", "SUB", "W"}
    assert schema.subscription(payloads.uid, f"sub_{payloads.word}").sk in {row["sk"] for row in payloads.rows("SUB#")}
