"""DynamoDB in memory: each rule of the real one that a request of ours could break."""

import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.calendar import Period
from rmbg.domain.credits import Channel, Reservation, WindowKind
from rmbg.storage import credits, schema
from rmbg.storage.database import ConditionFailed, Row, TransactionFailed
from rmbg.storage.expressions import get
from tests.support.memory import MemoryClient, memory_store, snapshot

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


def _value(value: Any) -> dict[str, Any]:
    match value:
        case dict():
            return value
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case _:
            return {"S": value}


def _client(**attributes: Any) -> MemoryClient:
    """A client with one item, if it is given attributes."""
    client = MemoryClient()
    if attributes:
        client.put_item(TableName="core", Item={**KEY, **{name: _value(each) for name, each in attributes.items()}})
    return client


def _request(update: str = "", condition: str = "", names: str = "", **values: Any) -> dict[str, Any]:
    """`names` are those of `#a` and so on, of the same name."""
    request: dict[str, Any] = {"TableName": "core", "Key": KEY}
    if update:
        request["UpdateExpression"] = update
    if condition:
        request["ConditionExpression"] = condition
    if names:
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in names.split()}
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": _value(each) for name, each in values.items()}
    return request


def _updated(client: MemoryClient, *args: Any, **values: Any) -> dict[str, Any]:
    """The item after an update, without its key."""
    item = client.update_item(**_request(*args, **values), ReturnValues="ALL_NEW")["Attributes"]
    return {name: each for name, each in item.items() if name not in KEY}


def _refused(call: Any, **request: Any) -> str:
    """The message of a ValidationException."""
    with pytest.raises(ClientError) as failure:
        call(**request)
    assert failure.value.response["Error"]["Code"] == "ValidationException"
    return str(failure.value.response["Error"]["Message"])


def _code(call: Any, **request: Any) -> str:
    """The code of an error, empty if there is none."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


# --- updates ---


def test_every_right_hand_side_sees_the_item_before_the_update() -> None:
    client = _client(a=1, b=2, c=3)
    assert _updated(client, "SET #a = #b, #b = #a, #c = #c + #a REMOVE #d", names="a b c d") == {
        "a": {"N": "2"},
        "b": {"N": "1"},
        "c": {"N": "4"},
    }


def test_an_update_makes_an_item_that_is_not_there_and_its_key() -> None:
    client = MemoryClient()
    client.update_item(**_request("SET #a = if_not_exists(#a, :zero) + :one", names="a", zero=0, one=1))
    assert snapshot(client) == {("core", "p", "s"): {**KEY, "a": {"N": "1"}}}


def test_if_not_exists_takes_what_is_there_in_a_sum_too() -> None:
    client = _client(used=7)
    after = _updated(
        client, "SET #rem = :n - if_not_exists(#used, :zero), #app = if_not_exists(#app, :zero)", "", "rem used app",
        n=10, zero=0,
    )  # fmt: skip
    assert (after["rem"], after["app"]) == ({"N": "3"}, {"N": "0"})


@pytest.mark.parametrize(
    ("update", "names"),
    [
        ("SET #x = #x + :n", "x"),
        ("SET #x = #x - :n", "x"),
        ("SET #x = :n - #x", "x"),
        ("SET #a = #x, #b = :n", "a b x"),
        ("SET #t = #t + :n", "t"),
        ("ADD #t :n", "t"),
    ],
)
def test_arithmetic_with_what_is_not_there_or_no_number_is_refused_and_changes_nothing(update: str, names: str) -> None:
    client = _client(t="text")
    before = snapshot(client)
    _refused(client.update_item, **_request(update, names=names, n=1))
    assert snapshot(client) == before


@pytest.mark.parametrize(
    ("update", "value"),
    [("SET #a = #a + :v", "text"), ("SET #a = :v - #a", True), ("ADD #a :v", "text"), ("DELETE #a :v", 1)],
)
def test_a_value_of_the_wrong_type_is_refused_before_the_condition_is_looked_at(update: str, value: Any) -> None:
    request = _request(update, "attribute_exists(#pk)", "a pk", v=value)
    assert "Incorrect operand type" in _refused(MemoryClient().update_item, **request)


def test_add_makes_a_number_and_the_members_of_sets_come_and_go() -> None:
    client = _client(a=1)
    assert _updated(client, "ADD #a :n, #b :n", names="a b", n=-3) == {"a": {"N": "-2"}, "b": {"N": "-3"}}
    _updated(client, "ADD #s :v", names="s", v={"SS": ["y", "x"]})
    assert _updated(client, "ADD #s :v REMOVE #a, #b", names="s a b", v={"SS": ["x", "z"]}) == {
        "s": {"SS": ["x", "y", "z"]}
    }
    assert _updated(client, "DELETE #s :v", names="s", v={"SS": ["x", "y", "z", "w"]}) == {}


@given(st.integers(-(10**37), 10**37), st.integers(-(10**37), 10**37))
def test_numbers_are_exact(left: int, right: int) -> None:
    after = _updated(_client(a=left), "SET #s = #a + :b, #d = #a - :b", names="a s d", b=right)
    assert (int(after["s"]["N"]), int(after["d"]["N"])) == (left + right, left - right)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("007", "7"),
        ("1.0", "1"),
        ("-0", "0"),
        ("1e3", "1000"),
        ("0.10", "0.1"),
        ("1" * 38, "1" * 38),
        ("-5.50", "-5.5"),
    ],
)
def test_a_number_has_one_form(written: str, kept: str) -> None:
    client = _client(a={"N": written})
    assert client.get_item(TableName="core", Key=KEY)["Item"]["a"] == {"N": kept}


def test_decimals_add_up_exactly() -> None:
    after = _updated(_client(a=Decimal("0.1")), "SET #a = #a + :b", names="a", b=Decimal("0.2"))
    assert after == {"a": {"N": "0.3"}}


@pytest.mark.parametrize("number", ["1" * 39, "1e126", "1e-131", "", "x", "1_000", " 1", "NaN", "Infinity"])
def test_what_is_no_number_of_dynamodb_is_refused(number: str) -> None:
    _refused(MemoryClient().put_item, TableName="core", Item={**KEY, "a": {"N": number}})


@pytest.mark.parametrize(
    "update",
    [
        "SET #a = :v REMOVE #a",
        "SET #a = :v, #a = :v",
        "SET #a = :v, #b = :v",  # two aliases of one name
        "SET #a = :v ADD #a :v",
    ],
)
def test_one_attribute_is_not_written_twice(update: str) -> None:
    request = _request(update, v=1)
    request["ExpressionAttributeNames"] = {"#a": "same", "#b": "same"} if "#b" in update else {"#a": "same"}
    assert "overlap" in _refused(MemoryClient().update_item, **request)


@pytest.mark.parametrize("name", ["pk", "sk"])
@pytest.mark.parametrize("update", ["SET #k = :v", "REMOVE #k", "ADD #k :n"])
def test_a_key_attribute_is_not_updated(name: str, update: str) -> None:
    request = _request(update, **({"v": "x"} if ":v" in update else {"n": 1} if ":n" in update else {}))
    request["ExpressionAttributeNames"] = {"#k": name}
    assert "part of the key" in _refused(_client(a=1).update_item, **request)


# --- conditions ---


@pytest.mark.parametrize(
    ("condition", "names", "values", "holds"),
    [
        ("#n = :v", "n", {"v": 5}, True),
        ("#n = :v", "n", {"v": Decimal("5.0")}, True),
        ("#n = :v", "n", {"v": "5"}, False),
        ("#n <> :v", "n", {"v": "5"}, True),
        ("#n <> :v", "n", {"v": 5}, False),
        ("#b = :v", "b", {"v": 1}, False),  # True == 1 in Python
        ("#b = :v", "b", {"v": True}, True),
        ("#n < :v", "n", {"v": 10}, True),
        ("#n > :v", "n", {"v": 10}, False),
        ("#n <= :v", "n", {"v": 5}, True),
        ("#n >= :v", "n", {"v": 6}, False),
        ("#n < :v", "n", {"v": "a"}, False),
        ("#n > :v", "n", {"v": "a"}, False),
        ("#b > :v", "b", {"v": 0}, False),
        ("#t > :v", "t", {"v": "Z"}, True),
        ("#t < :v", "t", {"v": "\N{LATIN SMALL LETTER A WITH DIAERESIS}"}, True),
        ("#x = :v", "x", {"v": 5}, False),
        ("#x <> :v", "x", {"v": 5}, True),
        ("#x < :v", "x", {"v": 5}, False),
        ("#x >= :v", "x", {"v": 5}, False),
        ("NOT #x >= :v", "x", {"v": 5}, True),
        ("#n BETWEEN :v AND :w", "n", {"v": 5, "w": 6}, True),
        ("#n BETWEEN :v AND :w", "n", {"v": 6, "w": 9}, False),
        ("#n BETWEEN :v AND :w AND #t = :t", "n t", {"v": 1, "w": 9, "t": "text"}, True),
        ("#x BETWEEN :v AND :w", "x", {"v": 5, "w": 6}, False),
        ("#n IN (:v, :w)", "n", {"v": 4, "w": 5}, True),
        ("#n IN (:v)", "n", {"v": "5"}, False),
        ("#x IN (:v)", "x", {"v": 5}, False),
        ("begins_with(#t, :v)", "t", {"v": "te"}, True),
        ("begins_with(#t, :v)", "t", {"v": "ext"}, False),
        ("begins_with(#n, :v)", "n", {"v": "5"}, False),
        ("begins_with(#x, :v)", "x", {"v": ""}, False),
        ("attribute_exists(#n)", "n", {}, True),
        ("attribute_exists(#x)", "x", {}, False),
        ("attribute_not_exists(#x)", "x", {}, True),
        ("attribute_not_exists(#n)", "n", {}, False),
        ("#n = :v OR #x = :v AND #x = :v", "n x", {"v": 5}, True),
        ("(#n = :v OR #x = :v) AND #x = :v", "n x", {"v": 5}, False),
        ("NOT #n = :v AND #x = :v", "n x", {"v": 5}, False),
        ("NOT (#n = :v AND #x = :v)", "n x", {"v": 5}, True),
        ("#n = #m", "n m", {}, True),
        ("#n < #t", "n t", {}, False),
    ],
)
def test_what_a_condition_says(condition: str, names: str, values: dict[str, Any], holds: bool) -> None:
    client = _client(n=5, m=5, t="text", b=True)
    before = snapshot(client)
    request = {**_request("", condition, names, **values), "Item": {**KEY, "marked": {"S": "yes"}}}
    del request["Key"]
    assert _code(client.put_item, **request) == ("" if holds else "ConditionalCheckFailedException")
    assert (snapshot(client) == before) is not holds


def test_a_condition_of_an_item_that_is_not_there_is_one_of_an_empty_item() -> None:
    client = MemoryClient()
    failed = "ConditionalCheckFailedException"
    assert _code(client.delete_item, **_request("", "attribute_exists(#pk)", "pk")) == failed
    assert _code(client.delete_item, **_request("", "attribute_not_exists(#pk)", "pk")) == ""


@pytest.mark.parametrize(
    "condition",
    [
        "#n + :v = :w",
        "#n = :v + :w",
        "#n = :v - :w",
        "#n = if_not_exists(#n, :v) OR #n = :w",
        "#n = :v, #n = :w",
        "#n = :v AND",
        "(#n = :v OR #n = :w",
        "((#n = :v)) OR #n = :w",
        "#n == :v OR #n = :w",
        "#n BETWEEN :w AND :v",
        "attribute_exists(:v) OR #n = :w",
        "#n = #n OR #n IN (:v, :w)",
        "n = :v OR #n = :w",
        "status = :v OR #n = :w",
        "nothing(#n) OR #n IN (:v, :w)",
    ],
)
def test_what_is_no_condition_is_refused(condition: str) -> None:
    _refused(_client(n=5).update_item, **_request("SET #m = :v", condition, "n m", v=5, w=6))


@pytest.mark.parametrize(
    "update",
    [
        "SET #n = :v + :v + :v",
        "SET #n :v",
        "SET #n = :v SET #m = :v",
        "SET n = :v, #n = :v",
        "REMOVE ttl SET #n = :v",
        "#n = :v",
        "SET #n = :v,",
        "PUT #n :v",
        "SET #n = nothing(:v)",
    ],
)
def test_what_is_no_update_is_refused(update: str) -> None:
    request = _request(update, v=1)
    request["ExpressionAttributeNames"] = {f"#{name}": name for name in "nm" if f"#{name}" in update}
    _refused(_client(n=5).update_item, **request)


@pytest.mark.parametrize(
    ("names", "values"),
    [
        ({"#a": "a"}, {":v": 1, ":w": 1}),
        ({"#a": "a", "#b": "b"}, {":v": 1}),
        ({}, {":v": 1}),
        ({"#a": "a"}, {}),
        ({"#b": "b"}, {":v": 1}),
        ({"#a": "a"}, {":w": 1}),
        (None, {":v": 1}),
        ({"#a": "a"}, None),
    ],
)
def test_each_alias_and_value_is_given_and_used(names: Any, values: Any) -> None:
    request: dict[str, Any] = {"TableName": "core", "Key": KEY, "UpdateExpression": "SET #a = :v"}
    if names is not None:
        request["ExpressionAttributeNames"] = names
    if values is not None:
        request["ExpressionAttributeValues"] = {name: _value(each) for name, each in values.items()}
    _refused(MemoryClient().update_item, **request)


def test_an_expression_has_at_most_4096_bytes_and_300_operators() -> None:
    client = MemoryClient()
    names = [f"n{index}" for index in range(301)]
    request = _request("SET " + ", ".join(f"#{name} = :v" for name in names), names=" ".join(names), v=1)
    assert "too many operators" in _refused(client.update_item, **request)
    long = "a" * 4100
    request = _request(f"SET #{long} = :v", v=1)
    request["ExpressionAttributeNames"] = {f"#{long}": "a"}
    assert "size" in _refused(client.update_item, **request)


def test_a_path_into_a_map_and_what_else_is_not_modelled_says_so() -> None:
    client = _client(a=1)
    for update in ("SET #a.#b = :v", "SET #a[0] = :v"):
        with pytest.raises(NotImplementedError):
            client.update_item(**_request(update, names="a b", v=1))
    with pytest.raises(NotImplementedError):
        client.update_item(**_request("", "size(#a) > :v", "a", v=1))
    with pytest.raises(NotImplementedError):
        client.get_item(TableName="core", Key=KEY, ProjectionExpression="a")
    with pytest.raises(NotImplementedError):
        MemoryClient().update_item(**_request("REMOVE #a", names="a"))


# --- keys and items ---


@pytest.mark.parametrize(
    "key",
    [
        {"pk": {"S": ""}, "sk": {"S": "s"}},
        {"pk": {"S": "p"}, "sk": {"S": ""}},
        {"pk": {"S": "p" * 2049}, "sk": {"S": "s"}},
        {"pk": {"S": "\N{EURO SIGN}" * 683}, "sk": {"S": "s"}},
        {"pk": {"S": "p"}, "sk": {"S": "s" * 1025}},
        {"pk": {"S": "p"}, "sk": {"N": "1"}},
        {"pk": {"S": "p"}},
    ],
)
def test_a_key_is_two_texts_of_a_certain_length(key: dict[str, Any]) -> None:
    client = MemoryClient()
    _refused(client.put_item, TableName="core", Item={**key, "a": {"S": ""}})
    for call in (client.get_item, client.delete_item, client.update_item):
        _refused(call, TableName="core", Key=key)
    _refused(client.get_item, TableName="core", Key={**KEY, "a": {"S": "x"}})
    assert snapshot(client) == {}


def test_the_longest_keys_and_empty_texts_elsewhere_are_taken() -> None:
    client = MemoryClient()
    client.put_item(TableName="core", Item={"pk": {"S": "p" * 2048}, "sk": {"S": "s" * 1024}, "a": {"S": ""}})
    assert len(snapshot(client)) == 1


def test_an_item_has_at_most_400_kilobytes() -> None:
    client = _client(a="x" * 300_000)
    _refused(client.put_item, TableName="core", Item={**KEY, "a": {"S": "x" * 410_000}})
    assert "size" in _refused(client.update_item, **_request("SET #b = :v", names="b", v="x" * 200_000))


def test_tables_and_parameters_that_nobody_has() -> None:
    client = MemoryClient("only")
    with pytest.raises(ClientError) as failure:
        client.get_item(TableName="core", Key=KEY)
    assert failure.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ParamValidationError):
        client.get_item(TableName="only", Key=KEY, Consistent=True)
    with pytest.raises(ParamValidationError):
        client.put_item(TableName="only")
    with pytest.raises(ParamValidationError):
        client.transact_write_items(TransactItems=[{"Put": {"TableName": "only", "Item": KEY, "ReturnValues": "NONE"}}])


def test_nobody_else_holds_what_is_kept() -> None:
    client = MemoryClient()
    item: dict[str, Any] = {**KEY, "a": {"SS": ["x"]}}
    client.put_item(TableName="core", Item=item)
    item["a"]["SS"].append("y")
    first = client.get_item(TableName="core", Key=KEY)["Item"]
    first["a"]["SS"].append("z")
    first["b"] = {"S": "more"}
    assert client.get_item(TableName="core", Key=KEY)["Item"] == {**KEY, "a": {"SS": ["x"]}}


# --- answers ---


@pytest.mark.parametrize("tells", ["ALL_OLD", "NONE", None])
@pytest.mark.parametrize("exists", [True, False])
def test_a_failed_condition_brings_the_item_if_it_was_asked_for(tells: str | None, exists: bool) -> None:
    client = _client(a=1) if exists else MemoryClient()
    more = {} if tells is None else {"ReturnValuesOnConditionCheckFailure": tells}
    request = _request("SET #a = :v", "#a = :w", "a", v=2, w=3)
    put = {"TableName": "core", "Item": {**KEY, "a": {"N": "7"}}, **_without(request, "Key", "UpdateExpression")}
    put["ConditionExpression"] = "#a = :w"
    put["ExpressionAttributeValues"] = {":w": {"N": "3"}}
    delete = {**put, "Key": KEY}
    del delete["Item"]
    for call, sent in ((client.update_item, request), (client.put_item, put), (client.delete_item, delete)):
        with pytest.raises(ClientError) as failure:
            call(**sent, **more)
        response = failure.value.response
        assert response["Error"] == {
            "Code": "ConditionalCheckFailedException",
            "Message": "The conditional request failed",
        }
        expected = {**KEY, "a": {"N": "1"}} if exists and tells == "ALL_OLD" else None
        assert response.get("Item") == expected


def _without(request: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: each for name, each in request.items() if name not in names}


def test_what_writes_return() -> None:
    client = _client(a=1)
    old = {**KEY, "a": {"N": "1"}}
    update = _request("SET #a = :v", names="a", v=2)
    assert client.update_item(**update, ReturnValues="ALL_OLD") == {"Attributes": old}
    assert client.update_item(**update) == {}
    assert client.put_item(TableName="core", Item=old, ReturnValues="ALL_OLD")["Attributes"]["a"] == {"N": "2"}
    _refused(client.put_item, TableName="core", Item=old, ReturnValues="ALL_NEW")
    assert client.delete_item(TableName="core", Key=KEY, ReturnValues="ALL_OLD") == {"Attributes": old}
    assert client.delete_item(TableName="core", Key=KEY, ReturnValues="ALL_OLD") == {}
    assert client.get_item(TableName="core", Key=KEY) == {}
    assert snapshot(client) == {}


def test_a_query_gives_a_range_of_a_partition_in_order() -> None:
    client = MemoryClient()
    for pk, sk in (("a", "W#3"), ("a", "W#1"), ("a", "X"), ("a", "W#2"), ("b", "W#1")):
        client.put_item(TableName="core", Item={"pk": {"S": pk}, "sk": {"S": sk}})
    request: dict[str, Any] = {
        "TableName": "core",
        "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": {":pk": {"S": "a"}, ":first": {"S": "W#1"}, ":last": {"S": "W#~"}},
        "ConsistentRead": True,
    }
    found = client.query(**request)
    assert [item["sk"]["S"] for item in found["Items"]] == ["W#1", "W#2", "W#3"]
    assert (found["Count"], "LastEvaluatedKey" in found) == (3, False)
    for condition in (
        "#sk = :pk AND #sk BETWEEN :first AND :last",
        "#pk = :pk OR #sk BETWEEN :first AND :last",
        "#pk = :pk AND #sk > :first AND #sk < :last",
        "#pk > :pk AND #sk BETWEEN :first AND :last",
        "#pk = :pk AND #sk BETWEEN :last AND :first",
        "",
    ):
        _refused(client.query, **{**request, "KeyConditionExpression": condition})


def test_a_scan_gives_what_its_filter_lets_through() -> None:
    client = MemoryClient()
    for pk, sk in (("CUS#1", "MAP"), ("CUS#1", "P#1"), ("U#1", "P#1")):
        client.put_item(TableName="core", Item={"pk": {"S": pk}, "sk": {"S": sk}})
    assert client.scan(TableName="core")["Count"] == 3
    request: dict[str, Any] = {
        "TableName": "core",
        "FilterExpression": "begins_with(#pk, :pk) AND begins_with(#sk, :sk)",
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": {":pk": {"S": "CUS#"}, ":sk": {"S": "P#"}},
        "ConsistentRead": True,
    }
    assert client.scan(**request)["Items"] == [{"pk": {"S": "CUS#1"}, "sk": {"S": "P#1"}}]
    assert client.scan(**request)["ScannedCount"] == 3
    _refused(client.scan, **{**request, "FilterExpression": "begins_with(#pk, :pk)"})


# --- transactions ---


def _put(sk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "core", "Item": {"pk": {"S": "p"}, "sk": {"S": sk}}, **more}}


_ABSENT = {
    "ConditionExpression": "attribute_not_exists(#pk)",
    "ExpressionAttributeNames": {"#pk": "pk"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


def test_a_transaction_is_all_or_nothing_and_tells_what_failed() -> None:
    client = _client(a=1)
    before = snapshot(client)
    actions = [
        _put("new", **_ABSENT),
        _put("s", **_ABSENT),
        {"Delete": {"TableName": "core", "Key": {**KEY, "sk": {"S": "gone"}}}},
    ]
    with pytest.raises(ClientError) as failure:
        client.transact_write_items(TransactItems=actions)
    response = failure.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert response["Error"]["Message"].endswith("[None, ConditionalCheckFailed, None]")
    assert response["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {**KEY, "a": {"N": "1"}},
        },
        {"Code": "None"},
    ]
    assert snapshot(client) == before


def test_a_transaction_writes_checks_and_deletes() -> None:
    client = _client(a=1)
    other = {**KEY, "sk": {"S": "other"}}
    client.put_item(TableName="core", Item=other)
    check = {"TableName": "core", "Key": {**KEY, "sk": {"S": "absent"}}, **_ABSENT}
    client.transact_write_items(
        TransactItems=[
            {"Update": _request("SET #a = #a + :v", "#a = :w", "a", v=1, w=1)},
            {"Delete": {"TableName": "core", "Key": other}},
            {"ConditionCheck": check},
            {"Put": {"TableName": "ephemeral", "Item": KEY}},
        ]
    )
    assert snapshot(client) == {("core", "p", "s"): {**KEY, "a": {"N": "2"}}, ("ephemeral", "p", "s"): KEY}


def test_an_update_that_the_item_does_not_allow_cancels_the_transaction() -> None:
    client = _client(t="text")
    with pytest.raises(ClientError) as failure:
        client.transact_write_items(TransactItems=[_put("new"), {"Update": _request("SET #t = #x", names="t x")}])
    reasons = failure.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ValidationError"]
    assert len(snapshot(client)) == 1


def test_two_operations_on_one_item_none_and_too_many_are_refused() -> None:
    client = MemoryClient()
    for actions in (
        [_put("a"), {"Delete": {"TableName": "core", "Key": {"pk": {"S": "p"}, "sk": {"S": "a"}}}}],
        [_put(str(index)) for index in range(101)],
        [{**_put("a"), "Delete": {"TableName": "core", "Key": KEY}}],
    ):
        _refused(client.transact_write_items, TransactItems=actions)
    with pytest.raises(ParamValidationError):
        client.transact_write_items(TransactItems=[])
    client.transact_write_items(TransactItems=[_put(str(index)) for index in range(100)])
    assert len(snapshot(client)) == 100


def test_a_transaction_under_its_token_counts_once() -> None:
    client = _client(a=1)
    add = [{"Update": _request("SET #a = #a + :v", names="a", v=1)}]
    for _ in range(3):
        assert client.transact_write_items(TransactItems=add, ClientRequestToken="once") == {}
    client.transact_write_items(TransactItems=add, ClientRequestToken="twice")
    client.transact_write_items(TransactItems=add)
    assert client.get_item(TableName="core", Key=KEY)["Item"]["a"] == {"N": "4"}
    with pytest.raises(ClientError) as failure:
        client.transact_write_items(
            TransactItems=[{"Update": _request("SET #a = #a + :v", names="a", v=2)}], ClientRequestToken="once"
        )
    assert failure.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    _refused(client.transact_write_items, TransactItems=add, ClientRequestToken="t" * 37)


def test_a_cancelled_transaction_may_succeed_under_the_same_token() -> None:
    client = _client(a=1)
    actions = [_put("s", **_ABSENT)]
    with pytest.raises(ClientError):
        client.transact_write_items(TransactItems=actions, ClientRequestToken="token")
    client.delete_item(TableName="core", Key=KEY)
    client.transact_write_items(TransactItems=actions, ClientRequestToken="token")
    assert len(snapshot(client)) == 1


# --- as the services use it ---


def test_threads_race_for_a_quota_and_get_exactly_it() -> None:
    client = MemoryClient()
    store = memory_store(client)
    key = schema.window("u", WindowKind.MONTH, 0)
    period = Period(0, 10**9)
    sync = credits.sync_window(store.core, key, period=period, included=100, version=0, source="month")
    store.database.update(sync)
    taken: list[str] = []
    refused: list[Row | None] = []
    barrier = threading.Barrier(8)

    def race(racer: int) -> None:
        barrier.wait()
        for index in range(25):
            reservation = Reservation(f"{racer}-{index}", 9, Channel.API, "202611")
            try:
                store.database.update(credits.reserve_included(store.core, key, reservation, now=1, max_in_flight=None))
            except ConditionFailed as failure:
                refused.append(failure.row)
            else:
                taken.append(reservation.id)

    threads = [threading.Thread(target=race, args=(racer,)) for racer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    window = credits.read_window(store.database.get(get(store.core, key)) or {})
    assert len(taken) == len(refused) == 100
    assert all(row is not None and row["rem"] == 0 for row in refused)
    assert (window.used, window.remaining, window.in_flight, len(window.reservations)) == (100, 0, 100, 100)


def test_the_database_tells_failed_transactions_apart() -> None:
    store = memory_store(_client(a=1))
    with pytest.raises(TransactionFailed) as failure:
        store.database.transact([_put("new", **_ABSENT), _put("s", **_ABSENT)])
    assert failure.value.failed == (False, True)
    assert failure.value.rows == (None, {"pk": "p", "sk": "s", "a": 1})


def test_it_is_fast_enough_for_thousands_of_deliveries() -> None:
    store = memory_store()
    key = schema.window("u", WindowKind.MONTH, 0)
    period = Period(0, 10**9)
    sync = credits.sync_window(store.core, key, period=period, included=10**6, version=0, source="month")
    store.database.update(sync)
    requests = []
    for index in range(1000):
        reservation = Reservation(str(index), 9, Channel.API, "202611")
        requests.append(credits.reserve_included(store.core, key, reservation, now=1, max_in_flight=14))
        requests.append(credits.commit(store.core, key, reservation))
    started = time.thread_time()
    for request in requests:
        store.database.update(request)
    assert time.thread_time() - started < 1.0  # 40,000 a second on an idle machine
