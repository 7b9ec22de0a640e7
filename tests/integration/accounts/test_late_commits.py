"""Leases that are over: the credit comes back or the commit keeps it, one of both and never both."""

from rmbg.domain.credits import Account, Bucket, Channel, Window
from rmbg.services.credits import Charge
from rmbg.storage.store import Store
from tests.integration.accounts.books import LEASE_IS_OVER, Books, Clock, assert_consistent, race


def test_a_commit_after_the_sweep_delivers_a_free_picture(books: Books, clock: Clock) -> None:
    account = books.open_account()
    charge = books.reserve(account)
    clock.advance(LEASE_IS_OVER)
    books.credits.sweep_window(account.uid, books.window(account))
    assert books.commit(charge)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.remaining, window.in_flight) == (0, 100, 0)


def test_a_commit_before_the_sweep_keeps_the_credit_though_the_lease_is_over(books: Books, clock: Clock) -> None:
    account = books.open_account()
    charge = books.reserve(account)
    clock.advance(LEASE_IS_OVER)
    seen = books.window(account)
    assert books.commit(charge)
    books.credits.sweep_window(account.uid, seen)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


def test_a_lease_is_over_at_its_second_and_not_before(books: Books, clock: Clock) -> None:
    account = books.open_account()
    charge = books.reserve(account)
    for too_early in (1, 0):
        clock.now = charge.reservation.expires_at - 1 - too_early
        books.credits.sweep_window(account.uid, books.window(account))
        assert books.window(account).in_flight == 1
    clock.now = charge.reservation.expires_at
    books.credits.sweep_window(account.uid, books.window(account))
    assert books.window(account).in_flight == 0


def test_a_late_refund_after_the_sweep_gives_back_nothing_more(books: Books, clock: Clock) -> None:
    account = books.open_account()
    charge = books.reserve(account)
    clock.advance(LEASE_IS_OVER)
    books.credits.sweep_window(account.uid, books.window(account))
    books.credits.refund(charge)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.remaining) == (0, 100)


def test_commits_that_race_sweeps_end_each_reservation_once(books: Books, clock: Clock) -> None:
    rounds, each = 5, 20
    account = books.open_account(prepaid=1000)
    kept = 0
    for _ in range(rounds):
        taken = [books.reserve(account, list(Channel)[index % 2], capped=False) for index in range(each)]
        clock.advance(LEASE_IS_OVER)
        seen = books.window(account)

        def end(index: int, taken: list[Charge] = taken, seen: Window = seen, uid: str = account.uid) -> None:
            if index < each:
                assert books.commit(taken[index])
            else:
                books.credits.sweep_window(uid, seen)

        race(each + 4, end)
        window = books.window(account)
        assert_consistent(window)
        assert window.in_flight == 0
        assert kept <= window.used <= kept + each
        kept = window.used
        if window.remaining < each:
            account = books.open_account(prepaid=1000)
            kept = 0


def test_prepaid_commits_that_race_sweeps_end_each_reservation_once(store: Store, clock: Clock) -> None:
    books = Books(store, clock, included=0)
    account = books.open_account(prepaid=1000)
    balance = 1000
    for _ in range(3):
        taken = [books.reserve(account, capped=False) for _ in range(20)]
        assert {charge.bucket for charge in taken} == {Bucket.PREPAID}
        clock.advance(LEASE_IS_OVER)
        seen = books.account(account.uid)

        def end(index: int, taken: list[Charge] = taken, seen: Account = seen) -> None:
            if index < 20:
                assert books.commit(taken[index])
            else:
                books.credits.sweep_account(seen)

        race(24, end)
        after = books.account(account.uid)
        assert (after.in_flight, after.reservations) == (0, ())
        assert balance - 20 <= after.prepaid <= balance
        balance = after.prepaid


def test_refunds_that_race_sweeps_give_back_each_credit_once(books: Books, clock: Clock) -> None:
    account = books.open_account()
    taken = [books.reserve(account, capped=False) for _ in range(50)]
    clock.advance(LEASE_IS_OVER)
    seen = books.window(account)
    race(
        60,
        lambda index: (
            books.credits.refund(taken[index]) if index < 50 else books.credits.sweep_window(account.uid, seen)
        ),
    )
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.remaining, window.in_flight) == (0, 100, 0)


def test_a_sweep_of_what_was_seen_spares_a_lease_that_was_taken_anew(books: Books, clock: Clock) -> None:
    account = books.open_account()
    first = books.credits.reserve(account, Channel.API, "the-same-id", lease_seconds=10)
    clock.advance(20)
    seen = books.window(account)
    books.credits.refund(first)
    books.credits.reserve(account, Channel.API, "the-same-id", lease_seconds=10)
    books.credits.sweep_window(account.uid, seen)
    assert books.window(account).in_flight == 1
