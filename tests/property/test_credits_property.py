"""Credits under any sequence of steps, answers lost on the way included: the books are those of a simple model.

The model knows who has committed and what was granted, and nothing of items: all that is stored must follow from it.
"""

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from rmbg.domain.calendar import DAY_SECONDS
from rmbg.domain.credits import Bucket, Channel, expired
from rmbg.domain.windows import standing
from rmbg.services.credits import Charge, CreditsExhausted, TooManyInFlight
from rmbg.services.operate import Operate, Operation
from rmbg.storage import credits
from rmbg.storage.database import ConditionFailed, Database, StoreUnavailable
from rmbg.storage.schema import Key
from rmbg.storage.store import Store
from tests.integration.accounts.books import LEASE_IS_OVER, Books, Clock, assert_consistent, instant

INCLUDED = 6
MAX_IN_FLIGHT = 3

# What becomes of one write after the other: `twice` is an attempt of the SDK whose answer was lost, and another one.
fates = st.lists(st.sampled_from(["fine", "twice", "lost", "never"]), max_size=3)
fair_fates = st.lists(st.sampled_from(["fine", "twice"]), max_size=3)
channels = st.sampled_from(list(Channel))


class LossyClient:
    """A client of DynamoDB whose next writes have these fates."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.fates: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._client, operation)
        if operation not in ("update_item", "transact_write_items"):
            return call  # type: ignore[no-any-return]

        def write(**request: Any) -> Any:
            fate = self.fates.pop(0) if self.fates else "fine"
            if fate == "never":
                raise ConnectionClosedError(endpoint_url="")
            if fate in ("twice", "lost"):
                with contextlib.suppress(ClientError):
                    call(**request)
            if fate == "lost":
                raise ConnectionClosedError(endpoint_url="")
            return call(**request)

        return write


@dataclass
class Grant:
    """An operator's change of the prepaid balance, as it was asked for."""

    operation: Operation
    amount: int


class CreditMachine(RuleBasedStateMachine):
    """One account; a credit is one of a window's or a prepaid one."""

    store: Store  # the emulator's

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(instant("2026-11-27T00:00:00"))
        self.client = LossyClient(self.store.database._client)
        lossy = Store(Database(self.client, pause=lambda _: None), self.store.core, self.store.ephemeral)
        self.books = Books(lossy, self.clock, INCLUDED, MAX_IN_FLIGHT)
        self.operate = Operate(lossy, self.books.catalogue, self.clock)
        self.account = self.books.open_account(prepaid=2)
        self.balance = 2  # granted, less what was committed
        self.open: dict[str, Charge] = {}
        self.ghosts: set[str] = set()  # their caller heard of no success; they may be stored all the same
        self.committed: Counter[Key] = Counter()
        self.by_channel: Counter[tuple[Key, Channel]] = Counter()
        self.allowance: dict[Key, int] = {}
        self.grants: list[Grant] = []
        self.version = 0
        self.numbers = itertools.count(1)

    @rule(channel=channels, capped=st.booleans(), planned=st.one_of(fair_fates, fates), lease=st.integers(5, 90))
    def reserve(self, channel: Channel, capped: bool, planned: list[str], lease: int) -> None:
        reservation_id = f"{next(self.numbers):022d}"
        self.client.fates = list(planned)
        is_fair = not {"lost", "never"} & set(planned)
        self.account = self.books.account(self.account.uid)
        try:
            charge = self.books.credits.reserve(
                self.account, channel, reservation_id, lease_seconds=lease, capped=capped
            )
        except StoreUnavailable:
            assert not is_fair
            self.ghosts.add(reservation_id)
        except TooManyInFlight:
            assert capped
            if is_fair:
                assert max(self._window_in_flight(), self._account_in_flight()) >= MAX_IN_FLIGHT
        except CreditsExhausted:
            if is_fair:
                window = self.books.window(self.account)
                assert window.remaining < 1
                assert not expired(window.reservations, int(self.clock()))
                assert self.books.account(self.account.uid).prepaid < 1
        else:
            self.open[reservation_id] = charge
            if charge.bucket is Bucket.INCLUDED:
                assert self.books.window(self.account).remaining >= 0  # never oversold
            else:
                assert self.books.account(self.account.uid).prepaid >= 0
        finally:
            self.client.fates = []

    @precondition(lambda self: self.open)
    @rule(data=st.data(), planned=fates)
    def commit(self, data: st.DataObject, planned: list[str]) -> None:
        reservation_id = data.draw(st.sampled_from(sorted(self.open)))
        charge = self.open[reservation_id]
        was_stored = reservation_id in self._stored()
        self.client.fates = list(planned)
        known = self.books.credits.commit(charge, deadline=lambda: 0.0)
        self.client.fates = []
        first = planned[0] if planned else "fine"
        assert known is (first in ("fine", "twice"))
        if first == "never":
            self.ghosts.add(reservation_id)
        elif was_stored:
            self._count(charge)
        del self.open[reservation_id]

    @precondition(lambda self: self.open)
    @rule(data=st.data(), planned=fates)
    def refund(self, data: st.DataObject, planned: list[str]) -> None:
        reservation_id = data.draw(st.sampled_from(sorted(self.open)))
        self.client.fates = list(planned)
        self.books.credits.refund(self.open.pop(reservation_id))
        self.client.fates = []
        if planned and planned[0] == "never":
            self.ghosts.add(reservation_id)

    @rule(planned=fates)
    def sweep(self, planned: list[str]) -> None:
        account, windows = self.books.account(self.account.uid), self.books.windows(self.account.uid)
        self.client.fates = list(planned)
        for window in windows:
            self.books.credits.sweep_window(account.uid, window)
        self.books.credits.sweep_account(account)
        self.client.fates = []

    @rule(included=st.integers(0, 10), is_new=st.booleans())
    def synchronise(self, included: int, is_new: bool) -> None:
        """A new allowance for the current window; an older event comes late and changes nothing."""
        self.version += is_new
        state = standing(self.account, self.books.catalogue, int(self.clock()))
        key = self.books.window_key(self.account)
        request = credits.sync_window(
            self.store.core, key, period=state.period, included=included, version=self.version, source="stripe"
        )
        row = self.books.row(key)
        applies = row is None or int(row["sv"]) < self.version
        try:
            self.store.database.update(request)
        except ConditionFailed:
            assert not applies
        else:
            assert applies
            self.allowance[key] = included

    @rule(amount=st.integers(-4, 4), planned=fates)
    def grant(self, amount: int, planned: list[str]) -> None:
        change = Grant(Operation(str(next(self.numbers)), "credits", "operator", "a test"), amount)
        self.client.fates = list(planned)
        try:
            self.operate.add_credits(change.operation, self.account.uid, amount)
        except StoreUnavailable:
            self.client.fates = []
            assert self.operate.add_credits(change.operation, self.account.uid, amount) == (
                self.books.account(self.account.uid).prepaid
            )
        self.client.fates = []
        self.balance += amount
        self.grants.append(change)

    @precondition(lambda self: self.grants)
    @rule(data=st.data())
    def repeat_a_grant(self, data: st.DataObject) -> None:
        change = data.draw(st.sampled_from(self.grants))
        self.operate.add_credits(change.operation, self.account.uid, change.amount)

    @rule(seconds=st.sampled_from([1, 30, LEASE_IS_OVER, DAY_SECONDS]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def the_books_follow_from_what_happened(self) -> None:
        account, windows = self.books.account(self.account.uid), self.books.windows(self.account.uid)
        stored = self._stored()
        now = int(self.clock())
        assert set(stored) <= set(self.open) | self.ghosts
        for reservation_id, charge in self.open.items():
            if charge.reservation.expires_at > now:
                assert stored[reservation_id] == charge.key
        for window in windows:
            assert_consistent(window)
            key = self._key(window.period.start)
            assert window.used == self.committed[key] + window.in_flight
            for channel in Channel:
                counted = window.app if channel is Channel.APP else window.api
                running = sum(reservation.channel is channel for reservation in window.reservations)
                assert counted == self.by_channel[key, channel] + running
            assert window.included == self.allowance.get(key, INCLUDED)
        assert account.in_flight == len(account.reservations)
        assert account.prepaid == self.balance - len(account.reservations)

    def teardown(self) -> None:
        """Whatever was left behind is back when its lease is over."""
        self.client.fates = []
        self.clock.advance(2 * LEASE_IS_OVER)
        self.sweep([])
        self.open.clear()
        assert self._stored() == {}
        self.the_books_follow_from_what_happened()

    def _stored(self) -> dict[str, Key]:
        """Where each reservation is; none is in two items."""
        found = [
            (reservation.id, self._key(window.period.start))
            for window in self.books.windows(self.account.uid)
            for reservation in window.reservations
        ]
        account_key = Key(f"U#{self.account.uid}", "ACCT")
        found += [(reservation.id, account_key) for reservation in self.books.account(self.account.uid).reservations]
        assert len(found) == len(dict(found))
        return dict(found)

    def _key(self, start: int) -> Key:
        return Key(f"U#{self.account.uid}", f"W#{start:010d}#M")

    def _count(self, charge: Charge) -> None:
        if charge.bucket is Bucket.PREPAID:
            self.balance -= 1
        else:
            self.committed[charge.key] += 1
            self.by_channel[charge.key, charge.reservation.channel] += 1

    def _window_in_flight(self) -> int:
        return self.books.window(self.account).in_flight

    def _account_in_flight(self) -> int:
        return self.books.account(self.account.uid).in_flight


@pytest.mark.parametrize(
    ("examples", "steps"), [(10, 25), pytest.param(60, 50, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_any_sequence_of_steps_keeps_the_books_exact(emulated_store: Store, examples: int, steps: int) -> None:
    machine = type("Machine", (CreditMachine,), {"store": emulated_store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
