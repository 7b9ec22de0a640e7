"""Who is let in at which endpoint, in the order of the error table, and what is announced to them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.event_handler import Response

from rmbg.config import load_catalogue
from rmbg.domain.credits import Account, Channel
from rmbg.domain.gcra import Decision, Gcra
from rmbg.domain.plans import RateLimit
from rmbg.errors import PublicError
from rmbg.http.admission import Admission
from rmbg.http.application import Application
from rmbg.http.responses import json_response
from rmbg.http.services import Services
from rmbg.services.anonymous import DailyLimitReached, DayCount
from rmbg.services.authenticate import Identity
from rmbg.services.credits import CreditsExhausted
from rmbg.services.payments import AccountPayment, AnonymousPayment
from tests.support.events import Context, proxy_event

NOW_MS = 1_700_000_000_000
ACCOUNT = Account(uid="u1", email="", email_verified=True, plan="Free", included=50)
KEY, TOKEN, BASIC = {"x-api-key": "key"}, {"authorization": "Bearer token"}, {"authorization": "Basic eA=="}
MISTAKE = (400, "This is a mistake: Cannot use both API key and user token")
NO_KEY, NO_TOKEN = (401, "invalid api key"), (401, "invalid user token")
ENDPOINTS = [("key", KEY), ("token", TOKEN), ("either", KEY), ("either", TOKEN), ("payment", KEY), ("payment", TOKEN)]
SHORT = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@dataclass
class World:
    """Everything behind the admission, and what was asked of it."""

    allowed: bool = True
    refusal: PublicError | None = None
    asked: list[str] = field(default_factory=list)
    rates: list[tuple[str, RateLimit]] = field(default_factory=list)
    remaining: int | None = None
    work: Callable[[], None] = lambda: None

    def by_key(self, key: str) -> Identity:
        return self._identity("key", Identity(ACCOUNT, Channel.API, "key_1"))

    def by_token(self, token: str) -> Identity:
        return self._identity("token", Identity(ACCOUNT, Channel.APP))

    def _identity(self, what: str, identity: Identity) -> Identity:
        self.asked.append(what)
        if self.refusal:
            raise self.refusal
        return identity

    def note_use(self, identity: Identity) -> None:
        self.asked.append("use")

    def identify(self, address: str) -> str:
        self.asked.append(f"address {address}")
        return "hash"

    def check(self, key: Any, rate: RateLimit) -> Decision:
        self.rates.append((key.pk, rate))
        gcra = Gcra.of(rate)
        tat_ms = NOW_MS + gcra.interval_ms if self.allowed else NOW_MS + gcra.tolerance_ms + 7000
        return gcra.decision(tat_ms, NOW_MS, allowed=self.allowed)

    def call(self, what: str, headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        """The status, the error and the headers of an endpoint that asks for a key, a token or a payment."""
        application = Application(cors_allow_origin="")
        settings = SimpleNamespace(catalogue=load_catalogue(""), anonymous_rate=RateLimit(5, 0.2))
        callers = SimpleNamespace(identify=self.identify, daily_limit=5)
        services = SimpleNamespace(
            settings=settings,
            authenticator=self,
            limiter=self,
            anonymous_callers=callers,
            store=None,
            credits=None,
            idempotency_keys=None,
        )
        admission = Admission(application, cast("Services", services))

        @application.router.post("/rmbg")
        def endpoint() -> Response[str]:
            match what:
                case "key":
                    assert admission.by_key() is ACCOUNT
                case "token":
                    assert admission.by_token() is ACCOUNT
                case "either":
                    identity = admission.by_key_or_token()
                    assert identity.account is ACCOUNT
                    assert identity.channel is (Channel.API if "x-api-key" in headers else Channel.APP)
                case _:
                    payment = admission.payment(26)
                    expected = AccountPayment if headers else AnonymousPayment
                    assert isinstance(payment, expected)
                    if isinstance(payment, AccountPayment):
                        taken: Any = SimpleNamespace(remaining=self.remaining, identity=payment.identity)
                    else:
                        taken = payment
                        if self.remaining is not None:
                            payment._counted = DayCount((), self.remaining)
                    with admission.announced(taken):
                        self.work()
            return json_response(200, {"error": ""})

        answer: dict[str, Any] = application(proxy_event("POST", "/rmbg", headers=headers), Context())  # type: ignore[arg-type]
        headers_of_answer = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        return answer["statusCode"], json.loads(answer["body"])["error"], headers_of_answer


# rows 1 and 2


@pytest.mark.parametrize("what", ["key", "token", "either", "payment"])
@pytest.mark.parametrize("other", [TOKEN, BASIC])
def test_row_1_comes_first_everywhere_and_asks_nobody(what: str, other: dict[str, str]) -> None:
    world = World()
    status, error, headers = world.call(what, {**KEY, **other})
    assert (status, error) == MISTAKE
    assert (world.asked, world.rates) == ([], [])
    assert not set(SHORT) & set(headers)  # nothing before row 4 announces


@pytest.mark.parametrize(
    ("what", "headers", "expected"),
    [
        ("key", {}, NO_KEY),
        ("key", TOKEN, NO_KEY),
        ("key", BASIC, NO_KEY),
        ("key", {"x-api-key": " "}, NO_KEY),
        ("token", {}, NO_TOKEN),
        ("token", KEY, NO_TOKEN),
        ("token", BASIC, NO_TOKEN),
        ("token", {"authorization": "Bearer "}, NO_TOKEN),
        ("either", {}, NO_KEY),
        ("either", {"x-api-key": "", "authorization": "Bearer "}, NO_KEY),
        ("either", BASIC, NO_TOKEN),
        ("payment", BASIC, NO_TOKEN),
    ],
)
def test_who_sends_nothing_that_an_endpoint_takes(
    what: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    world = World()
    assert world.call(what, headers)[:2] == expected
    assert (world.asked, world.rates) == ([], [])


@pytest.mark.parametrize(("what", "headers"), ENDPOINTS)
def test_rows_2_and_3_come_before_row_4(what: str, headers: dict[str, str]) -> None:
    world = World(allowed=False, refusal=PublicError(403, "no"))
    status, error, answered = world.call(what, headers)
    assert (status, error) == (403, "no")
    assert world.rates == []
    assert not set(SHORT) & set(answered)


# row 4


@pytest.mark.parametrize(("what", "headers"), ENDPOINTS)
def test_an_account_is_limited_by_its_plan_at_every_endpoint(what: str, headers: dict[str, str]) -> None:
    world = World()
    status, _, answered = world.call(what, headers)
    assert status == 200
    assert world.rates == [("RL#U#u1", RateLimit(10, 1.0))]
    assert world.asked == ["token" if headers is TOKEN else "key", "use"]
    assert [answered[name] for name in SHORT] == ["10", "9", "1700000001"]
    assert answered["RateLimit"] == '"short";r=9;t=1'
    assert answered["RateLimit-Policy"].startswith('"short";q=10;w=10, "credits";q=50;w=')


def test_nobody_is_limited_by_address() -> None:
    world = World()
    status, _, answered = world.call("payment", {})
    assert status == 200
    assert world.asked == ["address 192.0.2.7"]
    assert world.rates == [("RL#A#hash", RateLimit(5, 0.2))]
    assert answered["RateLimit-Policy"] == '"short";q=5;w=25, "daily";q=5;w=86400'
    assert answered["RateLimit"] == '"short";r=4;t=5'


@pytest.mark.parametrize(("what", "headers"), [("key", KEY), ("token", TOKEN), ("payment", KEY), ("payment", {})])
def test_row_4_says_when_to_come_again(what: str, headers: dict[str, str]) -> None:
    world = World(allowed=False)
    status, error, answered = world.call(what, headers)
    assert (status, error) == (429, "You're making requests too quickly, Please Upgrade or slow down.")
    assert answered["Retry-After"] == "7"
    assert answered["X-RateLimit-Remaining"] == "0"
    assert answered["RateLimit"].startswith('"short";r=0;t=')
    assert "use" not in world.asked


# Idempotency-Key


@pytest.mark.parametrize("value", ["x", " ~!", "a" * 255])
def test_a_good_idempotency_key(value: str) -> None:
    assert World().call("payment", {**KEY, "Idempotency-Key": value})[0] == 200


@pytest.mark.parametrize("value", ["a" * 256, "é", "a\tb", "\x7f", "a\nb"])
def test_a_bad_idempotency_key_is_told_after_row_4(value: str) -> None:
    status, error, answered = World().call("payment", {**KEY, "Idempotency-Key": value})
    assert (status, error) == (400, "Idempotency-Key must be 1 to 255 printable ASCII characters.")
    assert answered["X-RateLimit-Limit"] == "10"
    assert World(allowed=False).call("payment", {**KEY, "Idempotency-Key": value})[0] == 429


# what is left after the work


def failing(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(("headers", "policy"), [(KEY, "credits"), ({}, "daily")])
def test_what_is_left_is_announced_after_a_picture(headers: dict[str, str], policy: str) -> None:
    world = World(remaining=3)
    _, _, answered = world.call("payment", headers)
    assert f'"{policy}";r=3;t=' in answered["RateLimit"]


@pytest.mark.parametrize(
    ("headers", "error", "policy"),
    [(KEY, CreditsExhausted(77), "credits"), ({}, DailyLimitReached(NOW_MS // 1000), "daily")],
)
def test_nothing_is_left_where_that_is_the_error(headers: dict[str, str], error: Exception, policy: str) -> None:
    world = World(work=failing(error))
    status, _, answered = world.call("payment", headers)
    assert status == 429
    assert f'"{policy}";r=0;t=' in answered["RateLimit"]
    assert int(answered["Retry-After"]) >= 1


@pytest.mark.parametrize("error", [PublicError(400, "no image"), ValueError()])
def test_an_error_before_anything_was_taken_announces_no_state(error: Exception) -> None:
    _, _, answered = World(work=failing(error)).call("payment", KEY)
    assert '"credits"' not in answered["RateLimit"]
    assert '"credits"' in answered["RateLimit-Policy"]
