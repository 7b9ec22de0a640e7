"""Callers without an account: so many pictures a day each, and so many for all together."""

import itertools
from collections.abc import Callable

import pytest

from rmbg.domain.calendar import DAY_SECONDS, day_name
from rmbg.errors import PublicError
from rmbg.services.anonymous import AnonymousCallers, DailyLimitReached
from rmbg.services.payments import AnonymousPayment
from rmbg.storage import schema
from rmbg.storage.database import Row
from rmbg.storage.schema import Key
from rmbg.storage.store import Store
from tests.integration.accounts.books import NOW, Clock, TrivialImaging, picture, race

_days = itertools.count(1)
Callers = Callable[..., AnonymousCallers]


@pytest.fixture
def clock() -> Clock:
    """Noon of a day that no other test has: its total is everybody's."""
    return Clock(NOW + next(_days) * 10 * DAY_SECONDS)


@pytest.fixture
def callers(store: Store, clock: Clock) -> Callers:
    """Each call is another process."""
    return lambda limit=5, total=20: AnonymousCallers(store, daily_limit=limit, daily_limit_total=total, clock=clock)


@pytest.fixture
def counted(store: Store, clock: Clock) -> Callable[[str], int]:
    """What is counted of a caller today; of all for an empty name."""

    def count(caller: str) -> int:
        day = day_name(int(clock()))
        key: Key = schema.anonymous_day(day, caller) if caller else schema.anonymous_day_total(day)
        row: Row = (
            store.database.get(
                {
                    "TableName": store.ephemeral,
                    "Key": {"pk": {"S": key.pk}, "sk": {"S": key.sk}},
                    "ConsistentRead": True,
                }
            )
            or {}
        )
        return int(row.get("count", 0))

    return count


def test_50_racers_of_one_address_are_five(callers: Callers, counted: Callable[[str], int], clock: Clock) -> None:
    service = callers()
    taken, refused = race(50, lambda _: service.count("somebody"), refusals=DailyLimitReached)
    assert (len(taken), len(refused)) == (5, 45)
    assert sorted(count.remaining for count in taken) == [0, 1, 2, 3, 4]
    assert (counted("somebody"), counted("")) == (5, 5)
    error = refused[0]
    assert isinstance(error, DailyLimitReached)
    assert error.message == "You've reached your daily limit. Please sign up for more access."
    assert (error.status, error.headers["Retry-After"]) == (429, str(DAY_SECONDS // 2))


def test_50_racers_of_50_addresses_are_20_and_the_others_are_not_counted(
    callers: Callers, counted: Callable[[str], int]
) -> None:
    service = callers()
    taken, refused = race(50, lambda index: service.count(f"caller-{index}"), refusals=DailyLimitReached)
    assert (len(taken), len(refused)) == (20, 30)
    assert counted("") == sum(counted(f"caller-{index}") for index in range(50)) == 20


def test_racers_of_ten_addresses_are_five_each_and_20_together(callers: Callers, counted: Callable[[str], int]) -> None:
    service = callers()
    taken, _ = race(100, lambda index: service.count(f"caller-{index % 10}"), refusals=DailyLimitReached)
    each = [counted(f"caller-{index}") for index in range(10)]
    assert len(taken) == sum(each) == counted("") == 20
    assert max(each) <= 5


@pytest.mark.parametrize("pictures", [4, 5, 6])
def test_the_fifth_picture_is_served_and_not_the_sixth(callers: Callers, pictures: int) -> None:
    service = callers()
    served = 0
    for _ in range(pictures):
        try:
            service.count("somebody")
            served += 1
        except DailyLimitReached:
            break
    assert served == min(pictures, 5)


@pytest.mark.parametrize(("limit", "total"), [(0, 20), (5, 0), (0, 0)])
def test_a_limit_of_nothing_serves_nobody_and_counts_nothing(
    callers: Callers, counted: Callable[[str], int], limit: int, total: int
) -> None:
    with pytest.raises(DailyLimitReached):
        callers(limit, total).count("somebody")
    assert (counted("somebody"), counted("")) == (0, 0)


@pytest.mark.parametrize("error", [PublicError(503, "busy"), RuntimeError(), KeyboardInterrupt()])
def test_a_failed_picture_is_given_back(callers: Callers, counted: Callable[[str], int], error: BaseException) -> None:
    service = callers(1, 1)

    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        picture(AnonymousPayment(service, "somebody"), TrivialImaging(segment=fail))
    assert (counted("somebody"), counted("")) == (0, 0)
    payment = AnonymousPayment(service, "somebody")
    picture(payment)
    assert (payment.credits_charged, payment.remaining) == (0, 0)
    assert (counted("somebody"), counted("")) == (1, 1)


def test_what_was_refused_is_not_given_back(callers: Callers, counted: Callable[[str], int]) -> None:
    service = callers(1, 5)
    picture(AnonymousPayment(service, "somebody"))
    for _ in range(3):
        payment = AnonymousPayment(service, "somebody")
        with pytest.raises(DailyLimitReached):
            picture(payment)
        payment.refund()
    assert (counted("somebody"), counted("")) == (1, 1)


def test_given_back_more_often_than_counted_is_never_below_nothing(
    callers: Callers, counted: Callable[[str], int]
) -> None:
    service = callers()
    day = service.count("somebody")
    race(10, lambda _: service.give_back(day))
    assert (counted("somebody"), counted("")) == (0, 0)


def test_a_picture_over_midnight_is_given_back_to_its_own_day(
    callers: Callers, counted: Callable[[str], int], clock: Clock
) -> None:
    service = callers()
    day = service.count("somebody")
    clock.advance(DAY_SECONDS)
    service.count("somebody")
    service.give_back(day)
    assert (counted("somebody"), counted("")) == (1, 1)
    clock.advance(-DAY_SECONDS)
    assert (counted("somebody"), counted("")) == (0, 0)


def test_the_day_begins_anew_at_midnight_utc(callers: Callers, clock: Clock) -> None:
    service = callers(1, 20)
    clock.advance(DAY_SECONDS // 2 - 1)
    service.count("somebody")
    with pytest.raises(DailyLimitReached) as refusal:
        service.count("somebody")
    assert refusal.value.headers["Retry-After"] == "1"
    clock.advance(1)
    service.count("somebody")


def test_all_processes_call_an_address_the_same_on_a_day_and_otherwise_on_the_next(
    callers: Callers, clock: Clock
) -> None:
    names, _ = race(20, lambda _: callers().identify("192.0.2.1"))
    assert len(set(names)) == 1
    service = callers()
    today = service.identify("192.0.2.1")
    clock.advance(DAY_SECONDS)
    assert today == names[0] != service.identify("192.0.2.1") == callers().identify("192.0.2.1")
    assert "192" not in today


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:DB8:1:2:0:0:0:1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("", "192.0.2.1", False),
        ("no address", "no address", True),
    ],
)
def test_a_caller_is_an_ipv4_address_or_an_ipv6_network_of_64_bits(
    callers: Callers, one: str, other: str, same: bool
) -> None:
    service = callers()
    assert (service.identify(one) == service.identify(other)) is same
