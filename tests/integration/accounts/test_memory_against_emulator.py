"""DynamoDB in memory against the emulator: the same random requests, the same answers, the same items."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbg.domain.calendar import Period
from rmbg.domain.credits import Account, ApiKey, Bucket, Channel, Reservation, WindowKind
from rmbg.domain.gcra import Gcra
from rmbg.storage import accounts, credits, limits, schema
from rmbg.storage.expressions import Request, Write, get, query
from rmbg.storage.schema import Key
from tests.support.memory import MemoryClient
from tests.support.store import Store as Tables

Call = tuple[str, Request]  # an operation of the client, and its request
Build = Callable[[str, str, str], Call]  # of the two tables' names and a user whom nobody else has

_USERS = itertools.count()

_instants = st.integers(1_790_000_000, 1_790_000_009)
_small = st.integers(0, 4)
_channels = st.sampled_from(list(Channel))
_reservations = st.builds(
    Reservation, st.sampled_from(["r1", "r2", "r3"]), _instants, _channels, st.sampled_from(["202611", "202612"])
)
_keys = st.builds(ApiKey, st.sampled_from(["key_1", "key_2", "key_3"]), st.just("rmbg_live_abcd"), _instants)
_gcra = st.builds(Gcra, st.integers(1, 5), st.integers(0, 12))
_capped = st.none() | st.integers(1, 3)


def _window(uid: str, start: int) -> Key:
    return schema.window(uid, WindowKind.STRIPE, start)


def _updates(make: Callable[[str, str, str], Request]) -> Build:
    return lambda core, ephemeral, uid: ("update_item", make(core, ephemeral, uid))


def _puts(make: Callable[[str, str, str], Request]) -> Build:
    return lambda core, ephemeral, uid: ("put_item", make(core, ephemeral, uid))


_starts = st.sampled_from([0, 100])
_reserve = st.builds(
    lambda start, reservation, now, cap: _updates(
        lambda core, _, uid: credits.reserve_included(
            core, _window(uid, start), reservation, now=now, max_in_flight=cap
        )
    ),
    _starts,
    _reservations,
    _instants,
    _capped,
)
_prepaid = st.builds(
    lambda reservation, cap: _updates(
        lambda core, _, uid: credits.reserve_prepaid(core, schema.account(uid), reservation, max_in_flight=cap)
    ),
    _reservations,
    _capped,
)
_commit = st.builds(
    lambda start, reservation: _updates(lambda core, _, uid: credits.commit(core, _window(uid, start), reservation)),
    _starts,
    _reservations,
)
_commit_prepaid = st.builds(
    lambda reservation: _updates(lambda core, _, uid: credits.commit(core, schema.account(uid), reservation)),
    _reservations,
)
_refund = st.builds(
    lambda start, reservation, sweep: _updates(
        lambda core, _, uid: credits.refund(core, _window(uid, start), reservation, Bucket.INCLUDED, sweep=sweep)
    ),
    _starts,
    _reservations,
    st.booleans(),
)
_refund_prepaid = st.builds(
    lambda reservation, sweep: _updates(
        lambda core, _, uid: credits.refund(core, schema.account(uid), reservation, Bucket.PREPAID, sweep=sweep)
    ),
    _reservations,
    st.booleans(),
)
_sync = st.builds(
    lambda start, end, included, version: _updates(
        lambda core, _, uid: credits.sync_window(
            core, _window(uid, start), period=Period(start, end), included=included, version=version, source="month"
        )
    ),
    _starts,
    _instants,
    _small,
    _small,
)
_add_prepaid = st.builds(
    lambda amount: _updates(lambda core, _, uid: credits.add_prepaid(core, schema.account(uid), amount)),
    st.integers(-5, 5) | st.integers(-(10**15), 10**15),
)
_create = st.builds(
    lambda verified, included: _puts(
        lambda core, _, uid: accounts.create(core, Account(uid, "ä@b.example", verified, "Free", included))
    ),
    st.booleans(),
    _small,
)
_account_changes = st.one_of(
    st.just(_updates(lambda core, _, uid: accounts.verify_email(core, uid))),
    st.booleans().map(
        lambda suspended: _updates(lambda core, _, uid: accounts.suspend(core, uid, suspended=suspended))
    ),
    _small.map(lambda included: _updates(lambda core, _, uid: accounts.set_plan(core, uid, "Team", included))),
)
_key_changes = st.one_of(
    _keys.map(lambda key: _updates(lambda core, _, uid: accounts.add_key(core, uid, key))),
    _keys.map(lambda key: _updates(lambda core, _, uid: accounts.remove_key(core, uid, key.id))),
    _keys.map(lambda key: _updates(lambda core, _, uid: accounts.key_used(core, uid, key.id, "2026-11-10"))),
    st.builds(
        lambda key, old: _updates(
            lambda core, _, uid: accounts.replace_keys(core, uid, key, tuple(each for each in old if each != key.id))
        ),
        _keys,
        st.lists(st.sampled_from(["key_1", "key_2", "key_3"]), unique=True),
    ),
    _keys.map(lambda key: _puts(lambda core, _, uid: accounts.put_key(core, f"{uid}-{key.id}", uid, key))),
)
_ledger = st.builds(
    lambda source, amount: _puts(
        lambda core, _, uid: accounts.put_ledger(core, uid, "grant", source, amount=amount, actor="a", reason="", at=1)
    ),
    st.sampled_from(["one", "two"]),
    _small,
)
_rates = st.builds(
    lambda idle, gcra, now: _updates(
        lambda _, ephemeral, uid: (limits.rate_when_idle if idle else limits.rate_when_busy)(
            ephemeral, schema.account_rate(uid), gcra, now
        )
    ),
    st.booleans(),
    _gcra,
    st.integers(0, 10),
)
_anonymous = st.one_of(
    _small.map(
        lambda limit: _updates(
            lambda _, ephemeral, uid: limits.count_anonymous(ephemeral, schema.anonymous_day("d", uid), limit, 1)
        )
    ),
    st.just(_updates(lambda _, ephemeral, uid: limits.uncount_anonymous(ephemeral, schema.anonymous_day("d", uid)))),
    st.just(_puts(lambda _, ephemeral, uid: limits.put_salt(ephemeral, schema.salt(uid), "salt", 1))),
)
_owners = st.sampled_from(["o1", "o2"])
_fingerprints = st.sampled_from(["f1", "f2"])
_idempotent = st.one_of(
    st.builds(
        lambda fingerprint, owner, lease, expires, now: _updates(
            lambda _, ephemeral, uid: limits.start_idempotent(
                ephemeral,
                schema.idempotency(uid, "key"),
                fingerprint=fingerprint,
                owner=owner,
                lease_until=lease,
                expires_at=expires,
                now=now,
            )
        ),
        _fingerprints,
        _owners,
        _small,
        _small,
        _small,
    ),
    st.builds(
        lambda fingerprint, owner: _updates(
            lambda _, ephemeral, uid: limits.replay_idempotent(
                ephemeral, schema.idempotency(uid, "key"), fingerprint=fingerprint, replayer=owner, max_replays=3
            )
        ),
        _fingerprints,
        _owners,
    ),
    _owners.map(
        lambda owner: _updates(
            lambda _, ephemeral, uid: limits.finish_idempotent(ephemeral, schema.idempotency(uid, "key"), owner=owner)
        )
    ),
    _owners.map(
        lambda owner: (
            lambda _, ephemeral, uid: (
                "delete_item",
                limits.abandon_idempotent(ephemeral, schema.idempotency(uid, "key"), owner=owner),
            )
        )
    ),
)
_reads = st.one_of(
    st.just(lambda core, _, uid: ("get_item", get(core, schema.account(uid)))),
    st.sampled_from([None, Period(0, 1), Period(100, 200)]).map(
        lambda period: (
            lambda core, _, uid: (
                "query",
                query(core, schema.account(uid).pk, *schema.window_range(period)),
            )
        )
    ),
)
_builds: st.SearchStrategy[Build] = st.one_of(
    _reserve,
    _reserve,
    _prepaid,
    _commit,
    _commit_prepaid,
    _refund,
    _refund_prepaid,
    _sync,
    _add_prepaid,
    _create,
    _account_changes,
    _key_changes,
    _ledger,
    _rates,
    _anonymous,
    _idempotent,
    _reads,
)
_MEMBERS = {"update_item": "Update", "put_item": "Put", "delete_item": "Delete"}


def _transaction(builds: list[Build]) -> Build:
    """The writes of some requests as one; what a transaction may not hold twice, it holds once."""

    def build(core: str, ephemeral: str, uid: str) -> Call:
        writes: dict[str, Write] = {}
        for operation, request in (each(core, ephemeral, uid) for each in builds):
            if operation in _MEMBERS:
                key = request.get("Key") or {name: request["Item"][name] for name in ("pk", "sk")}
                asked = {name: value for name, value in request.items() if name != "ReturnValues"}
                writes[repr((request["TableName"], key))] = {_MEMBERS[operation]: asked}
        return "transact_write_items", {"TransactItems": list(writes.values())}

    return build


_calls = st.lists(
    _builds
    | st.lists(st.one_of(_ledger, _add_prepaid, _ledger, _sync, _commit), min_size=2, max_size=3).map(_transaction),
    min_size=5,
    max_size=25,
)


def _answer(client: Any, call: Call) -> Any:
    """What a client makes of a call: its answer's members, or its error's."""
    operation, request = call
    try:
        answer = getattr(client, operation)(**request)
    except ClientError as error:
        reasons = [(reason["Code"], reason.get("Item")) for reason in error.response.get("CancellationReasons") or ()]
        return error.response["Error"]["Code"], error.response.get("Item"), reasons
    return {name: answer[name] for name in ("Attributes", "Item", "Items", "Count") if name in answer}


@pytest.fixture(scope="module")
def emulator(tables: Tables) -> Any:
    return tables.client(max_pool_connections=1)


def test_memory_and_emulator_answer_alike(emulator: Any, tables: Tables) -> None:
    outcomes: set[str] = set()

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(_calls)
    def alike(builds: list[Build]) -> None:
        memory = MemoryClient(tables.core_table, tables.ephemeral_table)
        uid = f"alike-{next(_USERS)}"
        create: Build = _puts(lambda core, _, uid: accounts.create(core, Account(uid, "a@b.example", True, "Free", 3)))
        sync: Build = _updates(
            lambda core, _, uid: credits.sync_window(
                core, _window(uid, 0), period=Period(0, 1_790_000_008), included=2, version=1, source="month"
            )
        )
        touched = set()
        for build in (create, sync, *builds):
            call = build(tables.core_table, tables.ephemeral_table, uid)
            expected = _answer(emulator, call)
            assert _answer(memory, call) == expected
            outcomes.add(f"{call[0]}: {expected[0] if isinstance(expected, tuple) else 'done'}")
            for request in _requests(call):
                key = request.get("Key") or request.get("Item")
                if key:
                    touched.add((request["TableName"], key["pk"]["S"], key["sk"]["S"]))
        for table, pk, sk in touched:
            reading = ("get_item", get(table, Key(pk, sk)))
            assert _answer(memory, reading) == _answer(emulator, reading)

    alike()
    assert {
        "get_item: done",
        "query: done",
        "put_item: done",
        "put_item: ConditionalCheckFailedException",
        "update_item: done",
        "update_item: ConditionalCheckFailedException",
        "delete_item: done",
        "delete_item: ConditionalCheckFailedException",
        "transact_write_items: done",
        "transact_write_items: TransactionCanceledException",
    } <= outcomes


def _requests(call: Call) -> list[Request]:
    operation, request = call
    if operation != "transact_write_items":
        return [request]
    return [part for action in request["TransactItems"] for part in action.values()]


def test_a_transaction_under_its_token_counts_once_in_both(emulator: Any, tables: Tables) -> None:
    uid = f"alike-{next(_USERS)}"
    key = schema.account(uid)
    memory = MemoryClient(tables.core_table, tables.ephemeral_table)
    create = ("put_item", accounts.create(tables.core_table, Account(uid, "a@b.example", True, "Free", 3)))
    add = credits.add_prepaid(tables.core_table, key, 5)
    del add["ReturnValues"]
    other = credits.add_prepaid(tables.core_table, key, 6)
    del other["ReturnValues"]
    token = f"token-{uid}"
    calls: list[Call] = [
        create,
        ("transact_write_items", {"TransactItems": [{"Update": add}], "ClientRequestToken": token}),
        ("transact_write_items", {"TransactItems": [{"Update": add}], "ClientRequestToken": token}),
        ("transact_write_items", {"TransactItems": [{"Update": other}], "ClientRequestToken": token}),
        ("get_item", get(tables.core_table, key)),
    ]
    for call in calls:
        assert _answer(memory, call) == _answer(emulator, call)
