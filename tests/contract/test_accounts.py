"""Rows 1 to 4, 13 and 14, what a picture costs, and the headers that announce the limits."""

import calendar
import io
import re
import time
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from rmbg.config import ObjectSettings
from rmbg.domain.keys import api_key
from rmbg.observability import logger
from tests.contract.conftest import Client, Users
from tests.support.pictures import disc, encoded
from tools.local_store.issuer import Issuer

PHOTO = encoded(disc(60, 40), "JPEG")
BOTH = "This is a mistake: Cannot use both API key and user token"
UNVERIFIED = "Email address not verified – please check your inbox"
TOO_QUICK = "You're making requests too quickly, Please Upgrade or slow down."
DAILY = "You've reached your daily limit. Please sign up for more access."
MONTHLY = "You've reached your monthly limit. Consider purchasing more credits."
USAGE = "/api/membership-usage"
KEYS = "/api/api-keys"


def bearer(issuer: Issuer, sub: str, *, email_verified: Any = True, **arguments: Any) -> dict[str, str]:
    token = issuer.mint(sub, f"{sub}@example.com", email_verified=email_verified, **arguments)
    return {"Authorization": f"Bearer {token}"}


def usage(client: Client, headers: dict[str, str], **query: str) -> dict[str, Any]:
    answer = client.get(USAGE, headers, expand="billing_cycle", **query)
    assert answer.status == 200, answer.body
    document = answer.json
    assert isinstance(document, dict)
    return document


def month_end() -> int:
    now = datetime.now(UTC)
    days = calendar.monthrange(now.year, now.month)[1]
    return int(datetime(now.year, now.month, days, 23, 59, 59, tzinfo=UTC).timestamp())


# --- rows 1 and 2


@pytest.mark.parametrize("key", ["good", "nonsense", api_key("0" * 36)])
@pytest.mark.parametrize("authorization", ["good", "Bearer x", "bearer x", "Basic YTpi", "x"])
def test_both_credentials_are_a_mistake_even_if_one_is_invalid(
    client: Client, users: Users, issuer: Issuer, key: str, authorization: str
) -> None:
    uid, headers = users.with_key()
    if key != "good":
        headers = {"x-api-key": key}
    headers |= bearer(issuer, uid) if authorization == "good" else {"authorization": authorization}
    for answer in (client.rmbg(PHOTO, headers=headers), client.get(USAGE, headers), client.get(KEYS, headers)):
        assert (answer.status, answer.error) == (400, BOTH)


@pytest.mark.parametrize("key", ["x", "rmbg_live_", api_key("A" * 36), api_key("A" * 36)[:-1] + "0", "é", "a" * 9000])
def test_an_unknown_or_malformed_key_is_refused(client: Client, key: str) -> None:
    for name in ("x-api-key", "X-API-Key"):
        for answer in (client.rmbg(PHOTO, headers={name: key}), client.get(USAGE, {name: key})):
            assert (answer.status, answer.error) == (401, "invalid api key")
            assert "ratelimit" not in answer.headers


def test_a_bad_key_is_told_before_a_bad_form(client: Client) -> None:
    answer = client.rmbg(b"", "a.exe", headers={"x-api-key": "x"})
    assert (answer.status, answer.error) == (401, "invalid api key")


@pytest.mark.parametrize("authorization", ["Bearer x", "bearer a.b.c", "Basic YTpi", "x", "Token abc"])
def test_an_invalid_token_and_another_scheme_are_refused(client: Client, authorization: str) -> None:
    headers = {"Authorization": authorization}
    for answer in (client.rmbg(PHOTO, headers=headers), client.get(KEYS, headers)):
        assert (answer.status, answer.error) == (401, "invalid user token")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "  "},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer  "},
    ],
)
def test_empty_credentials_count_as_absent(client: Client, headers: dict[str, str]) -> None:
    assert client.rmbg(PHOTO, headers=headers).status == 200
    assert client.get(USAGE, headers).error == "invalid api key"
    assert client.get(KEYS, headers).error == "invalid user token"


def test_an_empty_key_beside_a_token_is_no_second_credential(client: Client, users: Users, issuer: Issuer) -> None:
    headers = {"x-api-key": "", **bearer(issuer, users.create())}
    assert client.rmbg(PHOTO, headers=headers).headers["x-credits-charged"] == "1"


def test_usage_takes_keys_alone_and_key_management_tokens_alone(client: Client, users: Users, issuer: Issuer) -> None:
    uid, key = users.with_key()
    answer = client.get(USAGE, bearer(issuer, uid))
    assert (answer.status, answer.error) == (401, "invalid api key")
    answer = client.get(KEYS, key)
    assert (answer.status, answer.error) == (401, "invalid user token")


def test_a_revoked_key_is_refused_on_the_next_request(client: Client, users: Users) -> None:
    uid, headers = users.with_key()
    assert client.rmbg(PHOTO, headers=headers).status == 200
    assert client.get(USAGE, headers).status == 200
    (key,) = users.operate.account(uid).keys
    users.operate.revoke_key(users.operation(), key.id)
    for answer in (client.rmbg(PHOTO, headers=headers), client.get(USAGE, headers)):
        assert (answer.status, answer.error) == (401, "invalid api key")


def test_a_suspended_account_is_refused_and_resumed(client: Client, users: Users, issuer: Issuer) -> None:
    uid, key = users.with_key()
    users.operate.suspend(users.operation(), uid, suspended=True)
    assert client.rmbg(PHOTO, headers=key).error == "invalid api key"
    assert client.rmbg(PHOTO, headers=bearer(issuer, uid)).error == "invalid user token"
    users.operate.suspend(users.operation(), uid, suspended=False)
    assert client.rmbg(PHOTO, headers=key).status == 200


def test_a_token_of_another_audience_or_an_expired_one_is_refused(client: Client, issuer: Issuer) -> None:
    for headers in (bearer(issuer, "u1", audience="other"), bearer(issuer, "u1", seconds=-3600)):
        answer = client.rmbg(PHOTO, headers=headers)
        assert (answer.status, answer.error) == (401, "invalid user token")


# --- row 3


def test_an_unverified_address_is_refused_until_it_is_verified(client: Client, users: Users) -> None:
    uid, headers = users.with_key(verified=False)
    for answer in (client.rmbg(PHOTO, headers=headers), client.get(USAGE, headers)):
        assert (answer.status, answer.error) == (403, UNVERIFIED)
    users.operate.verify_email(users.operation(), uid)
    assert client.rmbg(PHOTO, headers=headers).status == 200


def test_the_token_decides_on_the_address_where_it_says_something(client: Client, users: Users, issuer: Issuer) -> None:
    verified, unverified = users.create(), users.create(verified=False)
    assert client.rmbg(PHOTO, headers=bearer(issuer, verified, email_verified=False)).error == UNVERIFIED
    assert client.rmbg(PHOTO, headers=bearer(issuer, verified, email_verified="false")).error == UNVERIFIED
    assert client.rmbg(PHOTO, headers=bearer(issuer, unverified, email_verified="true")).status == 200


def test_the_first_token_of_a_subject_makes_its_account(client: Client, users: Users, issuer: Issuer) -> None:
    headers = bearer(issuer, f"newcomer-{time.time_ns()}")
    answer = client.rmbg(PHOTO, headers=headers)
    assert (answer.status, answer.headers["x-credits-charged"]) == (200, "1")
    created = client.send({**_event("POST", KEYS, headers)})
    assert created.status == 201
    report = usage(client, {"x-api-key": created.json["api_key"]})
    assert (report["membership"], report["credits"]) == ("Free", 50)
    assert (report["app_usage"], report["api_usage"]) == (1, 0)


# --- row 4, and the headers


def test_the_short_limit_refuses_and_says_when_to_come_again(client: Client, users: Users) -> None:
    _, headers = users.with_key("Free")
    answers = [client.get(USAGE, headers) for _ in range(12)]
    refused = [answer for answer in answers if answer.status == 429]
    assert 1 <= len(refused) <= 2  # 10 at once, and one a second
    for answer in refused:
        assert answer.error == TOO_QUICK
        assert int(answer.headers["retry-after"]) == 1
        assert answer.headers["x-ratelimit-limit"] == "10"
        assert answer.headers["x-ratelimit-remaining"] == "0"
        assert re.match(r'"short";r=0;t=\d+', answer.headers["ratelimit"])
    # row 4 comes before row 5, and for every endpoint from one account
    assert client.rmbg(b"", "a.exe", headers=headers).status == 429


def test_the_limits_are_announced(client: Client, users: Users) -> None:
    _, headers = users.with_key("Premium-20000")
    answer = client.rmbg(PHOTO, headers=headers)
    policy = re.fullmatch(r'"short";q=50;w=5, "credits";q=20000;w=(\d+)', answer.headers["ratelimit-policy"])
    assert policy
    assert 28 * 86_400 <= int(policy[1]) <= 31 * 86_400
    state = re.fullmatch(r'"short";r=49;t=1, "credits";r=19999;t=(\d+)', answer.headers["ratelimit"])
    assert state
    assert abs(int(state[1]) - (month_end() + 1 - time.time())) < 30
    assert answer.headers["x-ratelimit-limit"] == "50"
    assert answer.headers["x-ratelimit-remaining"] == "49"
    assert abs(int(answer.headers["x-ratelimit-reset"]) - time.time()) < 5


def test_errors_after_row_4_announce_the_short_limit_and_forget_it_afterwards(client: Client, users: Users) -> None:
    _, headers = users.with_key("Premium-20000")
    answer = client.rmbg(b"no picture", headers=headers)
    assert answer.status == 400
    assert re.fullmatch(r'"short";r=49;t=\d+', answer.headers["ratelimit"])  # nobody has looked at the credits
    assert re.fullmatch(r'"short";q=50;w=5, "credits";q=20000;w=\d+', answer.headers["ratelimit-policy"])
    assert "x-ratelimit-reset" in answer.headers
    answer = client.rmbg(PHOTO, headers={"x-api-key": "x"})
    assert not {"ratelimit", "ratelimit-policy", "x-ratelimit-limit"} & answer.headers.keys()


# --- row 13


def test_anonymous_callers_have_a_day_s_allowance(
    client: Client, http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_handler.SERVICES.anonymous_callers, "daily_limit", 2)
    here, there = "203.0.113.9", "203.0.113.10"
    first = client.rmbg(PHOTO, source_ip=here)
    assert (first.status, first.headers["x-credits-charged"]) == (200, "0")
    assert '"daily";q=2;w=86400' in first.headers["ratelimit-policy"]
    assert re.search(r'"daily";r=1;t=\d+$', first.headers["ratelimit"])
    assert client.rmbg(b"no picture", source_ip=here).status == 400  # costs nothing
    forwarded = {"X-Forwarded-For": "198.51.100.1"}
    assert client.rmbg(PHOTO, source_ip=here, headers=forwarded).status == 200
    answer = client.rmbg(PHOTO, source_ip=here, headers={"X-Forwarded-For": "198.51.100.2"})
    assert (answer.status, answer.error) == (429, DAILY)
    assert 1 <= int(answer.headers["retry-after"]) <= 86_400
    assert re.search(r'"daily";r=0;t=\d+$', answer.headers["ratelimit"])
    assert client.rmbg(PHOTO, source_ip=there).status == 200
    assert client.rmbg(PHOTO, "a.exe", source_ip=here).status == 400  # row 7 comes before row 13


def test_the_neighbours_of_an_ipv6_address_are_one_caller(
    client: Client, http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_handler.SERVICES.anonymous_callers, "daily_limit", 1)
    assert client.rmbg(PHOTO, source_ip="2001:db8:0:7::1").status == 200
    assert client.rmbg(PHOTO, source_ip="2001:db8:0:7:ffff::2").status == 429
    assert client.rmbg(PHOTO, source_ip="2001:db8:0:8::1").status == 200


def test_no_allowance_at_all_serves_nobody(
    client: Client, http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_handler.SERVICES.anonymous_callers, "daily_limit", 0)
    answer = client.rmbg(PHOTO, source_ip="203.0.113.77")
    assert (answer.status, answer.error) == (429, DAILY)


# --- row 14, and what a picture costs


def test_a_picture_costs_one_credit_and_an_error_none(client: Client, users: Users) -> None:
    _, headers = users.with_key()
    assert client.rmbg(PHOTO, headers=headers).headers["x-credits-charged"] == "1"
    for answer in (
        client.rmbg(b"", headers=headers),
        client.rmbg(PHOTO, "a.exe", headers=headers),
        client.rmbg(PHOTO[:-200], headers=headers),
        client.rmbg(PHOTO, headers=headers, w="x"),
    ):
        assert answer.status == 400
        assert "x-credits-charged" not in answer.headers
    assert usage(client, headers)["api_usage"] == 1


def test_an_answer_too_large_to_return_costs_nothing(
    client: Client, users: Users, http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, headers = users.with_key()
    monkeypatch.setattr(http_handler.SERVICES, "object_settings", ObjectSettings("", "", None))  # nowhere to put it
    answer = client.rmbg(PHOTO, headers=headers, format="bmp", w="1500", h="1500", exact_resize="true")
    assert answer.status == 413
    assert usage(client, headers)["billingCycle"]["usedIncludedCredits"] == 0


def test_a_fault_in_the_middle_costs_nothing_and_tells_nothing(
    client: Client, users: Users, http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, headers = users.with_key()

    def broken(*_: object) -> None:
        raise MemoryError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(type(http_handler.PIPELINE), "segment", broken)
        answer = client.rmbg(PHOTO, headers=headers)
    assert (answer.status, answer.error) == (500, "Internal server error")
    assert b"secret" not in answer.body
    assert '"credits";r=18500;' in answer.headers["ratelimit"]  # it was given back
    report = usage(client, headers)
    assert (report["api_usage"], report["billingCycle"]["remainingIncludedCredits"]) == (0, 18_500)


def test_included_credits_come_first_then_prepaid_then_row_14(client: Client, users: Users) -> None:
    uid, headers = users.with_key("Free")
    users.operate.set_plan(users.operation(), uid, "Demo")  # its rate, so that row 4 stays out of this
    _use_up(users, uid, 18_499)
    users.operate.add_credits(users.operation(), uid, 1)
    first, second = client.rmbg(PHOTO, headers=headers), client.rmbg(PHOTO, headers=headers)
    assert [answer.headers["x-credits-charged"] for answer in (first, second)] == ["1", "1"]
    assert '"credits";r=1;' in first.headers["ratelimit"]
    assert '"credits";r=0;' in second.headers["ratelimit"]
    third = client.rmbg(PHOTO, headers=headers)
    assert (third.status, third.error) == (429, MONTHLY)
    assert abs(int(third.headers["retry-after"]) - (month_end() + 1 - time.time())) < 30
    assert '"credits";r=0;' in third.headers["ratelimit"]
    report = usage(client, headers)
    assert (report["prepaidCredits"], report["billingCycle"]["remainingIncludedCredits"]) == (0, 0)
    assert report["billingCycle"]["usedIncludedCredits"] == 18_500  # the prepaid one is not in it
    assert client.rmbg(b"x", headers=headers).status == 400  # row 10 comes before row 14


# --- Idempotency-Key


def test_a_repeated_request_is_charged_once_and_free_three_times(client: Client, users: Users) -> None:
    _, headers = users.with_key()
    headers |= {"Idempotency-Key": "order 1"}
    answers = [client.rmbg(PHOTO, headers=headers, w="30") for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.headers["x-credits-charged"] for answer in answers] == ["1", "0", "0", "0"]
    assert len({answer.body for answer in answers}) == 1
    assert client.rmbg(PHOTO, headers=headers, w="30").status == 409
    other = client.rmbg(PHOTO, headers=headers, w="31")
    assert (other.status, other.error) == (422, "This Idempotency-Key was used with a different request.")
    headers.pop("Idempotency-Key")
    assert usage(client, headers)["api_usage"] == 1


def test_a_failed_request_frees_its_idempotency_key(
    client: Client, users: Users, http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, headers = users.with_key()
    headers |= {"Idempotency-Key": "again"}

    def broken(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(type(http_handler.PIPELINE), "encode", broken)
        assert client.rmbg(PHOTO, headers=headers).status == 500
    answer = client.rmbg(PHOTO, headers=headers)
    assert (answer.status, answer.headers["x-credits-charged"]) == (200, "1")


@pytest.mark.parametrize("key", ["a" * 256, "é", "a\tb"])
def test_an_idempotency_key_out_of_its_range_is_an_error(client: Client, users: Users, key: str) -> None:
    _, headers = users.with_key()
    answer = client.rmbg(PHOTO, headers={**headers, "idempotency-key": key})
    assert (answer.status, answer.error) == (400, "Idempotency-Key must be 1 to 255 printable ASCII characters.")
    assert client.rmbg(PHOTO, headers={"idempotency-key": key}).status == 200  # ignored without an account


def test_an_idempotency_key_belongs_to_one_account(client: Client, users: Users) -> None:
    for _ in range(2):
        _, headers = users.with_key()
        answer = client.rmbg(PHOTO, headers={**headers, "Idempotency-Key": "shared" * 42})
        assert answer.headers["x-credits-charged"] == "1"


# --- /api/api-keys


def test_keys_are_made_shown_once_listed_and_revoked(client: Client, users: Users, issuer: Issuer) -> None:
    headers = bearer(issuer, users.create())
    created = client.send(_event("POST", KEYS, headers))
    assert created.status == 201
    assert created.headers["cache-control"] == "no-store"
    key = created.json
    assert re.fullmatch(r"rmbg_live_[0-9A-Za-z]{42}", key["api_key"])
    assert key["start"] == key["api_key"][:14]
    assert client.get(KEYS, headers).json == {
        "api_keys": [{name: key[name] for name in ("key_id", "start", "created_at")} | {"last_used_on": None}]
    }
    assert client.rmbg(PHOTO, headers={"x-api-key": key["api_key"]}).status == 200
    (listed,) = client.get(KEYS, headers).json["api_keys"]
    assert listed["last_used_on"] == f"{datetime.now(UTC):%Y-%m-%d}"
    assert key["api_key"] not in client.get(KEYS, headers).body.decode()
    revoked = client.send(_event("DELETE", f"{KEYS}/{key['key_id']}", headers))
    assert (revoked.status, revoked.body) == (204, b"")
    assert client.get(KEYS, headers).json == {"api_keys": []}
    assert client.rmbg(PHOTO, headers={"x-api-key": key["api_key"]}).error == "invalid api key"
    again = client.send(_event("DELETE", f"{KEYS}/{key['key_id']}", headers))
    assert (again.status, again.error) == (404, "API key not found.")


@pytest.mark.parametrize("key_id", ["a" * 3000, "key_" + "0" * 15, "key_0000000000000000", "%2e%2e", "é", "a b"])
def test_an_id_that_no_key_has_is_not_found(client: Client, users: Users, issuer: Issuer, key_id: str) -> None:
    answer = client.send(_event("DELETE", f"{KEYS}/{key_id}", bearer(issuer, users.create())))
    assert (answer.status, answer.error) == (404, "API key not found.")


def test_of_repeated_headers_the_first_that_is_given_counts(client: Client, users: Users) -> None:
    _, headers = users.with_key()
    event = _event("GET", USAGE, {"x-api-key": ""})
    event["multiValueHeaders"] = {"X-Api-Key": [headers["x-api-key"], " ", ""]}
    assert client.send(event).status == 200
    event["multiValueHeaders"] = {"X-Api-Key": ["", headers["x-api-key"], "other"]}
    assert client.send(event).status == 200


def test_nobody_revokes_the_key_of_another(client: Client, users: Users, issuer: Issuer) -> None:
    victim, key = users.with_key()
    (live,) = users.operate.account(victim).keys
    answer = client.send(_event("DELETE", f"{KEYS}/{live.id}", bearer(issuer, users.create())))
    assert (answer.status, answer.error) == (404, "API key not found.")
    assert client.rmbg(PHOTO, headers=key).status == 200


def test_an_account_has_at_most_twenty_keys(client: Client, users: Users, issuer: Issuer) -> None:
    headers = bearer(issuer, users.create())
    statuses = [client.send(_event("POST", KEYS, headers)).status for _ in range(21)]
    assert statuses == [201] * 20 + [409]
    first = client.get(KEYS, headers).json["api_keys"][0]["key_id"]
    assert client.send(_event("DELETE", f"{KEYS}/{first}", headers)).status == 204
    assert client.send(_event("POST", KEYS, headers)).status == 201


# --- no key, token or file name in the log


def test_the_log_holds_no_key_token_or_file_name(
    client: Client, users: Users, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    uid, key = users.with_key()
    token = bearer(issuer, uid)
    client.rmbg(PHOTO, "very-private-name.jpg", headers=key)
    client.rmbg(PHOTO, "very-private-name.jpg", headers=token)
    client.rmbg(b"x", "very-private-name.jpg", headers={**key, "Idempotency-Key": "very-private-order"})
    client.rmbg(PHOTO, headers={"Authorization": token["Authorization"] + "x"})
    output = log.getvalue()
    assert output.count('"picture"') == 2
    for secret in ("very-private", key["x-api-key"], token["Authorization"][7:40], "192.0.2.7"):
        assert secret not in output


def _event(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    from tests.support.events import proxy_event

    return proxy_event(method, path, headers=headers)


def _use_up(users: Users, uid: str, used: int) -> None:
    """As if so many of the month's credits were used."""
    from rmbg.domain.calendar import month_name, month_period
    from rmbg.domain.credits import WindowKind
    from rmbg.storage import schema
    from rmbg.storage.expressions import aliases, update

    now = int(time.time())
    store = users.operate._store
    key = schema.window(uid, WindowKind.MONTH, month_period(now).start)
    store.database.update(
        update(
            store.core,
            key,
            "SET #rem = #rem - :n, #used = #used + :n, #api = #api + :n, #m = :n",
            condition="attribute_exists(#rem)",
            names=aliases("rem", "used", "api", m=f"m{month_name(now)}_api"),
            values={":n": used},
        )
    )
