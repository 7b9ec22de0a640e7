"""API keys: made, shown once, and revoked."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rmbg.domain import keys
from rmbg.domain.credits import Account, ApiKey
from rmbg.domain.identifiers import is_key_id
from rmbg.errors import PublicError
from rmbg.storage import accounts, schema
from rmbg.storage.credits import text
from rmbg.storage.database import TransactionFailed
from rmbg.storage.expressions import Write, get
from rmbg.storage.store import Store

_ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: the only time that its text is known."""

    text: str
    key: ApiKey


def too_many_keys() -> PublicError:
    return PublicError(409, f"You have {keys.MAX_LIVE_KEYS} API keys, which is the most. Revoke one first.")


def key_not_found() -> PublicError:
    return PublicError(404, "API key not found.")


class ManageKeys:
    """The keys of accounts. `clock` gives seconds since the epoch, `choose` a random character of a text."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        choose: Callable[[str], str] = secrets.choice,
    ) -> None:
        self._store = store
        self._clock = clock
        self._choose = choose

    def create(self, account: Account, *, also: Callable[[ApiKey], Sequence[Write]] = lambda _: ()) -> NewKey:
        """Make a key, in one transaction with whatever is done `also`.

        Raises PublicError (409) if the account has 20 already, TransactionFailed if what is done `also` fails (its
        writes come first), and StoreUnavailable.
        """
        new = self._new_key()
        writes = also(new.key)
        try:
            self._store.database.transact(
                [
                    *writes,
                    {"Update": accounts.add_key(self._store.core, account.uid, new.key)},
                    *self._put(new, account),
                ]
            )
        except TransactionFailed as failure:
            if any(failure.failed[: len(writes)]):
                raise
            raise too_many_keys() from failure
        return new

    def rotate(self, account: Account, *, also: Callable[[ApiKey], Sequence[Write]]) -> NewKey:
        """Make a key and revoke all that the account had, at once. Raises TransactionFailed and StoreUnavailable."""
        new = self._new_key()
        replaced = tuple(key.id for key in account.keys)
        update = accounts.replace_keys(self._store.core, account.uid, new.key, replaced)
        self._store.database.transact([*also(new.key), {"Update": update}, *self._put(new, account)])
        return new

    def revoke(self, uid: str, key_id: str, *, also: Sequence[Write] = ()) -> None:
        """Revoke a key of an account: it is refused on its very next use.

        Raises PublicError (404) if the account has no such key, TransactionFailed and StoreUnavailable as `create`.
        """
        core = self._store.core
        if self.owner(key_id) != uid:
            raise key_not_found()
        try:
            self._store.database.transact([*also, {"Update": accounts.remove_key(core, uid, key_id)}])
        except TransactionFailed as failure:
            if any(failure.failed[: len(also)]):
                raise
            raise key_not_found() from failure

    def owner(self, key_id: str) -> str | None:
        """The account that a key belongs to, or belonged to before it was revoked."""
        if not is_key_id(key_id):
            return None
        row = self._store.database.get(get(self._store.core, schema.key_id(key_id)))
        return text(row, "uid") if row is not None else None

    def _new_key(self) -> NewKey:
        secret = keys.api_key(self._random(keys.RANDOM_CHARACTERS))
        return NewKey(
            secret, ApiKey(f"key_{self._random(_ID_CHARACTERS)}", keys.display_start(secret), int(self._clock()))
        )

    def _put(self, new: NewKey, account: Account) -> list[Write]:
        hashed = keys.key_hash(new.text)
        return [
            {"Put": accounts.put_key(self._store.core, hashed, account.uid, new.key)},
            {"Put": accounts.put_key_id(self._store.core, new.key, account.uid)},
        ]

    def _random(self, characters: int) -> str:
        return "".join(self._choose(keys.ALPHABET) for _ in range(characters))
