"""Reservations as they are stored, and a window without one whose lease is over."""

import pytest

from rmbg.domain.calendar import Period
from rmbg.domain.credits import Account, ApiKey, Channel, Reservation, Window, WindowKind, expired

LEASE = Reservation("0123456789abcdefABCDEF", 1_700_000_000, Channel.API, "202611")


def test_a_reservation_is_one_short_text() -> None:
    assert LEASE.text == "1700000000|api|202611"
    assert LEASE.month_counter == "m202611_api"
    assert Reservation.parse(LEASE.id, LEASE.text) == LEASE
    assert len("r#" + LEASE.id + LEASE.text) <= 60


@pytest.mark.parametrize("text", ["", "1|api", "1|api|202611|x", "x|api|202611", "1|web|202611"])
def test_what_is_no_reservation_is_never_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        Reservation.parse("id", text)


def test_a_lease_is_over_at_its_very_second() -> None:
    assert expired((LEASE,), LEASE.expires_at - 1) == ()
    assert expired((LEASE,), LEASE.expires_at) == (LEASE,)


@pytest.mark.parametrize(("channel", "app", "api"), [(Channel.APP, 6, 4), (Channel.API, 7, 3)])
def test_a_window_without_an_expired_lease_counts_it_nowhere(channel: Channel, app: int, api: int) -> None:
    lease = Reservation("a", 5, channel, "202611")
    other = Reservation("b", 9, Channel.API, "202611")
    window = Window(
        kind=WindowKind.MONTH,
        period=Period(0, 100),
        included=50,
        used=11,
        remaining=39,
        app=7,
        api=4,
        months={"m202611_app": 7, "m202611_api": 4},
        in_flight=2,
        sync_version=8,
        hold=True,
        reservations=(lease, other),
    )
    given_back = window.without(lease)
    assert given_back == Window(
        kind=WindowKind.MONTH,
        period=Period(0, 100),
        included=50,
        used=10,
        remaining=40,
        app=app,
        api=api,
        months={"m202611_app": app, "m202611_api": api},
        in_flight=1,
        sync_version=8,
        hold=True,
        reservations=(other,),
    )
    assert dict(window.months) == {"m202611_app": 7, "m202611_api": 4}  # the old one is as it was


def test_a_key_that_was_revoked_is_none() -> None:
    account = Account(
        uid="u", email="", email_verified=True, plan="Free", included=50, keys=(ApiKey("k1", "rmbg_live_0aZ9", 0),)
    )
    assert account.key("k1") == ApiKey("k1", "rmbg_live_0aZ9", 0)
    assert account.key("k2") is None
    assert account.key("") is None
