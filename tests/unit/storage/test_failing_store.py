"""A store that does not answer: credits fail closed, the short-term limit fails open and says so."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from rmbg.domain.credits import Account, Channel
from rmbg.domain.plans import Catalogue, Plan, RateLimit
from rmbg.domain.usage_query import UsageQuery
from rmbg.errors import PublicError
from rmbg.services.anonymous import AnonymousCallers
from rmbg.services.authenticate import Authenticator, Identity
from rmbg.services.credits import Credits
from rmbg.services.deadline import Deadline
from rmbg.services.idempotency import IdempotencyKeys
from rmbg.services.limiter import Limiter
from rmbg.services.payments import AccountPayment, AnonymousPayment
from rmbg.services.report_usage import ReportUsage
from rmbg.services.user_tokens import UserTokens
from rmbg.storage import schema
from rmbg.storage.database import Database, StoreUnavailable
from rmbg.storage.store import Store

SECRET = "arn:aws:dynamodb:eu-central-1:123456789012:table/core"
NOW = 1_794_000_000
PLAN = Plan("Free", 50, RateLimit(10, 1.0), 4)
CATALOGUE = Catalogue({"Free": PLAN}, {}, PLAN, PLAN)
ACCOUNT = Account("somebody", "a@b.example", True, "Free", 50)
KEY = "rmbg_live_" + "0" * 36 + "000000"

FAILURES: list[Exception] = [
    EndpointConnectionError(endpoint_url=SECRET),
    ClientError({"Error": {"Code": "AccessDeniedException", "Message": SECRET}}, "UpdateItem"),
    ClientError({"Error": {"Code": "ThrottlingException", "Message": SECRET}}, "UpdateItem"),
]


class DeadClient:
    """Fails every call, after so many that it answers with nothing in them."""

    def __init__(self, failure: Exception, answers: int = 0) -> None:
        self._failure = failure
        self._answers = answers
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**_: Any) -> dict[str, Any]:
            self.calls.append(operation)
            if len(self.calls) <= self._answers:
                return {}
            raise self._failure

        return call


def _store(failure: Exception, answers: int = 0) -> tuple[Store, DeadClient]:
    client = DeadClient(failure, answers)
    return Store(Database(client, pause=lambda _: None), "core", "ephemeral"), client


def _payment(store: Store, key: str = "") -> AccountPayment:
    credit_book = Credits(store, CATALOGUE, lambda: NOW)
    keys = IdempotencyKeys(store, lambda: NOW)
    return AccountPayment(
        store, credit_book, keys, Identity(ACCOUNT, Channel.API), idempotency_key=key, lease_seconds=26
    )


def _is_503(error: PublicError) -> bool:
    assert SECRET not in error.message + str(error.headers) + str(error)
    return (error.status, error.message) == (503, "Service unavailable") and int(error.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("key", ["", "key"])
@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_no_picture_is_begun_while_credits_cannot_be_counted(failure: Exception, key: str) -> None:
    for answers in (0, 1) if key else (0,):
        store, client = _store(failure, answers)
        payment = _payment(store, key)
        with pytest.raises(PublicError) as refusal:
            payment.begin(lambda: "fingerprint")
        assert _is_503(refusal.value)
        assert (payment.credits_charged, payment.remaining) == (0, None)
        assert client.calls[-1] == ("delete_item" if key else "update_item")  # what may have happened is undone


@pytest.mark.parametrize("key", ["", "key"])
def test_neither_commit_nor_refund_raises_while_the_store_is_away(key: str) -> None:
    for end in ("commit", "refund"):
        store, client = _store(FAILURES[0], answers=2 if key else 1)
        payment = _payment(store, key)
        payment.begin(lambda: "fingerprint")
        if end == "commit":
            payment.commit(Deadline(0.05, lambda: 0.0))
        else:
            payment.refund()
        assert len(client.calls) > (2 if key else 1)


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_nobody_is_let_in_and_nothing_reported_by_a_store_that_is_away(failure: Exception) -> None:
    store, _ = _store(failure)
    credit_book = Credits(store, CATALOGUE, lambda: NOW)
    authenticator = Authenticator(store, CATALOGUE, UserTokens("", ""), lambda: NOW)
    callers = AnonymousCallers(store, daily_limit=5, daily_limit_total=20, clock=lambda: NOW)
    checks: list[Callable[[], object]] = [
        lambda: authenticator.by_key(_well_formed()),
        lambda: ReportUsage(store, CATALOGUE, credit_book, lambda: NOW).report(ACCOUNT, UsageQuery()),
        lambda: callers.identify("192.0.2.1"),
        lambda: AnonymousPayment(callers, "somebody").begin(lambda: ""),
    ]
    for check in checks:
        with pytest.raises(StoreUnavailable) as refusal:
            check()
        assert _is_503(refusal.value)


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
def test_the_short_term_limit_lets_everybody_through_and_counts_that(
    failure: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    store, _ = _store(failure)
    limiter = Limiter(store, lambda: NOW)
    for _ in range(3):
        capsys.readouterr()
        decision = limiter.check(schema.account_rate("somebody"), RateLimit(1, 1.0))
        assert decision.allowed
        written = capsys.readouterr().out
        assert SECRET not in written
        (metric,) = [document for document in map(json.loads, written.splitlines()) if "_aws" in document]
        (directive,) = metric["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "rmbg"
        assert [entry["Name"] for entry in directive["Metrics"]] == ["LimiterUnavailable"]
        assert metric["LimiterUnavailable"] == [1.0]


def test_a_limit_that_fails_half_way_lets_the_request_through() -> None:
    class Half(DeadClient):
        def update_item(self, **_: Any) -> dict[str, Any]:
            self.calls.append("update_item")
            if len(self.calls) == 1:
                raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
            raise self._failure

    store = Store(Database(Half(FAILURES[0])), "core", "ephemeral")
    assert Limiter(store, lambda: NOW).check(schema.account_rate("somebody"), RateLimit(1, 1.0)).allowed


def test_the_use_of_a_key_that_cannot_be_noted_does_not_matter() -> None:
    store, client = _store(FAILURES[0])
    authenticator = Authenticator(store, CATALOGUE, UserTokens("", ""), lambda: NOW)
    authenticator.note_use(Identity(ACCOUNT, Channel.APP))
    assert client.calls == []


def _well_formed() -> str:
    from rmbg.domain.keys import api_key

    return api_key("0" * 36)
