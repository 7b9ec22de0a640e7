"""Who calls: by API key or by user token (rows 2 and 3 of the error table)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rmbg.domain.calendar import day_name
from rmbg.domain.credits import Account, Channel
from rmbg.domain.keys import is_well_formed, key_hash
from rmbg.domain.plans import Catalogue
from rmbg.errors import PublicError
from rmbg.observability import logger
from rmbg.services.user_tokens import InvalidToken, UserClaims, UserTokens
from rmbg.storage import accounts, schema
from rmbg.storage.credits import text
from rmbg.storage.database import ConditionFailed, StoreUnavailable
from rmbg.storage.expressions import get
from rmbg.storage.store import Store

_MAX_KNOWN_KEYS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """An account and how it was named. `key_id` is empty for a user token."""

    account: Account
    channel: Channel
    key_id: str = ""


def invalid_api_key() -> PublicError:
    """Row 2, of a key."""
    return PublicError(401, "invalid api key")


def invalid_user_token() -> PublicError:
    """Row 2, of a token."""
    return PublicError(401, "invalid user token")


def _unverified() -> PublicError:
    """Row 3."""
    return PublicError(403, "Email address not verified – please check your inbox")


class Authenticator:
    """Looks keys and tokens up. `clock` gives seconds since the epoch.

    Which account a key belongs to never changes and is remembered; whether it is still valid is read with the
    account, each time, so that a revoked key is refused on the very next request.
    """

    def __init__(
        self, store: Store, catalogue: Catalogue, tokens: UserTokens, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._tokens = tokens
        self._clock = clock
        self._owners: dict[str, tuple[str, str]] = {}

    def by_key(self, key: str) -> Identity:
        """The identity of an API key. Raises PublicError (401, 403) and StoreUnavailable."""
        if not is_well_formed(key):
            raise invalid_api_key()
        uid, key_id = self._owner(key_hash(key))
        account = self._account(uid)
        if account is None or account.suspended or account.key(key_id) is None:
            raise invalid_api_key()
        if not account.email_verified:
            raise _unverified()
        return Identity(account, Channel.API, key_id)

    def by_token(self, token: str) -> Identity:
        """The identity of a user token; an unknown subject gets an account.

        Raises PublicError (401, 403), IssuerUnavailable and StoreUnavailable.
        """
        try:
            claims = self._tokens.verify(token)
        except InvalidToken as error:
            logger.info("user token refused", cause=str(error))
            raise invalid_user_token() from error
        account = self._account(claims.subject) or self._create(claims)
        if account.suspended:
            raise invalid_user_token()
        verified = account.email_verified if claims.email_verified is None else claims.email_verified
        if not verified:
            raise _unverified()
        if not account.email_verified:
            self._note_verified(account)
        return Identity(account, Channel.APP)

    def note_use(self, identity: Identity) -> None:
        """Remember the day on which a key was last used, with at most one write a day. Never raises."""
        key = identity.account.key(identity.key_id)
        today = day_name(int(self._clock()))
        if key is None or key.last_used_on >= today:
            return
        try:
            self._store.database.update(
                accounts.key_used(self._store.core, identity.account.uid, identity.key_id, today)
            )
        except (ConditionFailed, StoreUnavailable):
            return

    def _owner(self, hashed: str) -> tuple[str, str]:
        owner = self._owners.get(hashed)
        if owner is None:
            row = self._store.database.get(get(self._store.core, schema.api_key(hashed)))
            if row is None:
                raise invalid_api_key()
            owner = text(row, "uid"), text(row, "key_id")
            if len(self._owners) >= _MAX_KNOWN_KEYS:
                self._owners.clear()
            self._owners[hashed] = owner
        return owner

    def _account(self, uid: str) -> Account | None:
        row = self._store.database.get(get(self._store.core, schema.account(uid)))
        return accounts.read_account(row) if row is not None else None

    def _create(self, claims: UserClaims) -> Account:
        account = Account(
            uid=claims.subject,
            email=claims.email,
            email_verified=claims.email_verified is True,
            plan=self._catalogue.free.name,
            included=self._catalogue.free.included,
            created_at=int(self._clock()),
        )
        try:
            self._store.database.put(accounts.create(self._store.core, account))
        except ConditionFailed as failure:  # somebody else's first request was quicker
            return accounts.read_account(failure.row) if failure.row else account
        return account

    def _note_verified(self, account: Account) -> None:
        """The issuer has verified the address: the account's keys may be used too."""
        try:
            self._store.database.update(accounts.verify_email(self._store.core, account.uid))
        except (ConditionFailed, StoreUnavailable):
            return
