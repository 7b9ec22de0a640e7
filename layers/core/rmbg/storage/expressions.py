"""Building requests for DynamoDB's low-level API, as pure functions.

Every attribute name is aliased: plan, status, used, state, ttl and dozens more are reserved words on AWS, and not on
every emulator.
"""

from collections.abc import Mapping
from typing import Any

from rmbg.storage.schema import Key

Value = str | int | bool
Item = dict[str, Any]
Request = dict[str, Any]
Write = Mapping[str, Request]  # a part of a transaction: {"Update": request} and the like


def update(
    table: str,
    key: Key,
    expression: str,
    *,
    condition: str,
    names: Mapping[str, str],
    values: Mapping[str, Value],
) -> Request:
    """An UpdateItem that returns the item after it, or, where the condition fails, the item as it is."""
    request: Request = {
        "TableName": table,
        "Key": key_attributes(key),
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": dict(names),
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if values:
        request["ExpressionAttributeValues"] = attributes(values)
    return request


def put_if_absent(table: str, key: Key, item: Mapping[str, Value]) -> Request:
    return {
        "TableName": table,
        "Item": {**key_attributes(key), **attributes(item)},
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def get(table: str, key: Key, *, consistent: bool = True) -> Request:
    return {"TableName": table, "Key": key_attributes(key), "ConsistentRead": consistent}


def query(table: str, pk: str, first: str, last: str) -> Request:
    """All items of a partition whose sort key lies between two, in order; consistent."""
    return {
        "TableName": table,
        "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": attributes({":pk": pk, ":first": first, ":last": last}),
        "ConsistentRead": True,
    }


def scan(table: str, condition: str, *, names: Mapping[str, str], values: Mapping[str, Value]) -> Request:
    """All items of a table that a filter lets through; consistent."""
    return {
        "TableName": table,
        "FilterExpression": condition,
        "ExpressionAttributeNames": dict(names),
        "ExpressionAttributeValues": attributes(values),
        "ConsistentRead": True,
    }


def aliases(*names: str, **named: str) -> dict[str, str]:
    """`#name` for each name, and `#alias` for each alias of another name."""
    return {f"#{name}": name for name in names} | {f"#{alias}": name for alias, name in named.items()}


def key_attributes(key: Key) -> Item:
    return attributes(key._asdict())


def attributes(values: Mapping[str, Value]) -> Item:
    """Python's texts, whole numbers and booleans as DynamoDB's attribute values."""
    return {name: _attribute(value) for name, value in values.items()}


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Value]:
    """DynamoDB's attribute values as Python's; the inverse of `attributes`."""
    return {name: _plain(value) for name, value in item.items()}


def _attribute(value: Value) -> dict[str, str | bool]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"S": value}


def _plain(value: Mapping[str, Any]) -> Value:
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    if kind in ("S", "BOOL"):
        return content  # type: ignore[no-any-return]
    raise TypeError(f"no attribute of ours is of the type {kind}")
