"""Many callers, one quota: exactly as many pictures as there are credits, whoever comes first."""

from functools import partial

import pytest

from rmbg.domain.credits import Account, Bucket, Channel
from rmbg.services.credits import Charge, CreditsExhausted, TooManyInFlight
from rmbg.storage.store import Store
from tests.integration.accounts.books import Books, Clock, assert_consistent, race

RACERS = 200


def _reserve(books: Books, account: Account, _: int) -> Charge:
    return books.reserve(account)


def _channel(index: int) -> Channel:
    return Channel.APP if index % 2 else Channel.API


def test_200_racers_on_a_quota_of_100_are_exactly_100(books: Books) -> None:
    account = books.open_account()
    taken, refused = race(
        RACERS, lambda index: books.reserve(account, _channel(index), capped=False), refusals=CreditsExhausted
    )
    assert (len(taken), len(refused)) == (100, 100)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.remaining, window.in_flight) == (100, 0, 100)
    committed, _ = race(100, lambda index: books.commit(taken[index]))
    assert all(committed)
    window = books.window(account)
    assert_consistent(window)
    by_channel = [sum(charge.reservation.channel is channel for charge in taken) for channel in Channel]
    assert [window.app, window.api] == by_channel
    assert window.months == {"m202611_app": by_channel[0], "m202611_api": by_channel[1]}
    assert (window.used, window.remaining, window.in_flight) == (100, 0, 0)


@pytest.mark.parametrize("racers", [99, 100, 101])
def test_a_quota_of_100_serves_the_100th_and_not_the_101st(books: Books, racers: int) -> None:
    account = books.open_account()
    taken, refused = race(racers, lambda _: books.reserve(account, capped=False), refusals=CreditsExhausted)
    assert (len(taken), len(refused)) == (min(racers, 100), max(0, racers - 100))
    assert books.window(account).remaining == max(0, 100 - racers)


def test_the_balance_told_after_each_picture_is_told_once(books: Books) -> None:
    account = books.open_account(prepaid=7)
    taken, _ = race(100, lambda _: books.reserve(account, capped=False))
    assert sorted(charge.balance for charge in taken) == [left + 7 for left in range(100)]


def test_200_racers_have_at_most_14_in_flight_and_the_others_are_told_to_slow_down(books: Books) -> None:
    account = books.open_account()
    taken, refused = race(RACERS, lambda _: books.reserve(account), refusals=TooManyInFlight)
    assert (len(taken), len(refused)) == (14, RACERS - 14)
    assert {
        (error.status, error.headers["Retry-After"]) for error in refused if isinstance(error, TooManyInFlight)
    } == {(429, "1")}
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (14, 14)


@pytest.mark.parametrize("in_flight", [3, 4, 5])
def test_the_free_plan_has_four_in_flight_and_not_a_fifth(books: Books, in_flight: int) -> None:
    account = books.open_account(plan="Free")
    taken, refused = race(in_flight, lambda _: books.reserve(account), refusals=TooManyInFlight)
    assert (len(taken), len(refused)) == (min(in_flight, 4), max(0, in_flight - 4))


def test_200_racers_who_come_again_when_told_to_slow_down_are_exactly_100(books: Books) -> None:
    account = books.open_account()

    def insist(index: int) -> Charge:
        while True:
            try:
                charge = books.reserve(account, _channel(index))
            except TooManyInFlight:
                continue
            assert books.commit(charge)
            return charge

    taken, refused = race(RACERS, insist, refusals=CreditsExhausted)
    assert (len(taken), len(refused)) == (100, 100)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (100, 0)


def test_work_from_a_queue_is_not_refused_for_what_is_in_flight(books: Books) -> None:
    account = books.open_account()
    for _ in range(15):
        books.reserve(account, capped=False)
    with pytest.raises(TooManyInFlight):
        books.reserve(account)
    books.reserve(account, capped=False)
    assert books.window(account).in_flight == 16


def test_100_included_and_30_prepaid_are_130_pictures_and_none_is_paid_twice(books: Books) -> None:
    account = books.open_account(prepaid=30)
    taken, refused = race(
        RACERS, lambda index: books.reserve(account, _channel(index), capped=False), refusals=CreditsExhausted
    )
    assert (len(taken), len(refused)) == (130, 70)
    assert len({charge.reservation.id for charge in taken}) == 130
    assert sum(charge.bucket is Bucket.PREPAID for charge in taken) == 30
    window, after = books.window(account), books.account(account.uid)
    in_window = {reservation.id for reservation in window.reservations}
    in_account = {reservation.id for reservation in after.reservations}
    assert in_window == {charge.reservation.id for charge in taken if charge.bucket is Bucket.INCLUDED}
    assert in_account == {charge.reservation.id for charge in taken if charge.bucket is Bucket.PREPAID}
    assert_consistent(window)
    assert (window.used, after.prepaid, after.in_flight) == (100, 0, 30)  # prepaid pictures are in none of `used`
    race(130, lambda index: books.commit(taken[index]))
    window, after = books.window(account), books.account(account.uid)
    assert (window.used, window.in_flight, after.prepaid, after.in_flight) == (100, 0, 0, 0)


def test_half_committed_and_half_refunded_in_one_race_leave_half_of_the_quota(books: Books) -> None:
    account = books.open_account(prepaid=20)
    taken, _ = race(120, lambda index: books.reserve(account, _channel(index), capped=False))

    def end(index: int) -> None:
        if index % 2:
            books.credits.refund(taken[index])
        else:
            books.commit(taken[index])

    race(120, end)
    window, after = books.window(account), books.account(account.uid)
    assert_consistent(window)
    kept = [charge for index, charge in enumerate(taken) if index % 2 == 0]
    assert window.used == sum(charge.bucket is Bucket.INCLUDED for charge in kept)
    assert after.prepaid == 20 - sum(charge.bucket is Bucket.PREPAID for charge in kept)
    assert (window.in_flight, after.in_flight) == (0, 0)


def test_of_two_racers_for_the_last_credit_one_has_it(store: Store, clock: Clock) -> None:
    books = Books(store, clock, included=1)
    for _ in range(25):
        account = books.open_account()
        taken, refused = race(2, partial(_reserve, books, account), refusals=CreditsExhausted)
        assert (len(taken), len(refused)) == (1, 1)
        assert books.window(account).remaining == 0


def test_of_two_racers_for_the_last_included_credit_the_other_has_the_prepaid_one(store: Store, clock: Clock) -> None:
    books = Books(store, clock, included=1)
    for _ in range(10):
        account = books.open_account(prepaid=1)
        taken, _ = race(2, partial(_reserve, books, account))
        assert {charge.bucket for charge in taken} == {Bucket.INCLUDED, Bucket.PREPAID}
        assert (books.window(account).remaining, books.account(account.uid).prepaid) == (0, 0)


@pytest.mark.parametrize(("balance", "served"), [(-1, 0), (0, 0), (1, 1), (2, 2)])
def test_a_prepaid_balance_pays_what_it_has_and_a_debt_pays_nothing(
    store: Store, clock: Clock, balance: int, served: int
) -> None:
    books = Books(store, clock, included=0)
    account = books.open_account(prepaid=balance)
    taken, refused = race(3, lambda _: books.reserve(account), refusals=CreditsExhausted)
    assert (len(taken), len(refused)) == (served, 3 - served)
    assert books.account(account.uid).prepaid == min(balance, 0)
