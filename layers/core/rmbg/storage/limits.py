"""Requests of the short-term limiter, the anonymous callers' day and idempotency keys: the ephemeral table."""

from rmbg.domain.calendar import DAY_SECONDS
from rmbg.domain.gcra import Gcra
from rmbg.storage.expressions import Request, Value, aliases, put_if_absent, update
from rmbg.storage.schema import Key

_RATE_TTL_SECONDS = DAY_SECONDS
_DAY_TTL_SECONDS = 2 * DAY_SECONDS


def rate_when_idle(table: str, key: Key, gcra: Gcra, now_ms: int) -> Request:
    """The first of two updates: the caller has been quiet, its whole burst is there."""
    return update(
        table,
        key,
        "SET #tat = :next, #ttl = :ttl",
        condition="attribute_not_exists(#tat) OR #tat <= :now",
        names=aliases("tat", "ttl"),
        values={":next": now_ms + gcra.interval_ms, ":now": now_ms, ":ttl": now_ms // 1000 + _RATE_TTL_SECONDS},
    )


def rate_when_busy(table: str, key: Key, gcra: Gcra, now_ms: int) -> Request:
    """The second, after the first failed: within the burst, or refused."""
    return update(
        table,
        key,
        "SET #tat = #tat + :interval",
        condition="#tat > :now AND #tat <= :limit",
        names=aliases("tat"),
        values={":interval": gcra.interval_ms, ":now": now_ms, ":limit": now_ms + gcra.tolerance_ms},
    )


def count_anonymous(table: str, key: Key, limit: int, now: int) -> Request:
    """One picture more of a day's allowance."""
    return update(
        table,
        key,
        "SET #n = if_not_exists(#n, :zero) + :one, #ttl = :ttl",
        condition="attribute_not_exists(#n) OR #n < :max",
        names=aliases("ttl", n="count"),
        values={":zero": 0, ":one": 1, ":max": limit, ":ttl": now + _DAY_TTL_SECONDS},
    )


def uncount_anonymous(table: str, key: Key) -> Request:
    """One picture less: it failed."""
    return update(
        table,
        key,
        "SET #n = #n - :one",
        condition="#n > :zero",
        names=aliases(n="count"),
        values={":zero": 0, ":one": 1},
    )


def put_salt(table: str, key: Key, salt: str, now: int) -> Request:
    """The day's salt for addresses, the first one made; gone two days later, and with it whoever was hashed."""
    return put_if_absent(table, key, {"salt": salt, "ttl": now + _DAY_TTL_SECONDS})


def start_idempotent(
    table: str, key: Key, *, fingerprint: str, owner: str, lease_until: int, expires_at: int, now: int
) -> Request:
    """Begin a request under an Idempotency-Key, unless one is there that is neither expired nor dead."""
    return update(
        table,
        key,
        "SET #fingerprint = :fingerprint, #owner = :owner, #state = :running, #lease = :lease, #attempts = :zero, "
        "#ttl = :ttl",
        condition="attribute_not_exists(#pk) OR #ttl <= :now OR (#state = :running AND #lease <= :now)",
        names=aliases("fingerprint", "owner", "state", "lease", "attempts", "ttl", "pk"),
        values={
            ":fingerprint": fingerprint,
            ":owner": owner,
            ":running": "running",
            ":lease": lease_until,
            ":zero": 0,
            ":ttl": expires_at,
            ":now": now,
        },
    )


def replay_idempotent(table: str, key: Key, *, fingerprint: str, replayer: str, max_replays: int) -> Request:
    """Count one more free repetition of a request that is done, once a replayer: its answer may be lost."""
    return update(
        table,
        key,
        "SET #attempts = #attempts + :one, #replayer = :replayer",
        condition="#fingerprint = :fingerprint AND #state = :done AND #attempts < :max "
        "AND (attribute_not_exists(#replayer) OR #replayer <> :replayer)",
        names=aliases("fingerprint", "state", "attempts", "replayer"),
        values={
            ":fingerprint": fingerprint,
            ":done": "done",
            ":one": 1,
            ":max": max_replays,
            ":replayer": replayer,
        },
    )


def finish_idempotent(table: str, key: Key, *, owner: str) -> Request:
    """Mark the owner's request as done."""
    return update(
        table,
        key,
        "SET #state = :done",
        condition="#owner = :owner AND #state = :running",
        names=aliases("owner", "state"),
        values={":owner": owner, ":running": "running", ":done": "done"},
    )


def abandon_idempotent(table: str, key: Key, *, owner: str) -> Request:
    """Delete the owner's unfinished request, so that a retry runs."""
    values: dict[str, Value] = {":owner": owner, ":running": "running"}
    request = update(
        table,
        key,
        "",
        condition="#owner = :owner AND #state = :running",
        names=aliases("owner", "state"),
        values=values,
    )
    del request["UpdateExpression"]
    request["ReturnValues"] = "NONE"
    return request
