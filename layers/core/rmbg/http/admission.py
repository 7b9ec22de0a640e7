"""Rows 1 to 4 of the error table, for every endpoint that authenticates: who calls, and not too quickly."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rmbg.domain.credits import Account
from rmbg.domain.plans import RateLimit
from rmbg.domain.windows import standing
from rmbg.errors import PublicError
from rmbg.http.application import Application
from rmbg.http.credentials import Credentials, read_credentials
from rmbg.http.rate_limits import Limit, credits_limit, daily_limit, short_headers, short_limit
from rmbg.http.requests import header
from rmbg.http.services import Services
from rmbg.services.anonymous import DailyLimitReached
from rmbg.services.authenticate import Identity, invalid_api_key, invalid_user_token
from rmbg.services.credits import CreditsExhausted
from rmbg.services.idempotency import is_valid
from rmbg.services.limiter import too_quick
from rmbg.services.payments import AccountPayment, AnonymousPayment
from rmbg.storage import schema
from rmbg.storage.schema import Key

IDEMPOTENCY_HEADER = "idempotency-key"


class Admission:
    """Lets callers in, and announces their limits on the application's answer."""

    def __init__(self, application: Application, services: Services) -> None:
        self._application = application
        self._services = services

    def by_key(self) -> Account:
        """The account of an endpoint that takes API keys alone."""
        credentials = read_credentials(self._event)
        if not credentials.api_key:
            raise invalid_api_key()
        return self._admitted(self._services.authenticator.by_key(credentials.api_key)).account

    def by_token(self) -> Account:
        """The account of an endpoint that takes user tokens alone."""
        credentials = read_credentials(self._event)
        if not credentials.token:
            raise invalid_user_token()
        return self._admitted(self._services.authenticator.by_token(credentials.token)).account

    def by_key_or_token(self) -> Identity:
        """Who calls an endpoint that takes either."""
        identity = self._identity(read_credentials(self._event))
        if identity is None:
            raise invalid_api_key()
        return self._admitted(identity)

    def idempotency_key(self) -> str:
        """The request's Idempotency-Key, empty if there is none. Raises PublicError (400) for one that is none."""
        key = header(self._event, IDEMPOTENCY_HEADER)
        if key and not is_valid(key):
            raise PublicError(400, "Idempotency-Key must be 1 to 255 printable ASCII characters.")
        return key

    def payment(self, lease_seconds: float) -> AccountPayment | AnonymousPayment:
        """Who pays for a picture: an account by key or token, or a caller without either. Nothing is taken yet.

        `lease_seconds`: how long the function may still run.
        """
        credentials = read_credentials(self._event)
        identity = self._identity(credentials)
        if identity is None:
            return self._anonymous()
        self._admitted(identity)
        return AccountPayment(
            self._services.store,
            self._services.credits,
            self._services.idempotency_keys,
            identity,
            idempotency_key=self.idempotency_key(),
            lease_seconds=lease_seconds,
        )

    @contextmanager
    def announced(self, payment: AccountPayment | AnonymousPayment) -> Iterator[None]:
        """Around the work: announce what is left to the caller after it, be it a picture or an error."""
        exhausted = False
        try:
            yield
        except (CreditsExhausted, DailyLimitReached):
            exhausted = True
            raise
        finally:
            remaining = 0 if exhausted else payment.remaining
            if isinstance(payment, AnonymousPayment):
                self._application.announce(self._daily_limit(remaining))
            else:
                self._application.announce(self._credits_limit(payment.identity.account, remaining))

    @property
    def _event(self) -> APIGatewayProxyEvent:
        return self._application.router.current_event

    def _identity(self, credentials: Credentials) -> Identity | None:
        if credentials.api_key:
            return self._services.authenticator.by_key(credentials.api_key)
        if credentials.token:
            return self._services.authenticator.by_token(credentials.token)
        if credentials.other_scheme:
            raise invalid_user_token()
        return None

    def _admitted(self, identity: Identity) -> Identity:
        """Row 4 of an account, by its plan; and the day its key was used on."""
        plan = standing(identity.account, self._services.settings.catalogue, int(time.time())).plan
        self._limit(schema.account_rate(identity.account.uid), plan.rate, self._credits_limit(identity.account, None))
        self._services.authenticator.note_use(identity)
        return identity

    def _anonymous(self) -> AnonymousPayment:
        callers = self._services.anonymous_callers
        context = self._event.raw_event.get("requestContext") or {}
        caller = callers.identify(str((context.get("identity") or {}).get("sourceIp") or ""))
        rate = self._services.settings.anonymous_rate
        self._limit(schema.anonymous_rate(caller), rate, self._daily_limit(None))
        return AnonymousPayment(callers, caller)

    def _credits_limit(self, account: Account, remaining: int | None) -> Limit:
        now = int(time.time())
        state = standing(account, self._services.settings.catalogue, now)
        return credits_limit(state.plan.included, state.period, remaining=remaining, now=now)

    def _daily_limit(self, remaining: int | None) -> Limit:
        quota = self._services.anonymous_callers.daily_limit
        return daily_limit(quota, remaining=remaining, now=int(time.time()))

    def _limit(self, key: Key, rate: RateLimit, other: Limit) -> None:
        """Row 4; announces the short-term limit, and the `other` one whose state nobody knows yet."""
        decision = self._services.limiter.check(key, rate)
        self._application.announce(short_limit(decision), other)
        self._application.headers.update(short_headers(decision))
        if not decision.allowed:
            raise too_quick(decision)
