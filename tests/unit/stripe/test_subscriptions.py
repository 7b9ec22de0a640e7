"""An account's standing from facts alone, whatever the order they were heard in."""

import itertools
from dataclasses import replace

import pytest

from rmbg.domain.calendar import Interval, Period
from rmbg.domain.credits import SubscriptionStatus
from rmbg.domain.stripe_objects import SubscriptionFacts
from rmbg.domain.subscriptions import GRACE_SECONDS, InvoiceFacts, InvoiceState, derive, newer

PERIOD = Period(1000, 2000)
NEXT = Period(2000, 3000)
KNOWN = SubscriptionFacts(
    id="sub_1",
    customer="cus_1",
    status=SubscriptionStatus.ACTIVE,
    plan="Premium",
    included=100,
    period=PERIOD,
    anchor=1000,
    interval=Interval.MONTH,
    interval_count=1,
    cancel_at_end=False,
    created=1000,
    version=50,
)
CANCELED = replace(KNOWN, status=SubscriptionStatus.CANCELED)
PAID = InvoiceFacts("in_1", "sub_1", InvoiceState.PAID, 1000, "subscription_cycle")


def invoice(state: InvoiceState, **facts: object) -> InvoiceFacts:
    return replace(PAID, state=state, **facts)  # type: ignore[arg-type]


# --- newer


@pytest.mark.parametrize("fetched", [True, False])
def test_the_first_word_counts(fetched: bool) -> None:
    assert newer(None, KNOWN, fetched=fetched) == KNOWN


@pytest.mark.parametrize("fetched", [True, False])
def test_what_is_over_stays_over(fetched: bool) -> None:
    late = replace(KNOWN, version=10**15, period=NEXT)
    assert newer(CANCELED, late, fetched=fetched, follows=True) == CANCELED


def test_a_payload_that_ends_wins_over_everything() -> None:
    known = replace(KNOWN, version=99, period=NEXT)
    assert newer(known, CANCELED, fetched=False) == CANCELED


@pytest.mark.parametrize(("version", "taken"), [(49, False), (50, True), (51, True)])
def test_fetches_are_ordered_by_their_instants(version: int, taken: bool) -> None:
    heard = replace(KNOWN, version=version, plan="Other", period=Period(500, 1500))
    assert (newer(KNOWN, heard, fetched=True) == heard) is taken


@pytest.mark.parametrize("follows", [True, False])
@pytest.mark.parametrize("version", [1, 50, 99])
def test_a_later_period_of_a_payload_wins(version: int, follows: bool) -> None:
    heard = replace(KNOWN, version=version, period=NEXT)
    assert newer(KNOWN, heard, fetched=False, follows=follows) == heard
    assert newer(heard, replace(KNOWN, version=version), fetched=False, follows=follows) == heard


@pytest.mark.parametrize(
    ("version", "follows", "taken"),
    [(49, False, False), (49, True, False), (50, False, False), (50, True, True), (51, False, True), (51, True, True)],
)
def test_payloads_of_one_period(version: int, follows: bool, taken: bool) -> None:
    heard = replace(KNOWN, version=version, plan="Other")
    assert (newer(KNOWN, heard, fetched=False, follows=follows) == heard) is taken


# --- invoices


def test_invoices_merge_in_any_order() -> None:
    states = [
        invoice(state, failed_at=failed_at) for state, failed_at in itertools.product(InvoiceState, (0, 1500, 1600))
    ]
    for facts in itertools.permutations(states, 3):
        one, other, third = facts
        merged = one.merged(other).merged(third)
        assert merged == third.merged(one).merged(other) == one.merged(other.merged(third))
        assert merged.merged(one) == merged
        failures = [each.failed_at for each in facts if each.failed_at]
        assert merged.failed_at == min(failures, default=0)


def test_paid_wins_over_written_off_over_open() -> None:
    op, off, paid = (invoice(state) for state in (InvoiceState.OPEN, InvoiceState.WRITTEN_OFF, InvoiceState.PAID))
    assert op.merged(off).state is InvoiceState.WRITTEN_OFF
    assert off.merged(paid).state is paid.merged(off).state is InvoiceState.PAID
    assert paid.merged(op).state is InvoiceState.PAID


# --- derive


def test_nothing_follows_from_nothing() -> None:
    for state in (derive([], []), derive([CANCELED], [PAID]), derive([], [PAID])):
        assert (state.subscription, state.grace_until, state.paid, state.hold) == (None, None, False, False)


def test_a_window_is_paid_by_the_invoice_of_its_period() -> None:
    assert derive([KNOWN], [PAID]).paid
    assert not derive([KNOWN], [replace(PAID, period_start=0)]).paid
    assert not derive([replace(KNOWN, period=NEXT)], [PAID]).paid
    assert not derive([KNOWN], [replace(PAID, subscription="sub_2")]).paid


def test_grace_begins_with_the_first_failure_of_what_is_still_open() -> None:
    first = invoice(InvoiceState.OPEN, failed_at=1500)
    second = replace(first, id="in_2", failed_at=1800)
    assert derive([KNOWN], [second, first]).grace_until == 1500 + GRACE_SECONDS
    assert derive([KNOWN], [second, first.merged(PAID)]).grace_until == 1800 + GRACE_SECONDS
    assert derive([KNOWN], [first.merged(PAID)]).grace_until is None
    assert derive([KNOWN], [replace(first, subscription="sub_2")]).grace_until is None
    assert derive([KNOWN], [replace(first, failed_at=0)]).grace_until is None
    assert GRACE_SECONDS == 3 * 86_400


@pytest.mark.parametrize(
    ("facts", "hold"),
    [
        ({}, True),
        ({"reason": "subscription_create"}, True),
        ({"reason": "subscription_update"}, False),
        ({"reason": "manual"}, False),
        ({"reason": ""}, False),
        ({"period_start": 999}, False),
        ({"period_start": 0}, False),
        ({"subscription": "sub_2"}, False),
        ({"state": InvoiceState.OPEN}, False),
        ({"state": InvoiceState.PAID}, False),
    ],
)
def test_a_hold(facts: dict[str, object], hold: bool) -> None:
    written_off = replace(PAID, state=InvoiceState.WRITTEN_OFF)
    assert derive([KNOWN], [replace(written_off, **facts)]).hold is hold  # type: ignore[arg-type]


def test_what_is_paid_is_not_held() -> None:
    written_off = replace(PAID, id="in_2", state=InvoiceState.WRITTEN_OFF)
    for invoices in itertools.permutations([written_off, PAID]):
        state = derive([KNOWN], invoices)
        assert (state.paid, state.hold) == (True, False)


def test_a_subscription_that_does_not_count_changes_nothing() -> None:
    other = replace(KNOWN, id="sub_2", status=SubscriptionStatus.PAST_DUE, included=10**6)
    invoices = [replace(PAID, subscription="sub_2", id="in_2", state=InvoiceState.WRITTEN_OFF), PAID]
    assert derive([KNOWN, other], invoices) == derive([KNOWN], [PAID])
