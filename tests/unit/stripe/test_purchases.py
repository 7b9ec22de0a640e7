"""What a purchase is worth, whatever was heard of it in whichever order."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.purchases import Dispute, Purchase

Hear = Callable[[Purchase], Purchase]


def bought(credits: int = 2000, amount: int = 1000) -> Purchase:
    return Purchase().paid(credits, amount)


def refunded(total: int, amount: int = 1000, version: int = 0) -> Hear:
    return lambda known: known.with_refunded(total, amount, version, exact=False)


def fetched(total: int, version: int) -> Hear:
    return lambda known: known.with_refunded(total, 1000, version, exact=True)


def failed(name: str, amount: int, at: int = 1) -> Hear:
    return lambda known: known.with_failed_refund(name, amount, at)


def dispute(name: str, state: Dispute) -> Hear:
    return lambda known: known.with_dispute(name, state)


def paid(known: Purchase) -> Purchase:
    return known.paid(2000, 1000)


def heard(*facts: Hear) -> Purchase:
    purchase = Purchase()
    for fact in facts:
        purchase = fact(purchase)
    return purchase


@pytest.mark.parametrize(
    ("credits", "amount", "total", "left"),
    [
        (2000, 1000, 0, 2000),
        (2000, 1000, 1, 1998),
        (2000, 1000, 333, 1334),
        (2000, 1000, 999, 2),
        (2000, 1000, 1000, 0),
        (2000, 1000, 1001, 0),
        (7, 333, 1, 6),
        (7, 333, 48, 5),
        (7, 333, 332, 0),
        (1, 1000, 1, 0),
        (2000, 0, 0, 2000),
        (2000, 0, 5, 0),
        (10**9, 3, 1, 666_666_666),
        (10**9, 10**9, 10**9 - 1, 1),
    ],
)
def test_a_refund_takes_its_share_rounded_up(credits: int, amount: int, total: int, left: int) -> None:
    assert refunded(total, amount)(bought(credits, amount)).worth == left


def test_nothing_is_worth_anything_before_it_is_paid() -> None:
    assert Purchase().worth == 0
    for facts in ([refunded(500)], [dispute("a", Dispute.OPEN)], [failed("re", 5)], [refunded(500), failed("re", 9)]):
        assert heard(*facts).worth == 0


@given(
    st.integers(1, 10**9),
    st.integers(0, 10**7),
    st.lists(st.integers(0, 2 * 10**7), max_size=5),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Dispute))), max_size=4),
    st.lists(st.tuples(st.sampled_from("rst"), st.integers(1, 10**7)), max_size=3),
)
def test_never_more_than_it_was_and_never_less_than_nothing(
    credits: int,
    amount: int,
    totals: list[int],
    disputes: list[tuple[str, Dispute]],
    failures: list[tuple[str, int]],
) -> None:
    purchase = bought(credits, amount)
    for total in totals:
        purchase = purchase.with_refunded(total, amount, 0, exact=False)
    for name, state in disputes:
        purchase = purchase.with_dispute(name, state)
    for refund, back in failures:
        purchase = purchase.with_failed_refund(refund, back, 1)
    assert 0 <= purchase.worth <= credits
    assert purchase.worth + purchase.clawed == credits


SETS: list[list[Hear]] = [
    [paid, refunded(300), refunded(500), refunded(400)],
    [paid, paid, refunded(250), failed("re_1", 250)],
    [paid, refunded(700), failed("re_1", 200), failed("re_1", 200), failed("re_2", 100)],
    [paid, dispute("a", Dispute.OPEN), dispute("a", Dispute.WON), refunded(100)],
    [paid, dispute("a", Dispute.OPEN), dispute("a", Dispute.LOST), refunded(1000)],
    [paid, dispute("a", Dispute.WON), dispute("b", Dispute.OPEN), refunded(1), dispute("b", Dispute.WON)],
    [paid, refunded(1000, version=1), failed("re_1", 1000, 2), refunded(1000, version=3)],
    [paid, refunded(300, version=1), failed("re_1", 300, 2), refunded(900, version=3), refunded(950, version=3)],
    [paid, fetched(300, 5), fetched(500, 9), fetched(400, 7), dispute("a", Dispute.WON)],
]


@pytest.mark.parametrize("facts", SETS)
def test_the_order_does_not_matter(facts: list[Hear]) -> None:
    assert len({heard(*order).worth for order in itertools.permutations(facts)}) == 1


@pytest.mark.parametrize("facts", SETS)
def test_nor_does_hearing_it_twice(facts: list[Hear]) -> None:
    once = heard(*facts)
    assert heard(*facts, *facts) == once
    assert heard(*facts, *reversed(facts)) == once


def test_what_a_dispute_takes_it_gives_back_once_when_it_is_won() -> None:
    purchase = refunded(500)(bought())
    opened = dispute("a", Dispute.OPEN)(purchase)
    assert opened.worth == 0
    won = dispute("a", Dispute.WON)(opened)
    assert won.worth == 1000
    assert dispute("a", Dispute.OPEN)(won) == won
    assert dispute("a", Dispute.LOST)(won) == won


def test_a_lost_dispute_is_for_good() -> None:
    lost = heard(paid, dispute("a", Dispute.LOST))
    for fact in (dispute("a", Dispute.WON), dispute("a", Dispute.OPEN), dispute("b", Dispute.WON), failed("re", 9)):
        assert fact(lost).worth == 0


def test_a_refund_that_failed_gives_back_its_own_share() -> None:
    assert heard(paid, refunded(600), failed("re_1", 100)).worth == 1000
    assert heard(paid, refunded(600), failed("re_1", 600)).worth == 2000
    assert heard(paid, refunded(600), failed("re_1", 9999)).worth == 2000


def test_what_was_asked_of_stripe_is_exact_and_the_later_answer_counts() -> None:
    purchase = heard(paid, refunded(600), failed("re_1", 100), fetched(200, 10))
    assert purchase.worth == 1600
    assert fetched(900, 9)(purchase).worth == 1600
    assert fetched(0, 11)(purchase).worth == 2000


def test_of_two_answers_of_one_millisecond_the_one_that_is_heard_later_counts() -> None:
    """As for subscriptions: one worker asks for each event anew, and may be as fast as that."""
    assert heard(paid, fetched(200, 10), fetched(400, 10)).worth == 1200


def test_the_amount_of_the_charge_serves_until_the_purchase_is_heard() -> None:
    before = heard(refunded(500))
    assert (before.amount, before.worth) == (1000, 0)
    assert paid(before).worth == 1000
    assert before.paid(2000, 0).worth == 1000


def test_a_refund_after_one_that_failed_is_clawed_back_whole() -> None:
    """Stripe's cumulative amount leaves out what has failed by then (seen in both orders of the last two)."""
    story = [paid, refunded(1000, version=1), failed("re_1", 1000, 2), refunded(1000, version=3)]
    assert [heard(*story[:count]).worth for count in (1, 2, 3, 4)] == [2000, 0, 2000, 0]
    assert heard(paid, refunded(1000, version=3), failed("re_1", 1000, 2), refunded(1000, version=1)).worth == 0
