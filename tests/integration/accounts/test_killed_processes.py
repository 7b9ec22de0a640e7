"""Processes killed between taking a credit and keeping it: it is back when the lease is over, whoever looks."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rmbg.domain.credits import Account, Bucket
from rmbg.domain.usage_query import UsageQuery
from rmbg.services.credits import CreditsExhausted, TooManyInFlight
from rmbg.storage.store import Store
from tests.integration.accounts.books import (
    LEASE_IS_OVER,
    LEASE_SECONDS,
    Books,
    Clock,
    assert_consistent,
    picture,
    race,
)
from tests.support.store import Store as Tables

ROOT = Path(__file__).resolve().parents[3]
Kill = Callable[..., list[str]]


@contextmanager
def _doomed(tables: Tables, clock: Clock, mode: str, *uids: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends by SIGKILL, with the block at the latest."""
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.accounts.doomed",
            tables.endpoint_url,
            tables.core_table,
            tables.ephemeral_table,
            str(clock.now),
            mode,
            *uids,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'core'}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def kill(tables: Tables, clock: Clock) -> Kill:
    """Let a process do so many things, kill it, and return the lines that it wrote."""

    def run(mode: str, *uids: str, lines: int) -> list[str]:
        with _doomed(tables, clock, mode, *uids) as process:
            assert process.stdout is not None
            said = [process.stdout.readline().strip() for _ in range(lines)]
            process.kill()
            said += process.stdout.read().split()
        assert process.returncode == -9
        return said

    return run


def _exhausted(books: Books, account: Account) -> None:
    with pytest.raises(CreditsExhausted):
        books.reserve(account)


def test_the_credits_of_a_killed_process_come_back_with_whoever_reserves_next(
    store: Store, clock: Clock, kill: Kill
) -> None:
    books = Books(store, clock, included=0)
    prepaid = [books.open_account(plan="Team", prepaid=1) for _ in range(2)]
    quota = Books(store, clock, included=1)
    included = quota.open_account(plan="Free")
    for _ in range(49):  # Free has 50
        quota.spend(included)
    said = kill("reserve", included.uid, *(account.uid for account in prepaid), lines=3)
    assert said[0] == Bucket.INCLUDED  # the others have a window of the process's own catalogue, with 100
    clock.advance(LEASE_SECONDS)
    _exhausted(quota, included)
    assert quota.window(included).in_flight == 1
    clock.advance(LEASE_IS_OVER - LEASE_SECONDS)
    charge = quota.reserve(included)  # its condition fails; what failed shows the dead lease
    window = quota.window(included)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (50, 1)
    assert quota.commit(charge)
    window = quota.window(included)
    assert_consistent(window)
    assert (window.used, window.remaining, window.in_flight) == (50, 0, 0)
    _exhausted(quota, included)


def test_the_next_reserve_and_the_next_commit_sweep_one_dead_lease_each_in_passing(
    books: Books, clock: Clock, kill: Kill
) -> None:
    account = books.open_account()
    kill("reserve", account.uid, account.uid, account.uid, lines=3)
    assert books.window(account).in_flight == 3
    clock.advance(LEASE_IS_OVER)
    charge = books.reserve(account)
    assert books.window(account).in_flight == 3  # two dead ones and our own
    assert books.commit(charge)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (2, 1)
    books.spend(account)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (2, 0)


def test_dead_leases_do_not_hold_the_places_of_pictures_in_flight(books: Books, clock: Clock, kill: Kill) -> None:
    account = books.open_account(plan="Free")
    kill("reserve", *[account.uid] * 4, lines=4)
    with pytest.raises(TooManyInFlight):
        books.reserve(account)
    clock.advance(LEASE_IS_OVER)
    taken, refused = race(6, lambda _: books.reserve(account), refusals=TooManyInFlight)
    assert (len(taken), len(refused)) == (4, 2)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (4, 4)


def test_the_usage_report_shows_a_dead_lease_as_given_back_and_gives_it_back(
    books: Books, clock: Clock, kill: Kill
) -> None:
    account = books.open_account()
    books.spend(account)
    kill("reserve", account.uid, account.uid, lines=2)
    report = books.reports.report(account, UsageQuery(billing_cycle=True))
    assert report.cycle is not None
    assert (report.app, report.api, report.cycle.remaining) == (2, 1, 97)
    clock.advance(LEASE_IS_OVER)
    report = books.reports.report(account, UsageQuery(billing_cycle=True))
    assert report.cycle is not None
    assert (report.app, report.api, report.cycle.app, report.cycle.remaining) == (0, 1, 0, 99)
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


def test_a_prepaid_credit_comes_back_by_the_report_by_the_next_request_and_by_the_next_prepaid_one(
    store: Store, clock: Clock, kill: Kill
) -> None:
    books = Books(store, clock, included=100)
    by_report, by_request, by_prepaid = [books.open_account(prepaid=1) for _ in range(3)]
    for account in (by_report, by_request, by_prepaid):
        for _ in range(100):
            books.spend(account)
    said = kill("reserve", by_report.uid, by_request.uid, by_prepaid.uid, lines=3)
    assert set(said) == {Bucket.PREPAID}
    for account in (by_report, by_request, by_prepaid):
        dead = books.account(account.uid)
        assert (dead.prepaid, dead.in_flight) == (0, 1)
        _exhausted(books, dead)
    clock.advance(LEASE_IS_OVER)

    assert books.reports.report(books.account(by_report.uid), UsageQuery()).prepaid == 1
    after = books.account(by_report.uid)
    assert (after.prepaid, after.in_flight) == (1, 0)

    picture(books.payment(books.account(by_request.uid)))
    after = books.account(by_request.uid)
    assert (after.prepaid, after.in_flight) == (0, 0)

    charge = books.reserve(by_prepaid)  # as it was read before the lease was over
    assert charge.bucket is Bucket.PREPAID
    after = books.account(by_prepaid.uid)
    assert (after.prepaid, after.in_flight) == (0, 1)


def test_a_process_killed_at_work_is_charged_what_it_committed(
    books: Books, clock: Clock, tables: Tables, kill: Kill
) -> None:
    account = books.open_account()
    said = kill("work", account.uid, lines=25)
    window = books.window(account)
    assert_consistent(window)
    clock.advance(LEASE_IS_OVER)
    books.credits.sweep_window(account.uid, window)
    window = books.window(account)
    assert_consistent(window)
    assert window.in_flight == 0
    assert len(said) <= window.used <= len(said) + 4  # at most one a thread was committed and not told


def test_a_killed_request_under_an_idempotency_key_is_taken_over_and_charged_once(
    books: Books, clock: Clock, kill: Kill
) -> None:
    account = books.open_account()
    kill("keyed", account.uid, lines=1)
    clock.advance(LEASE_IS_OVER)
    payment = books.payment(account, key="key")
    payment.begin(lambda: "fingerprint")
    window = books.window(account)
    assert (window.used, window.in_flight) == (1, 1)  # its own; the dead one was swept in passing
    payment.refund()
    assert books.window(account).used == 0
