"""Writes that happen while their answer is lost: whatever is sent again counts once.

The SDK's client has the attempts of production and a shorter patience; its pauses between attempts, and the budget
of retries that a client has for all its calls, are left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rmbg.domain.credits import Account, Bucket
from rmbg.errors import PublicError
from rmbg.services.authenticate import Authenticator
from rmbg.services.manage_keys import ManageKeys
from rmbg.services.operate import Operate, Operation
from rmbg.services.user_tokens import UserTokens
from rmbg.storage.database import ATTEMPTS, Database, StoreUnavailable
from rmbg.storage.store import Store
from tests.integration.accounts.books import LEASE_IS_OVER, Books, Clock, TrivialImaging, assert_consistent, picture
from tests.integration.accounts.lossy_proxy import Loss, LossyProxy, running_proxy
from tests.support.store import Store as Tables
from tools.local_store.tables import dynamodb_client

READ_SECONDS = 0.4
APPLIED = [Loss.ERROR, Loss.CLOSED, Loss.SILENT]


class _Fault(Exception):
    """Something broke."""


@pytest.fixture(scope="module")
def proxy(tables: Tables) -> Iterator[LossyProxy]:
    with running_proxy(tables.endpoint_url) as running:
        yield running


@pytest.fixture(scope="module")
def clients(proxy: LossyProxy) -> Iterator[dict[bool, Any]]:
    """Through the proxy; by whether they are impatient."""
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    found = {
        impatient: dynamodb_client(proxy.url, read_timeout=READ_SECONDS if impatient else 20, retries=retries)
        for impatient in (False, True)
    }
    yield found
    for client in found.values():
        client.close()


@pytest.fixture
def lossy_store(request: pytest.FixtureRequest, tables: Tables, clients: dict[bool, Any]) -> Store:
    """Only where no answer comes at all, the client's patience is short."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    client = clients[parameters.get("loss") is Loss.SILENT]
    return Store(Database(client, pause=lambda _: None), tables.core_table, tables.ephemeral_table)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.retries.quota
    import botocore.retries.standard

    monkeypatch.setattr(botocore.retries.quota.RetryQuota, "acquire", lambda *_: True)
    monkeypatch.setattr(botocore.retries.standard.ExponentialBackoff, "delay_amount", lambda *_: 0)


@dataclass
class Outcome:
    """A picture that was asked for: whether it was delivered, and what the client was told that it cost."""

    delivered: bool
    told: int


@dataclass(frozen=True)
class Scenario:
    """One way of paying. `fails`: there is no picture; `window`: the billing window is there already."""

    name: str
    prepaid: int = 0
    key: str = ""
    fails: bool = False
    window: bool = True

    @property
    def included(self) -> int:
        return 0 if self.prepaid else 100

    def open(self, books: Books) -> Account:
        account = books.open_account(prepaid=self.prepaid)
        if self.window:
            books.credits.refund(books.reserve(account))
        return account

    def run(self, books: Books, account: Account) -> Outcome:
        payment = books.payment(account, key=self.key)

        def fail() -> None:
            if self.fails:
                raise _Fault

        try:
            picture(payment, TrivialImaging(segment=fail))
        except (_Fault, PublicError):
            return Outcome(delivered=False, told=0)
        return Outcome(delivered=True, told=payment.credits_charged)


SCENARIOS = [
    Scenario("included"),
    Scenario("the first of a window", window=False),
    Scenario("prepaid", prepaid=5),
    Scenario("included, under a key", key="key"),
    Scenario("prepaid, under a key", prepaid=5, key="key"),
    Scenario("no picture", fails=True),
    Scenario("no picture, prepaid", prepaid=5, fails=True),
    Scenario("no picture, under a key", key="key", fails=True),
]
QUICK_SCENARIOS = {"included", "prepaid, under a key", "no picture"}
MOST_WRITES = 6  # failed RESERVE, SYNC, RESERVE, COMMIT; with a key one more; one in reserve


def _charged(books: Books, account: Account, scenario: Scenario) -> int:
    """What an account has paid once all leases are over, with its books checked."""
    after = books.account(account.uid)
    books.credits.sweep_account(after)
    for window in books.windows(account.uid):
        assert_consistent(window)
        books.credits.sweep_window(account.uid, window)
    after = books.account(account.uid)
    windows = books.windows(account.uid)
    for window in windows:
        assert_consistent(window)
        assert window.in_flight == 0
    assert (after.in_flight, after.reservations) == (0, ())
    return sum(window.used for window in windows) + scenario.prepaid - after.prepaid


@pytest.fixture
def exact(store: Store, clock: Clock) -> Callable[[int], Books]:
    """The same accounts, with nothing lost."""
    return lambda included: Books(store, clock, included=included)


@pytest.mark.parametrize(
    ("scenario", "loss"),
    [
        pytest.param(
            scenario,
            loss,
            id=f"{scenario.name}, {loss.name}",
            # each waits for the client's patience
            marks=[pytest.mark.slow] if loss is Loss.SILENT and scenario.name not in QUICK_SCENARIOS else [],
        )
        for scenario in SCENARIOS
        for loss in APPLIED
    ],
)
def test_each_lost_answer_in_turn_is_charged_exactly_once(
    proxy: LossyProxy,
    lossy_store: Store,
    clock: Clock,
    exact: Callable[[int], Books],
    scenario: Scenario,
    loss: Loss,
) -> None:
    books = exact(scenario.included)
    for number in range(1, MOST_WRITES + 1):
        account = scenario.open(books)
        with proxy.losing(loss, first=number) as plan:
            outcome = scenario.run(Books(lossy_store, clock, included=scenario.included), account)
        clock.advance(LEASE_IS_OVER)
        charged = _charged(books, account, scenario)
        assert outcome.delivered is not scenario.fails, plan.lost
        assert charged == outcome.told == (0 if scenario.fails else 1), plan.lost
        if not plan.lost:
            break
    assert not plan.lost, "the scenario has more writes than this test has lost"
    assert number > 2


@pytest.mark.parametrize(
    "loss", [Loss.ERROR, Loss.CLOSED, Loss.NEVER, pytest.param(Loss.SILENT, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_answers_lost_to_all_attempts_are_charged_at_most_once_and_nobody_pays_for_a_503(
    proxy: LossyProxy,
    lossy_store: Store,
    clock: Clock,
    exact: Callable[[int], Books],
    scenario: Scenario,
    loss: Loss,
) -> None:
    books = exact(scenario.included)
    for number in range(1, MOST_WRITES + 1):
        account = scenario.open(books)
        with proxy.losing(loss, first=number, count=ATTEMPTS) as plan:
            outcome = scenario.run(Books(lossy_store, clock, included=scenario.included), account)
        clock.advance(LEASE_IS_OVER)
        charged = _charged(books, account, scenario)
        assert charged == outcome.told if outcome.delivered else charged == 0, plan.lost
        if not plan.lost:
            break


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_writes_that_arrive_long_after_the_client_gave_up_are_charged_to_nobody(
    proxy: LossyProxy, lossy_store: Store, clock: Clock, exact: Callable[[int], Books], scenario: Scenario
) -> None:
    books = exact(scenario.included)
    for number in range(1, MOST_WRITES + 1):
        account = scenario.open(books)
        with proxy.losing(Loss.LATE, first=number) as plan:
            outcome = scenario.run(Books(lossy_store, clock, included=scenario.included), account)
        proxy.apply_late()  # a second RESERVE after its COMMIT: a lease like any other
        clock.advance(LEASE_IS_OVER)
        assert _charged(books, account, scenario) == outcome.told == (0 if scenario.fails else 1), plan.lost
        if not plan.lost:
            break


def test_a_commit_that_stays_unknown_delivers_the_picture_when_the_time_is_up(
    proxy: LossyProxy, lossy_store: Store, clock: Clock, books: Books
) -> None:
    lossy = Books(lossy_store, clock)
    account = books.open_account()
    charge = books.reserve(account)
    left = iter([0.5, 0.0])
    with proxy.losing(Loss.NEVER, first=1, count=2 * ATTEMPTS) as plan:
        known = lossy.credits.commit(charge, deadline=lambda: next(left))
    assert (known, len(plan.lost)) == (False, 2 * ATTEMPTS)
    clock.advance(LEASE_IS_OVER)
    books.credits.sweep_window(account.uid, books.window(account))
    assert books.window(account).used == 0  # at worst it was free


@pytest.mark.parametrize("prepaid", [0, 5])
def test_a_reserve_whose_answers_are_all_lost_is_given_back_at_once(
    proxy: LossyProxy, lossy_store: Store, clock: Clock, exact: Callable[[int], Books], prepaid: int
) -> None:
    scenario = Scenario("", prepaid=prepaid)
    books = exact(scenario.included)
    account = scenario.open(books)
    number = 2 if prepaid else 1  # the first RESERVE of an empty window fails
    with proxy.losing(Loss.ERROR, first=number, count=ATTEMPTS), pytest.raises(StoreUnavailable) as refusal:
        Books(lossy_store, clock, included=scenario.included).reserve(account)
    assert refusal.value.status == 503
    assert (books.window(account).in_flight, books.account(account.uid).in_flight) == (0, 0)
    assert books.account(account.uid).prepaid == prepaid


@pytest.mark.parametrize("loss", [Loss.ERROR, Loss.CLOSED, Loss.NEVER])
def test_a_request_that_fails_as_its_key_is_written_can_be_sent_again_at_once(
    proxy: LossyProxy, lossy_store: Store, clock: Clock, books: Books, loss: Loss
) -> None:
    account = books.open_account()
    with proxy.losing(loss, first=1, count=ATTEMPTS), pytest.raises(StoreUnavailable):
        picture(Books(lossy_store, clock).payment(account, key="key"))
    picture(books.payment(account, key="key"))
    assert books.window(account).used == 1


@pytest.mark.parametrize("loss", APPLIED, ids=lambda loss: loss.name)
def test_a_repetition_whose_answer_is_lost_costs_nothing_and_is_one_of_three(
    proxy: LossyProxy, lossy_store: Store, clock: Clock, books: Books, loss: Loss
) -> None:
    account = books.open_account()
    picture(books.payment(account, key="key"))
    for number in (1, 2, 2):  # the key's writes: its start, which fails, and the repetition
        with proxy.losing(loss, first=number) as plan:
            payment = Books(lossy_store, clock).payment(account, key="key")
            picture(payment)
        assert (len(plan.lost), payment.credits_charged) == (1, 0)
    with pytest.raises(PublicError) as refusal:
        picture(books.payment(account, key="key"))
    assert refusal.value.status == 409
    window = books.window(account)
    assert_consistent(window)
    assert (window.used, window.in_flight) == (1, 0)


@pytest.mark.parametrize("loss", APPLIED, ids=lambda loss: loss.name)
def test_a_key_whose_creation_is_answered_at_the_second_attempt_is_one_key_that_works(
    proxy: LossyProxy, lossy_store: Store, clock: Clock, books: Books, loss: Loss
) -> None:
    account = books.open_account()
    with proxy.losing(loss, first=1) as plan:
        made = ManageKeys(lossy_store, clock=clock).create(account)
    assert plan.lost == ["TransactWriteItems"]
    assert [key.id for key in books.account(account.uid).keys] == [made.key.id]
    authenticator = Authenticator(books.store, books.catalogue, UserTokens("", ""), clock)
    assert authenticator.by_key(made.text).account.uid == account.uid


@pytest.mark.parametrize("loss", [*APPLIED, Loss.NEVER], ids=lambda loss: loss.name)
@pytest.mark.parametrize("count", [1, ATTEMPTS])
def test_a_grant_that_is_repeated_until_it_is_answered_counts_once(
    proxy: LossyProxy, lossy_store: Store, clock: Clock, books: Books, loss: Loss, count: int
) -> None:
    account = books.open_account(prepaid=10)
    operate = Operate(lossy_store, books.catalogue, clock)
    operation = Operation("op-1", "credits-grant", "operator", "a test")
    with proxy.losing(loss, first=1, count=count):
        if count == ATTEMPTS:
            with pytest.raises(StoreUnavailable):
                operate.add_credits(operation, account.uid, 7)
        else:
            assert operate.add_credits(operation, account.uid, 7) == 17
    for _ in range(2):
        assert operate.add_credits(operation, account.uid, 7) == 17
    assert books.account(account.uid).prepaid == 17


def test_every_bucket_was_lost_from() -> None:
    assert {Bucket.PREPAID if scenario.prepaid else Bucket.INCLUDED for scenario in SCENARIOS} == set(Bucket)
