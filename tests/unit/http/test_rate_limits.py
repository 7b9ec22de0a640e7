"""Announced limits: both headers are structured lists, and say what draft-ietf-httpapi-ratelimit-headers-10 means."""

import re

import pytest

from rmbg.domain.calendar import Period
from rmbg.domain.gcra import Decision, Gcra
from rmbg.http.rate_limits import Limit, credits_limit, daily_limit, limit_headers, short_headers, short_limit

NOW_MS = 1_700_000_000_500
GCRA = Gcra(interval_ms=100, burst=50)

Parsed = list[tuple[str, dict[str, int]]]


def parse_list(text: str) -> Parsed:
    """A list of strings with whole-number parameters (RFC 9651, sections 4.2.1 to 4.2.5); ValueError for the rest."""
    members: Parsed = []
    rest = text
    while True:
        string = re.match(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"', rest)
        if not string:
            raise ValueError(f"no string at {rest!r}")
        rest = rest[string.end() :]
        parameters: dict[str, int] = {}
        while rest.startswith(";"):
            parameter = re.match(r"; *([a-z*][a-z0-9_.*-]*)=(-?[0-9]{1,15})(?![0-9.])", rest)
            if not parameter:
                raise ValueError(f"no parameter at {rest!r}")
            parameters[parameter[1]] = int(parameter[2])
            rest = rest[parameter.end() :]
        members.append((string[1], parameters))
        if not rest:
            return members
        comma = re.match(r"[ \t]*,[ \t]*(?=.)", rest)
        if not comma:
            raise ValueError(f"no comma at {rest!r}")
        rest = rest[comma.end() :]


def test_the_parser_of_these_tests_refuses_what_is_no_list() -> None:
    for text in ("", "short;q=1", '"a";q=1,', '"a"; Q=1', '"a";q=1.5', '"a" "b"', '"é"', '"a";q=' + "1" * 16):
        with pytest.raises(ValueError, match="at"):
            parse_list(text)


def test_nothing_to_announce_is_no_header() -> None:
    assert limit_headers([]) == {}


def test_an_account_s_headers() -> None:
    limits = [
        short_limit(GCRA.decision(NOW_MS + 350, NOW_MS, allowed=True)),
        credits_limit(20_000, Period(1_699_000_000, 1_701_592_000), remaining=18_499, now=1_700_000_000),
    ]
    headers = limit_headers(limits)
    assert headers == {
        "RateLimit-Policy": '"short";q=50;w=5, "credits";q=20000;w=2592000',
        "RateLimit": '"short";r=46;t=1, "credits";r=18499;t=1592000',
    }
    assert parse_list(headers["RateLimit-Policy"]) == [
        ("short", {"q": 50, "w": 5}),
        ("credits", {"q": 20_000, "w": 2_592_000}),
    ]
    assert parse_list(headers["RateLimit"]) == [
        ("short", {"r": 46, "t": 1}),
        ("credits", {"r": 18_499, "t": 1_592_000}),
    ]


def test_an_anonymous_caller_s_headers() -> None:
    headers = limit_headers([daily_limit(5, remaining=0, now=1_700_006_399)])
    assert headers == {"RateLimit-Policy": '"daily";q=5;w=86400', "RateLimit": '"daily";r=0;t=1'}
    for text in headers.values():
        parse_list(text)


def test_a_state_that_nobody_looked_at_is_left_out() -> None:
    unknown = credits_limit(50, Period(0, 100), remaining=None, now=40)
    headers = limit_headers([short_limit(GCRA.decision(NOW_MS + 100, NOW_MS, allowed=True)), unknown])
    assert headers == {"RateLimit-Policy": '"short";q=50;w=5, "credits";q=50;w=100', "RateLimit": '"short";r=49;t=1'}
    assert limit_headers([unknown]) == {"RateLimit-Policy": '"credits";q=50;w=100'}
    assert limit_headers([daily_limit(5, remaining=None, now=0)]) == {"RateLimit-Policy": '"daily";q=5;w=86400'}


def test_the_largest_numbers_there_can_be_are_still_integers() -> None:
    period = Period(0, 9_999_999_999)
    limits = [
        short_limit(Gcra(1_000_000, 100_000).decision(10**13, 0, allowed=True)),
        credits_limit(10**9, period, remaining=10**14, now=0),
    ]
    for text in limit_headers(limits).values():
        assert all(value >= 0 for _, parameters in parse_list(text) for value in parameters.values())


def test_a_window_that_ended_in_between_is_reset_now() -> None:
    assert credits_limit(50, Period(0, 100), remaining=7, now=101) == Limit("credits", 50, 100, 7, 0)


def test_the_older_spelling_is_the_short_limit_with_the_reset_in_epoch_seconds() -> None:
    assert short_headers(GCRA.decision(NOW_MS + 350, NOW_MS, allowed=True)) == {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "46",
        "X-RateLimit-Reset": "1700000001",
    }
    refused = GCRA.decision(NOW_MS + 5000, NOW_MS, allowed=False)
    assert short_headers(refused)["X-RateLimit-Remaining"] == "0"
    assert short_limit(refused) == Limit("short", 50, 5, 0, 5)


def test_both_spellings_say_the_same() -> None:
    decision = Decision(
        allowed=True, limit=9, remaining=3, window_seconds=2, full_at=1000, full_in_seconds=1, retry_after_seconds=0
    )
    limit = short_limit(decision)
    older = short_headers(decision)
    assert (str(limit.quota), str(limit.remaining)) == (older["X-RateLimit-Limit"], older["X-RateLimit-Remaining"])
