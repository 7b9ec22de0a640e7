"""Accounts and their API keys: requests, and reading the items."""

from rmbg.domain.calendar import Interval, Period
from rmbg.domain.credits import Account, ApiKey, Subscription, SubscriptionStatus
from rmbg.domain.keys import MAX_LIVE_KEYS
from rmbg.storage import schema
from rmbg.storage.credits import integer, read_reservations, text
from rmbg.storage.database import Row
from rmbg.storage.expressions import Request, Value, aliases, put_if_absent, update


def create(table: str, account: Account) -> Request:
    """A new account without keys, credits or a subscription."""
    item: dict[str, Value] = {
        "email": account.email,
        "email_verified": account.email_verified,
        "plan": account.plan,
        "inc": account.included,
        "prepaid": 0,
        "infl": 0,
        "nkeys": 0,
        "at": account.created_at,
    }
    return put_if_absent(table, schema.account(account.uid), item)


def verify_email(table: str, uid: str) -> Request:
    return _set(table, uid, {"email_verified": True})


def suspend(table: str, uid: str, *, suspended: bool) -> Request:
    return _set(table, uid, {"suspended": suspended})


def set_plan(table: str, uid: str, plan: str, included: int) -> Request:
    """The operator's own plan; one that Stripe bills is Stripe's to change."""
    request = _set(table, uid, {"plan": plan, "inc": included})
    request["ConditionExpression"] += " AND attribute_not_exists(#sub_id)"
    request["ExpressionAttributeNames"] |= aliases("sub_id")
    return request


def add_key(table: str, uid: str, key: ApiKey) -> Request:
    """Enter a key in its account, which has at most 20."""
    return update(
        table,
        schema.account(uid),
        "SET #k = :key, #nkeys = if_not_exists(#nkeys, :zero) + :one",
        condition="attribute_exists(#pk) AND attribute_not_exists(#k) "
        "AND (attribute_not_exists(#nkeys) OR #nkeys < :max)",
        names=aliases("pk", "nkeys", k=schema.KEY_PREFIX + key.id),
        values={":key": f"{key.created_at}|{key.start}", ":zero": 0, ":one": 1, ":max": MAX_LIVE_KEYS},
    )


def remove_key(table: str, uid: str, key_id: str) -> Request:
    """Strike a key out of its account: from then on it is revoked."""
    return update(
        table,
        schema.account(uid),
        "SET #nkeys = #nkeys - :one REMOVE #k, #u",
        condition="attribute_exists(#k)",
        names=aliases("nkeys", k=schema.KEY_PREFIX + key_id, u=schema.KEY_USED_PREFIX + key_id),
        values={":one": 1},
    )


def replace_keys(table: str, uid: str, key: ApiKey, replaced: tuple[str, ...]) -> Request:
    """Enter a key and strike out all others; fails if they are not these any more."""
    request = update(
        table,
        schema.account(uid),
        "SET #k = :key, #nkeys = :one",
        condition="attribute_exists(#pk) AND (attribute_not_exists(#nkeys) OR #nkeys = :replaced)",
        names=aliases("pk", "nkeys", k=schema.KEY_PREFIX + key.id),
        values={":key": f"{key.created_at}|{key.start}", ":one": 1, ":replaced": len(replaced)},
    )
    if replaced:
        removed = []
        for index, key_id in enumerate(replaced):
            old = {f"k{index}": schema.KEY_PREFIX + key_id, f"u{index}": schema.KEY_USED_PREFIX + key_id}
            request["ExpressionAttributeNames"] |= aliases(**old)
            request["ConditionExpression"] += f" AND attribute_exists(#k{index})"
            removed += [f"#{alias}" for alias in old]
        request["UpdateExpression"] += " REMOVE " + ", ".join(removed)
    return request


def key_used(table: str, uid: str, key_id: str, day: str) -> Request:
    """Note the day on which a key was used; `day` is later than the one noted."""
    return update(
        table,
        schema.account(uid),
        "SET #u = :day",
        condition="attribute_exists(#k)",
        names=aliases(k=schema.KEY_PREFIX + key_id, u=schema.KEY_USED_PREFIX + key_id),
        values={":day": day},
    )


def put_key(table: str, key_hash: str, uid: str, key: ApiKey) -> Request:
    """What a key's hash leads to."""
    return put_if_absent(
        table,
        schema.api_key(key_hash),
        {"uid": uid, "key_id": key.id, "start": key.start, "created_at": key.created_at},
    )


def put_key_id(table: str, key: ApiKey, uid: str) -> Request:
    """What a key's id leads to: the operator revokes by it alone."""
    return put_if_absent(table, schema.key_id(key.id), {"uid": uid})


def put_ledger(
    table: str,
    uid: str,
    kind: str,
    source_id: str,
    *,
    amount: int,
    actor: str,
    reason: str,
    at: int,
    note: str = "",
    result: str = "",
) -> Request:
    """A line of the ledger, once a source: what was changed, by whom and why. `amount` in credits.

    `note` holds the rest of what was asked for, `result` what came of it.
    """
    return put_if_absent(
        table,
        schema.ledger(uid, kind, source_id),
        {"credits": amount, "actor": actor, "reason": reason, "at": at, "note": note, "result": result},
    )


def read_account(row: Row) -> Account:
    """An account's item."""
    prefix, used = schema.KEY_PREFIX, schema.KEY_USED_PREFIX
    keys = []
    for name, value in row.items():
        if name.startswith(prefix):
            created_at, start = str(value).split("|", 1)
            key_id = name.removeprefix(prefix)
            keys.append(ApiKey(key_id, start, int(created_at), text(row, used + key_id)))
    return Account(
        uid=text(row, "pk").removeprefix("U#"),
        email=text(row, "email"),
        email_verified=row.get("email_verified") is True,
        plan=text(row, "plan"),
        included=integer(row, "inc"),
        suspended=row.get("suspended") is True,
        prepaid=integer(row, "prepaid"),
        in_flight=integer(row, "infl"),
        sync_version=integer(row, "sv"),
        subscription=_subscription(row),
        keys=tuple(sorted(keys, key=lambda key: (key.created_at, key.id))),
        reservations=read_reservations(row),
        created_at=integer(row, "at"),
    )


def _subscription(row: Row) -> Subscription | None:
    """Stripe's dates; an account without them follows the calendar."""
    if not ("bps" in row and "bpe" in row):
        return None
    period = Period(integer(row, "bps"), integer(row, "bpe"))
    return Subscription(
        id=text(row, "sub_id"),
        status=SubscriptionStatus(text(row, "sub_status") or SubscriptionStatus.ACTIVE),
        period=period,
        anchor=integer(row, "anchor") or period.start,
        interval=Interval(text(row, "interval") or Interval.MONTH),
        interval_count=integer(row, "interval_count") or 1,
        cancel_at_end=row.get("cancel_at_end") is True,
        grace_until=integer(row, "grace_until") if "grace_until" in row else None,
    )


def _set(table: str, uid: str, values: dict[str, Value]) -> Request:
    """Set attributes of an account that exists."""
    return update(
        table,
        schema.account(uid),
        "SET " + ", ".join(f"#{name} = :{name}" for name in values),
        condition="attribute_exists(#pk)",
        names=aliases("pk", *values),
        values={f":{name}": value for name, value in values.items()},
    )
