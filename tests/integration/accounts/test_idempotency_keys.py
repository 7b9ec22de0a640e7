"""Idempotency-Key: what is sent again is made again and costs nothing more."""

import threading
from typing import Any

import pytest

from rmbg.domain.credits import Account
from rmbg.domain.fingerprints import fingerprint
from rmbg.domain.options import parse_options
from rmbg.errors import PublicError
from rmbg.services.credits import CreditsExhausted
from rmbg.services.deadline import Deadline
from rmbg.storage.store import Store
from tests.integration.accounts.books import (
    LEASE_IS_OVER,
    LEASE_SECONDS,
    NOW,
    Books,
    Clock,
    TrivialImaging,
    assert_consistent,
    picture,
    race,
)

DAY = 86_400


def _refusal(books: Books, account: Account, **change: Any) -> PublicError:
    with pytest.raises(PublicError) as refusal:
        picture(books.payment(account, key="key"), **change)
    return refusal.value


def test_the_same_request_is_made_again_for_nothing_three_times_and_not_a_fourth(books: Books) -> None:
    account = books.open_account()
    charged = []
    for _ in range(4):
        payment = books.payment(account, key="key")
        assert picture(payment).data == b"cut out of a picture"
        charged.append(payment.credits_charged)
    assert charged == [1, 0, 0, 0]
    for _ in range(2):
        assert _refusal(books, account).status == 409
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


@pytest.mark.parametrize("change", [{"data": b"another picture"}, {"fields": {"w": "10"}}])
def test_a_key_of_another_request_is_refused_whether_that_is_running_or_done(
    books: Books, change: dict[str, Any]
) -> None:
    account = books.open_account()
    running: list[PublicError] = []
    picture(
        books.payment(account, key="key"),
        TrivialImaging(segment=lambda: running.append(_refusal(books, account, **change))),
    )
    for refusal in (running[0], _refusal(books, account, **change)):
        assert (refusal.status, refusal.message) == (
            422,
            "This Idempotency-Key was used with a different request.",
        )
    assert books.window(account).used == 1


def test_options_written_otherwise_are_the_same_request(books: Books) -> None:
    account = books.open_account()
    for fields in ({"w": "10"}, {"w": " +010 "}, {"w": "10", "unknown": "field"}):
        picture(books.payment(account, key="key"), fields=fields)
    assert books.window(account).used == 1


def test_while_it_is_running_the_same_request_is_told_to_wait(books: Books) -> None:
    account = books.open_account()
    running: list[PublicError] = []
    picture(books.payment(account, key="key"), TrivialImaging(segment=lambda: running.append(_refusal(books, account))))
    assert (running[0].status, running[0].message) == (
        409,
        "A request with this Idempotency-Key is still running.",
    )
    assert int(running[0].headers["Retry-After"]) >= 1


def test_of_20_concurrent_requests_under_one_key_one_is_charged(books: Books) -> None:
    account = books.open_account()
    refused_all = threading.Event()
    lock, refused = threading.Lock(), [0]

    def send(_: int) -> int:
        payment = books.payment(account, key="key")
        try:
            picture(payment, TrivialImaging(segment=lambda: _wait(refused_all)))
        except PublicError:
            with lock:
                refused[0] += 1
                if refused[0] == 19:
                    refused_all.set()
            raise
        return payment.credits_charged

    made, refusals = race(20, send, refusals=PublicError)
    assert made == [1]
    assert [refusal.status for refusal in refusals if isinstance(refusal, PublicError)] == [409] * 19
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


def test_20_requests_under_one_key_that_overlap_in_any_way_cost_one_credit(books: Books) -> None:
    for _ in range(3):
        account = books.open_account()

        def send(_: int, account: Account = account) -> int:
            payment = books.payment(account, key="key")
            picture(payment)
            return payment.credits_charged

        made, _ = race(20, send, refusals=PublicError)
        assert sum(made) == 1
        assert len(made) <= 4
        window = books.window(account)
        assert_consistent(window)
        assert (window.used, window.in_flight) == (1, 0)


def test_keys_of_two_accounts_are_two_keys(books: Books) -> None:
    for account in (books.open_account(), books.open_account()):
        payment = books.payment(account, key="key")
        picture(payment)
        assert (payment.credits_charged, books.window(account).used) == (1, 1)


def test_keys_that_differ_are_two_requests(books: Books) -> None:
    account = books.open_account()
    for key in ("key", "Key", "k" * 255, "k" * 254):
        picture(books.payment(account, key=key))
    assert books.window(account).used == 4


@pytest.mark.parametrize(("age_seconds", "charged"), [(DAY - 1, 0), (DAY, 1), (DAY + 1, 1)])
def test_a_key_is_forgotten_after_24_hours_though_its_item_is_still_there(
    books: Books, clock: Clock, age_seconds: int, charged: int
) -> None:
    account = books.open_account()
    picture(books.payment(account, key="key"))
    clock.now = NOW + age_seconds
    payment = books.payment(account, key="key")
    picture(payment)
    assert payment.credits_charged == charged
    assert books.window(account).used == 1 + charged


def test_a_forgotten_key_may_be_used_for_another_request(books: Books, clock: Clock) -> None:
    account = books.open_account()
    picture(books.payment(account, key="key"))
    clock.advance(DAY)
    picture(books.payment(account, key="key"), data=b"another picture")
    assert _refusal(books, account).status == 422
    assert books.window(account).used == 2


@pytest.mark.parametrize(("seconds", "taken_over"), [(LEASE_SECONDS, False), (LEASE_SECONDS + 1, True)])
def test_the_key_of_a_dead_request_is_free_when_its_lease_is_over(
    books: Books, clock: Clock, seconds: float, taken_over: bool
) -> None:
    account = books.open_account()
    books.payment(account, key="key").begin(lambda: "fingerprint")
    clock.advance(seconds)
    second = books.payment(account, key="key")
    if not taken_over:
        with pytest.raises(PublicError):
            second.begin(lambda: "fingerprint")
        return
    second.begin(lambda: "fingerprint")
    assert second.remaining is not None


def test_of_20_racers_for_the_key_of_a_dead_request_one_takes_it_over(books: Books, clock: Clock) -> None:
    account = books.open_account()
    books.payment(account, key="key").begin(lambda: "fingerprint")
    clock.advance(LEASE_IS_OVER)
    payments = [books.payment(account, key="key") for _ in range(20)]
    begun, refused = race(20, lambda index: payments[index].begin(lambda: "fingerprint"), refusals=PublicError)
    assert (len(begun), len(refused)) == (1, 19)
    for payment in payments:
        payment.commit(_deadline())
    assert sum(payment.credits_charged for payment in payments) == 1
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


@pytest.mark.parametrize("second_is_done", [False, True])
def test_a_late_first_request_and_the_one_that_took_over_are_charged_once(
    books: Books, clock: Clock, second_is_done: bool
) -> None:
    account = books.open_account()
    first, second = books.payment(account, key="key"), books.payment(account, key="key")

    def meanwhile() -> None:
        clock.advance(LEASE_IS_OVER)
        if second_is_done:
            picture(second)
        else:
            second.begin(_fingerprint_of_a_picture)

    picture(first, TrivialImaging(encode=meanwhile))
    assert first.credits_charged == 0
    window = books.window(account)
    assert_consistent(window)
    assert window.used == 1
    assert window.in_flight == (0 if second_is_done else 1)


def test_a_late_first_request_that_still_holds_its_credit_gives_it_back_to_the_one_that_took_over(
    store: Store, clock: Clock
) -> None:
    books, slower = Books(store, clock), Books(store, lambda: clock.now + 5)
    slower.keys = books.keys
    account = books.open_account()
    first, second = slower.payment(account, key="key"), books.payment(account, key="key")
    first.begin(lambda: "fingerprint")
    clock.advance(LEASE_SECONDS + 1)  # the key's lease is over, that of the credit, taken later, is not
    second.begin(lambda: "fingerprint")
    assert books.window(account).in_flight == 2
    first.commit(_deadline())
    assert (first.credits_charged, books.window(account).used) == (0, 1)
    second.commit(_deadline())
    assert second.credits_charged == 1
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)
    third = books.payment(account, key="key")
    third.begin(lambda: "fingerprint")  # done: made again for nothing
    assert third.remaining is None


def test_a_late_first_failure_leaves_the_key_to_the_one_that_took_over(books: Books, clock: Clock) -> None:
    account = books.open_account()
    first, second = books.payment(account, key="key"), books.payment(account, key="key")
    first.begin(lambda: "fingerprint")
    clock.advance(LEASE_IS_OVER)
    second.begin(lambda: "fingerprint")
    first.refund()
    third = books.payment(account, key="key")
    with pytest.raises(PublicError) as refusal:
        third.begin(lambda: "fingerprint")
    assert refusal.value.status == 409
    second.commit(_deadline())
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


def test_a_request_without_credit_leaves_its_key_free(store: Store, clock: Clock) -> None:
    books = Books(store, clock, included=0)
    account = books.open_account()
    for _ in range(2):
        with pytest.raises(CreditsExhausted):
            picture(books.payment(account, key="key"))
    books.add_prepaid(account.uid, 1)
    picture(books.payment(account, key="key"))
    assert books.account(account.uid).prepaid == 0


def test_a_repetition_costs_nothing_even_when_no_credit_is_left(store: Store, clock: Clock) -> None:
    books = Books(store, clock, included=1)
    account = books.open_account()
    for _ in range(4):
        picture(books.payment(account, key="key"))
    with pytest.raises(CreditsExhausted):
        picture(books.payment(account, key="another"))


def _wait(event: threading.Event) -> None:
    assert event.wait(30)


def _deadline() -> Deadline:
    return Deadline(5.0, lambda: 0.0)


def _fingerprint_of_a_picture() -> str:
    return fingerprint(b"a picture", parse_options({})[0])
