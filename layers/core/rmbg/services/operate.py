"""What the operator does: users, keys, credits and plans. Each change is a line of the ledger, and happens once.

The line is written in the same transaction as the change, under the operation's id: whoever repeats an operation that
may have happened gets its result again and changes nothing.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rmbg.domain.credits import Account
from rmbg.domain.identifiers import is_user_id
from rmbg.domain.keys import base62
from rmbg.domain.plans import Catalogue, Plan
from rmbg.domain.windows import standing
from rmbg.errors import PublicError
from rmbg.services.manage_keys import ManageKeys, NewKey
from rmbg.storage import accounts, credits, schema
from rmbg.storage.credits import integer, text
from rmbg.storage.database import Row, TransactionFailed
from rmbg.storage.expressions import Write, get
from rmbg.storage.store import Store

_UID_CHARACTERS: Final = 22
_SHOWN_CHARACTERS: Final = 128
_TRIES: Final = 3


class NotFound(Exception):
    """There is no such user, key or plan; the message says which."""


class Refused(Exception):
    """The change cannot be made; the message says why."""


class _Changed(Refused):
    """Something else was changed at the same time: it may work when it is tried again."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Who changes what and why. `id` makes it happen once, `kind` is its name in the ledger."""

    id: str
    kind: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key's id, and its text: None when the operation was done before, for a key is known only once."""

    id: str
    text: str | None


class Operate:
    """The operator's changes to one store. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._keys = ManageKeys(store, clock=clock)

    def account(self, uid: str) -> Account:
        """Raises NotFound and StoreUnavailable."""
        row = self._store.database.get(get(self._store.core, schema.account(uid))) if is_user_id(uid) else None
        if row is None:
            raise NotFound(f"there is no user {uid[:_SHOWN_CHARACTERS]}")
        return accounts.read_account(row)

    def create_user(self, operation: Operation, *, email: str, verified: bool, plan_name: str | None) -> str:
        """Make an account and return its id, which follows from the operation's id. Raises NotFound and Refused."""
        plan = self._plan(plan_name) if plan_name is not None else self._catalogue.free
        uid = "usr_" + base62(int.from_bytes(hashlib.sha256(operation.id.encode()).digest(), "big"), _UID_CHARACTERS)
        account = Account(
            uid=uid,
            email=email,
            email_verified=verified,
            plan=plan.name,
            included=plan.included,
            created_at=int(self._clock()),
        )
        note = f"{email}|{verified}|{plan.name}"
        writes: list[Write] = [
            self._line(operation, uid, note=note),
            {"Put": accounts.create(self._store.core, account)},
        ]
        self._transact(writes, operation, uid, note=note)
        return uid

    def verify_email(self, operation: Operation, uid: str) -> None:
        """Raises NotFound."""
        self.account(uid)
        writes: list[Write] = [
            self._line(operation, uid),
            {"Update": accounts.verify_email(self._store.core, uid)},
        ]
        self._transact(writes, operation, uid)

    def suspend(self, operation: Operation, uid: str, *, suspended: bool) -> None:
        """Refuse the account's keys and tokens from the next request on, or take them again. Raises NotFound."""
        self.account(uid)
        writes: list[Write] = [
            self._line(operation, uid),
            {"Update": accounts.suspend(self._store.core, uid, suspended=suspended)},
        ]
        self._transact(writes, operation, uid)

    def issue_key(self, operation: Operation, uid: str) -> IssuedKey:
        """A new key. Raises NotFound and Refused."""
        account = self.account(uid)
        try:
            return _issued(self._keys.create(account, also=lambda key: [self._line(operation, uid, result=key.id)]))
        except TransactionFailed as failure:
            return self._issued_before(failure, operation)
        except PublicError as error:
            raise _refused(error) from error

    def rotate_keys(self, operation: Operation, uid: str) -> IssuedKey:
        """A new key in place of all others, which are revoked at that moment. Raises NotFound and Refused."""
        account = self.account(uid)
        try:
            return _issued(self._keys.rotate(account, also=lambda key: [self._line(operation, uid, result=key.id)]))
        except TransactionFailed as failure:
            return self._issued_before(failure, operation)

    def revoke_key(self, operation: Operation, key_id: str) -> str:
        """Revoke a key by its id; returns whose it was. Raises NotFound."""
        uid = self._keys.owner(key_id)
        if uid is None:
            raise NotFound(f"there is no live key {key_id}")
        try:
            self._keys.revoke(uid, key_id, also=[self._line(operation, uid, note=key_id)])
        except TransactionFailed as failure:
            self._check_repeated(failure, operation, note=key_id)  # only the line comes `also`: it was done before
        except PublicError as error:
            raise NotFound(f"there is no live key {key_id}") from error
        return uid

    def add_credits(self, operation: Operation, uid: str, amount: int) -> int:
        """Add prepaid credits, take them for a negative amount; returns the signed balance. Raises NotFound."""
        self.account(uid)
        writes: list[Write] = [
            self._line(operation, uid, amount=amount),
            {"Update": credits.add_prepaid(self._store.core, schema.account(uid), amount)},
        ]
        self._transact(writes, operation, uid, amount=amount)
        return self.account(uid).prepaid

    def set_plan(self, operation: Operation, uid: str, plan_name: str) -> Plan:
        """Give an account a plan that Stripe does not bill. What was used in the current window stays used.

        Raises NotFound, and Refused for an account with a subscription: Stripe would set its plan back.
        """
        plan = self._plan(plan_name)
        for _ in range(_TRIES):
            account = self.account(uid)
            if account.subscription is not None:
                raise Refused(f"{uid} has a subscription with Stripe: change its plan there")
            now = self._clock()
            period = standing(account, self._catalogue, int(now)).period
            key = schema.window(uid, standing(account, self._catalogue, int(now)).kind, period.start)
            row = self._store.database.get(get(self._store.core, key)) or {}
            window = credits.sync_window(
                self._store.core,
                key,
                period=period,
                included=plan.included,
                version=max(int(now * 1000), integer(row, "sv") + 1),
                source="operator",
            )
            writes: list[Write] = [
                self._line(operation, uid, note=plan.name),
                {"Update": accounts.set_plan(self._store.core, uid, plan.name, plan.included)},
                {"Update": window},
            ]
            try:
                self._transact(writes, operation, uid, note=plan.name)
            except _Changed:
                continue  # the window or the subscription changed in between
            return plan
        raise Refused(f"the account {uid} keeps changing: try again")

    def _plan(self, name: str) -> Plan:
        plan = self._catalogue.plan(name)
        if plan is None:
            raise NotFound(f"there is no plan {name}; there are {', '.join(self._catalogue.plans)}")
        return plan

    def _line(self, operation: Operation, uid: str, *, amount: int = 0, note: str = "", result: str = "") -> Write:
        return {
            "Put": accounts.put_ledger(
                self._store.core,
                uid,
                operation.kind,
                operation.id,
                amount=amount,
                actor=operation.actor,
                reason=operation.reason,
                at=int(self._clock()),
                note=note,
                result=result,
            )
        }

    def _transact(
        self, writes: list[Write], operation: Operation, uid: str, *, amount: int = 0, note: str = ""
    ) -> None:
        """Write the ledger's line and the change. Done before: fine. Raises Refused."""
        try:
            self._store.database.transact(writes)
        except TransactionFailed as failure:
            if not failure.failed[0]:
                raise _Changed(f"the account {uid} changed at the same time: try again") from failure
            self._check_repeated(failure, operation, amount=amount, note=note)

    def _check_repeated(
        self, failure: TransactionFailed, operation: Operation, *, amount: int = 0, note: str = ""
    ) -> None:
        """Raises Refused unless the ledger's line is that of the very same change."""
        line: Row = failure.rows[0] or {}
        if integer(line, "credits") != amount or text(line, "note") != note:
            raise Refused(f"the operation id {operation.id} was used for another change of this user") from failure

    def _issued_before(self, failure: TransactionFailed, operation: Operation) -> IssuedKey:
        if not failure.failed[0]:
            raise Refused("the account's keys changed at the same time: try again") from failure
        self._check_repeated(failure, operation)
        return IssuedKey(text(failure.rows[0] or {}, "result"), None)


def _issued(new: NewKey) -> IssuedKey:
    return IssuedKey(new.key.id, new.text)


def _refused(error: PublicError) -> Exception:
    return Refused(error.message) if error.status < 500 else error
