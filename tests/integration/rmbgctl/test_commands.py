"""Every command of the operator's tool: what it changes, what it says, and that it happens once."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rmbg.domain.keys import is_well_formed, key_hash
from rmbg.storage import schema
from rmbg.storage.database import Database, StoreUnavailable
from rmbg.storage.expressions import get

if TYPE_CHECKING:
    from tests.integration.rmbgctl.conftest import Operator

NOBODY = "usr_nobody"
USER_COMMANDS = [
    ("user", "show", "--user", NOBODY),
    ("user", "suspend", "--user", NOBODY),
    ("user", "resume", "--user", NOBODY),
    ("user", "verify-email", "--user", NOBODY),
    ("key", "issue", "--user", NOBODY),
    ("key", "rotate", "--user", NOBODY),
    ("credits", "grant", "--user", NOBODY, "--amount", "1"),
    ("credits", "deduct", "--user", NOBODY, "--amount", "1"),
    ("plan", "set", "--user", NOBODY, "--plan", "Free"),
]


# users


def test_a_new_user_has_the_free_plan_and_nothing_else(operator: "Operator") -> None:
    uid = operator.user()
    shown = operator.show(uid)
    usage = shown.pop("usage")
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "user_id": uid,
        "email": "a@example.com",
        "email_verified": False,
        "suspended": False,
        "plan": "Free",
        "prepaid_balance": 0,
        "debt": 0,
        "keys": [],
    }
    cycle = usage.pop("billingCycle")
    assert usage == {"membership": "Free", "credits": 50, "prepaidCredits": 0, "app_usage": 0, "api_usage": 0}
    assert (cycle["includedCredits"], cycle["remainingIncludedCredits"], cycle["stripeBillingSynced"]) == (
        50,
        50,
        False,
    )


def test_a_user_may_be_verified_and_have_a_plan_from_the_start(operator: "Operator") -> None:
    shown = operator.show(operator.user("--verified", "--plan", "Premium-20000", email="üser@exämple.com"))
    assert (shown["email"], shown["email_verified"], shown["plan"]) == ("üser@exämple.com", True, "Premium-20000")
    assert shown["usage"]["credits"] == 20_000


def test_two_users_may_have_one_address_and_are_two(operator: "Operator") -> None:
    assert operator.user() != operator.user()


def test_an_address_is_verified_later(operator: "Operator") -> None:
    uid = operator.user()
    assert operator.json("user", "verify-email", "--user", uid, "--op-id", "v")["email_verified"] is True
    assert operator.show(uid)["email_verified"] is True


def test_a_user_is_suspended_and_taken_again(operator: "Operator") -> None:
    uid = operator.user()
    assert operator.json("user", "suspend", "--user", uid)["suspended"] is True
    assert operator.show(uid)["suspended"] is True
    assert operator.json("user", "resume", "--user", uid)["suspended"] is False
    assert operator.show(uid)["suspended"] is False


# keys


def test_a_key_is_shown_once_and_stored_as_its_hash(operator: "Operator") -> None:
    uid = operator.user()
    issued = operator.json("key", "issue", "--user", uid, "--op-id", "first")
    key = issued["api_key"]
    assert is_well_formed(key)
    assert issued == {"user_id": uid, "key_id": issued["key_id"], "api_key": key, "op_id": "first"}
    (listed,) = operator.show(uid)["keys"]
    assert (listed["key_id"], listed["start"], listed["last_used_on"]) == (issued["key_id"], key[:14], None)
    stored = Database(operator.client).get(get(operator.tables.core_table, schema.api_key(key_hash(key))))
    assert stored
    assert (stored["uid"], stored["key_id"]) == (uid, issued["key_id"])
    whole = json.dumps([operator.account(uid), operator.ledger(uid), stored])
    assert key not in whole
    assert key[14:] not in whole
    again = operator.json("key", "issue", "--user", uid, "--op-id", "first")
    assert again == {"user_id": uid, "key_id": issued["key_id"], "api_key": None, "op_id": "first"}
    assert len(operator.show(uid)["keys"]) == 1


def test_a_repeated_issue_tells_a_person_why_there_is_no_key(operator: "Operator") -> None:
    uid = operator.user()
    command = ("key", "issue", "--user", uid, "--op-id", "first")
    first, second = operator.local(*command), operator.local(*command)
    assert first.err == ""
    assert "api_key: rmbg_live_" in first.out
    assert second.status == 0
    assert second.err == "done before under this --op-id; a key is shown only once\n"
    assert "rmbg_live_" not in second.out + second.err


def test_rotate_makes_one_key_in_place_of_all(operator: "Operator") -> None:
    uid = operator.user()
    old = [operator.json("key", "issue", "--user", uid)["key_id"] for _ in range(3)]
    rotated = operator.json("key", "rotate", "--user", uid, "--op-id", "r")
    assert [key["key_id"] for key in operator.show(uid)["keys"]] == [rotated["key_id"]]
    assert rotated["key_id"] not in old
    again = operator.json("key", "rotate", "--user", uid, "--op-id", "r")
    assert (again["key_id"], again["api_key"]) == (rotated["key_id"], None)
    assert [key["key_id"] for key in operator.show(uid)["keys"]] == [rotated["key_id"]]
    for key_id in old:
        operator.fails(3, f"there is no live key {key_id}", "key", "revoke", "--key-id", key_id)


def test_rotate_without_a_key_makes_the_first(operator: "Operator") -> None:
    uid = operator.user()
    assert is_well_formed(operator.json("key", "rotate", "--user", uid)["api_key"])
    assert len(operator.show(uid)["keys"]) == 1


def test_revoke_needs_the_key_s_id_alone(operator: "Operator") -> None:
    uid = operator.user()
    kept, gone = (operator.json("key", "issue", "--user", uid)["key_id"] for _ in range(2))
    revoked = operator.json("key", "revoke", "--key-id", gone, "--op-id", "x")
    assert revoked == {"user_id": uid, "key_id": gone, "op_id": "x"}
    assert [key["key_id"] for key in operator.show(uid)["keys"]] == [kept]
    assert operator.json("key", "revoke", "--key-id", gone, "--op-id", "x") == revoked
    operator.fails(3, f"there is no live key {gone}", "key", "revoke", "--key-id", gone, "--op-id", "y")


def test_a_user_has_20_keys_at_most(operator: "Operator") -> None:
    uid = operator.user()
    for _ in range(20):
        operator.json("key", "issue", "--user", uid)
    message = "You have 20 API keys, which is the most. Revoke one first."
    operator.fails(1, message, "key", "issue", "--user", uid)
    assert is_well_formed(operator.json("key", "rotate", "--user", uid)["api_key"])
    assert len(operator.show(uid)["keys"]) == 1


# credits


def test_credits_are_added_and_taken_and_may_become_a_debt(operator: "Operator") -> None:
    uid = operator.user()
    granted = operator.json("credits", "grant", "--user", uid, "--amount", "100", "--op-id", "g")
    assert granted == {"user_id": uid, "amount": 100, "prepaid_balance": 100, "op_id": "g"}
    deducted = operator.json("credits", "deduct", "--user", uid, "--amount", "130", "--op-id", "d")
    assert deducted == {"user_id": uid, "amount": -130, "prepaid_balance": -30, "op_id": "d"}
    shown = operator.show(uid)
    assert (shown["prepaid_balance"], shown["debt"], shown["usage"]["prepaidCredits"]) == (-30, 30, 0)
    assert operator.json("credits", "grant", "--user", uid, "--amount", "31")["prepaid_balance"] == 1


def test_the_largest_amount_again_and_again_stays_exact(operator: "Operator") -> None:
    uid = operator.user()
    for round_number in (1, 2, 3):
        granted = operator.json("credits", "grant", "--user", uid, "--amount", "1000000000")
        assert granted["prepaid_balance"] == round_number * 10**9


def test_a_repeated_operation_changes_nothing(operator: "Operator") -> None:
    uid = operator.user()
    for _ in range(3):
        command = ("credits", "grant", "--user", uid, "--amount", "100", "--op-id", "once")
        assert operator.json(*command)["prepaid_balance"] == 100
    assert len(operator.ledger(uid)) == 2  # with the user's own


def test_a_user_is_created_once_under_an_operation_s_id(operator: "Operator") -> None:
    first = operator.json("user", "create", "--email", "a@b.c", "--op-id", "create-1")
    assert operator.json("user", "create", "--email", "a@b.c", "--op-id", "create-1") == first
    message = "the operation id create-1 was used for another change of this user"
    for other in (["--email", "x@b.c"], ["--email", "a@b.c", "--verified"], ["--email", "a@b.c", "--plan", "Demo"]):
        operator.fails(1, message, "user", "create", *other, "--op-id", "create-1")
    assert operator.show(first["user_id"])["email"] == "a@b.c"


def test_an_operation_s_id_is_not_taken_for_another_change(operator: "Operator") -> None:
    uid = operator.user()
    grant = ("credits", "grant", "--user", uid, "--op-id", "g", "--amount")
    operator.json(*grant, "5")
    operator.fails(1, "the operation id g was used for another change of this user", *grant, "6")
    plan = ("plan", "set", "--user", uid, "--op-id", "p", "--plan")
    operator.json(*plan, "Demo")
    operator.fails(1, "the operation id p was used for another change of this user", *plan, "Free")
    keys = [operator.json("key", "issue", "--user", uid)["key_id"] for _ in range(2)]
    revoke = ("key", "revoke", "--op-id", "r", "--key-id")
    operator.json(*revoke, keys[0])
    operator.fails(1, "the operation id r was used for another change of this user", *revoke, keys[1])
    shown = operator.show(uid)
    assert (shown["prepaid_balance"], shown["plan"], [key["key_id"] for key in shown["keys"]]) == (5, "Demo", keys[1:])


# plans


def test_a_plan_is_set_and_what_was_used_of_this_month_stays_used(operator: "Operator") -> None:
    uid = operator.user()
    changed = operator.json("plan", "set", "--user", uid, "--plan", "Premium-20000", "--op-id", "p")
    assert changed == {"user_id": uid, "plan": "Premium-20000", "included": 20_000, "op_id": "p"}
    (window,) = operator.windows(uid)
    key = {name: {"S": str(window[name])} for name in ("pk", "sk")}
    operator.client.update_item(
        TableName=operator.tables.core_table,
        Key=key,
        UpdateExpression="SET #used = :n, #api = :n, #rem = :r",
        ExpressionAttributeNames={"#used": "used", "#api": "api", "#rem": "rem"},
        ExpressionAttributeValues={":n": {"N": "60"}, ":r": {"N": "19940"}},
    )
    operator.json("plan", "set", "--user", uid, "--plan", "Free")
    (window,) = operator.windows(uid)
    assert (window["inc"], window["used"], window["rem"]) == (50, 60, -10)
    assert operator.show(uid)["usage"]["billingCycle"]["remainingIncludedCredits"] == 0
    operator.json("plan", "set", "--user", uid, "--plan", "Premium-20000")
    (window,) = operator.windows(uid)
    assert (window["inc"], window["used"], window["rem"]) == (20_000, 60, 19_940)


def test_a_plan_that_stripe_bills_is_stripe_s_to_change(operator: "Operator") -> None:
    uid = operator.user()
    attributes = {
        "sub_id": {"S": "sub_1"},
        "bps": {"N": "1"},
        "bpe": {"N": "9999999999"},
        "sub_status": {"S": "active"},
    }
    operator.client.update_item(
        TableName=operator.tables.core_table,
        Key={"pk": {"S": f"U#{uid}"}, "sk": {"S": "ACCT"}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        ExpressionAttributeNames={f"#{name}": name for name in attributes},
        ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
    )
    message = f"{uid} has a subscription with Stripe: change its plan there"
    operator.fails(1, message, "plan", "set", "--user", uid, "--plan", "Demo")


def test_an_operator_s_own_catalogue_decides_what_plans_there_are(
    operator: "Operator", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {"name": "Only", "included": 7, "burst": 1, "per_second": 1, "max_in_flight": 1}
    catalogue = {"free_plan": "Only", "demo_plan": "Only", "plans": [plan], "packs": []}
    (tmp_path / "own.json").write_text(json.dumps(catalogue))
    monkeypatch.setenv("CATALOGUE", str(tmp_path / "own.json"))
    assert operator.show(operator.user())["usage"]["credits"] == 7
    message = "there is no plan Free; there are Only"
    operator.fails(3, message, "user", "create", "--email", "a@b.c", "--plan", "Free")


# the ledger


def test_every_change_is_a_line_with_who_and_why(operator: "Operator") -> None:
    uid = operator.user("--op-id", "c-1", "--reason", "a customer – by phone")
    operator.json("credits", "grant", "--user", uid, "--amount", "5", "--op-id", "g-1", "--reason", "sorry")
    operator.json("user", "suspend", "--user", uid, "--op-id", "s-1")
    operator.json("key", "issue", "--user", uid, "--op-id", "k-1")
    lines = {str(line["sk"]): line for line in operator.ledger(uid)}
    assert sorted(lines) == [
        "L#credits-grant#g-1",
        "L#key-issue#k-1",
        "L#user-create#c-1",
        "L#user-suspend#s-1",
    ]
    grant = lines["L#credits-grant#g-1"]
    assert (grant["credits"], grant["reason"]) == (5, "sorry")
    assert grant["actor"]
    assert lines["L#user-create#c-1"]["reason"] == "a customer – by phone"
    assert lines["L#user-suspend#s-1"]["reason"] == ""


def test_a_change_that_failed_leaves_no_line(operator: "Operator") -> None:
    uid = operator.user()
    key_id = operator.json("key", "issue", "--user", uid)["key_id"]
    operator.json("key", "revoke", "--key-id", key_id)
    before = len(operator.ledger(uid))
    operator.fails(3, f"there is no live key {key_id}", "key", "revoke", "--key-id", key_id, "--op-id", "again")
    assert len(operator.ledger(uid)) == before


def test_without_an_op_id_each_run_has_one_of_its_own_and_tells_it(operator: "Operator") -> None:
    uid = operator.user()
    grants = [operator.json("credits", "grant", "--user", uid, "--amount", "1") for _ in range(2)]
    assert grants[0]["op_id"] != grants[1]["op_id"]
    assert grants[1]["prepaid_balance"] == 2
    repeated = operator.json("credits", "grant", "--user", uid, "--amount", "1", "--op-id", grants[0]["op_id"])
    assert repeated["prepaid_balance"] == 2


# what goes wrong


@pytest.mark.parametrize("command", USER_COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_an_unknown_user_is_status_3(operator: "Operator", command: tuple[str, ...]) -> None:
    operator.fails(3, f"there is no user {NOBODY}", *command)
    assert operator.ledger(NOBODY) == []


@pytest.mark.parametrize("uid", ["", " ", "#", "ACCT", "é", "x" * 500])
def test_a_user_of_a_strange_name_is_unknown_too(operator: "Operator", uid: str) -> None:
    operator.fails(3, f"there is no user {uid[:128]}", "user", "show", "--user", uid)


@pytest.mark.parametrize("key_id", ["", "key_0000000000000000", "rmbg_live_x", "é"])
def test_an_unknown_key_is_status_3(operator: "Operator", key_id: str) -> None:
    operator.fails(3, f"there is no live key {key_id}", "key", "revoke", "--key-id", key_id)


def test_an_unknown_plan_is_status_3_and_names_those_there_are(operator: "Operator") -> None:
    message = "there is no plan Gold; there are Free, Premium-20000, Demo"
    operator.fails(3, message, "user", "create", "--email", "a@b.c", "--plan", "Gold")
    uid = operator.user()
    operator.fails(3, message, "plan", "set", "--user", uid, "--plan", "Gold")


@pytest.mark.parametrize(
    "arguments",
    [
        ["credits", "grant", "--user", "U", "--amount", "-5"],
        ["credits", "grant", "--user", "U", "--amount", "0"],
        ["credits", "grant", "--user", "U", "--amount", "many"],
        ["credits", "grant", "--user", "U", "--amount", "9" * 40],
        ["user", "create", "--email", "nobody"],
        ["user", "create"],
        [],
    ],
    ids=str,
)
def test_wrong_arguments_are_status_2_with_nothing_on_standard_output(
    operator: "Operator", arguments: list[str]
) -> None:
    outcome = operator.local("--json", *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("usage: rmbgctl")


def test_a_name_too_long_for_a_key_is_told_without_a_traceback(operator: "Operator") -> None:
    outcome = operator.local("user", "show", "--user", "x" * 3000)
    assert outcome.status in (1, 3)
    assert (outcome.out, outcome.err.count("\n")) == ("", 1)


def test_an_endpoint_that_does_not_answer(
    operator: "Operator", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {"endpoint_url": "http://127.0.0.1:1", "core_table": "a", "ephemeral_table": "b"}
    (tmp_path / "store.json").write_text(json.dumps(names))
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    outcome = operator.local("--json", "user", "show", "--user", "U")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("rmbgctl: the store does not answer: ")
    assert "--op-id" not in outcome.err  # nothing was to be changed
    for given in ((), ("--op-id", "op-1")):
        outcome = operator.local("user", "create", "--email", "a@b.c", *given)
        assert (outcome.status, outcome.out) == (1, "")
        assert outcome.err.startswith("rmbgctl: the store does not answer: ")
        told = outcome.err.rpartition("whether it was done is not known: run it again with --op-id ")[2]
        assert told == "op-1\n" if given else len(told) == 33


def test_an_operation_whose_outcome_is_unknown_can_be_repeated_safely(
    operator: "Operator", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --op-id too: the one that was made up is told."""
    uid = operator.user()
    transact = Database.transact

    def applied_but_unanswered(database: Database, writes: Any) -> None:
        transact(database, writes)
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Database, "transact", applied_but_unanswered)
        outcome = operator.local("credits", "grant", "--user", uid, "--amount", "5")
    assert (outcome.status, outcome.out) == (1, "")
    op_id = outcome.err.split()[-1]
    assert operator.json("credits", "grant", "--user", uid, "--amount", "5", "--op-id", op_id)["prepaid_balance"] == 5


def test_tables_that_are_not_there(operator: "Operator", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"endpoint_url": operator.tables.endpoint_url, "core_table": "a-1", "ephemeral_table": "b-1"}
    (tmp_path / "store.json").write_text(json.dumps(names))
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    for command in (("user", "create", "--email", "a@b.c"), ("user", "show", "--user", "U")):
        outcome = operator.local(*command)
        assert (outcome.status, outcome.out) == (1, "")
        assert "ResourceNotFoundException" in outcome.err


# the output


def test_without_json_the_result_is_a_line_each(operator: "Operator") -> None:
    uid = operator.user("--verified", "--op-id", "lines")
    outcome = operator.local("credits", "grant", "--user", uid, "--amount", "5", "--op-id", "g")
    assert outcome.out == f"user_id: {uid}\namount: 5\nprepaid_balance: 5\nop_id: g\n"
    assert (outcome.status, outcome.err) == (0, "")
    shown = operator.local("user", "show", "--user", uid).out.splitlines()
    assert f"user_id: {uid}" in shown
    assert "email: a@example.com" in shown
    assert [line for line in shown if line.startswith('usage: {"membership": "Free"')]
