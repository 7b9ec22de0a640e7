"""User tokens: ID tokens of an OpenID Connect issuer, held against its published keys.

Keys are fetched when the first token comes, never at INIT, and kept for an hour; a token under an unknown key has them
fetched again, at most once a minute. PyJWT, its cryptography and urllib are imported with the first token.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rmbg.domain.identifiers import is_user_id
from rmbg.errors import PublicError
from rmbg.observability import logger

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384")
FETCH_TIMEOUT_SECONDS: Final = 2.0
KEYS_LIVE_SECONDS: Final = 3600.0
_REFETCH_SECONDS: Final = 60.0
_FAILED_FETCH_SECONDS: Final = 5.0
_LEEWAY_SECONDS: Final = 30
_MAX_TOKEN_CHARACTERS: Final = 16_384
_MAX_DOCUMENT_BYTES: Final = 1_048_576


class InvalidToken(Exception):
    """Not a token of this issuer for this audience, or no longer; the message is for the log alone."""


class IssuerUnavailable(PublicError):
    """The issuer's keys cannot be had: nobody can say whether the token is valid."""

    def __init__(self) -> None:
        super().__init__(503, "Service unavailable", headers={"Retry-After": "5"})


@dataclass(frozen=True, slots=True)
class UserClaims:
    """Who a token speaks of. `email_verified` is None where the token says nothing of it."""

    subject: str
    email: str
    email_verified: bool | None


class UserTokens:
    """Verifies the tokens of one issuer for one audience; `clock` is monotonic, in seconds."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        fetch: Callable[[str], Any] | None = None,
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._audience = audience
        self._clock = clock
        self._fetch = fetch or fetch_json
        self._keys: dict[str | int, Any] = {}  # by name; by number those that have none
        self._fetched_at: float | None = None
        self._failed_at: float | None = None

    def verify(self, token: str) -> UserClaims:
        """The claims of a valid token. Raises InvalidToken and IssuerUnavailable."""
        if not (self._issuer and self._audience):
            raise InvalidToken("no issuer is configured")
        if len(token) > _MAX_TOKEN_CHARACTERS or not token.isascii():
            raise InvalidToken("no token")
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise InvalidToken("algorithm")
            key = self._key(header.get("kid"))
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=[self._issuer, self._issuer + "/"],
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
            raise InvalidToken(type(error).__name__) from error
        return _user_claims(claims)

    def _key(self, kid: Any) -> Any:
        now = self._clock()
        live_seconds = KEYS_LIVE_SECONDS if self._has(kid) else _REFETCH_SECONDS
        if self._fetched_at is None or now - self._fetched_at >= live_seconds:
            self._fetch_keys(now)
        if not self._has(kid):
            raise InvalidToken("unknown key")
        return self._keys[kid] if kid is not None else next(iter(self._keys.values()))

    def _has(self, kid: Any) -> bool:
        if kid is None:  # only unambiguous with a single key (OpenID Connect Core, 10.1)
            return len(self._keys) == 1
        return isinstance(kid, str) and kid in self._keys

    def _fetch_keys(self, now: float) -> None:
        if self._failed_at is not None and now - self._failed_at < _FAILED_FETCH_SECONDS:
            raise IssuerUnavailable
        import http.client

        from jwt import PyJWKSet
        from jwt.exceptions import PyJWKSetError

        try:
            configuration = self._fetch(f"{self._issuer}/.well-known/openid-configuration")
            jwks_uri = str(configuration["jwks_uri"])
            if not jwks_uri.startswith("https://") and not self._issuer.startswith("http://"):
                raise ValueError("jwks_uri is not https")
            key_set = PyJWKSet.from_dict(self._fetch(jwks_uri))
        except (
            OSError,
            http.client.HTTPException,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            PyJWKSetError,
        ) as error:
            self._failed_at = now
            logger.error("issuer unavailable", cause=type(error).__name__)
            raise IssuerUnavailable from error
        self._keys = {
            key.key_id if isinstance(key.key_id, str) else number: key for number, key in enumerate(key_set.keys)
        }
        self._fetched_at, self._failed_at = now, None


def fetch_json(url: str) -> Any:
    """The JSON document at an operator's URL. Raises OSError, HTTPException and ValueError."""
    import urllib.request

    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - the operator's issuer
    with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_SECONDS) as answer:  # noqa: S310
        return json.loads(answer.read(_MAX_DOCUMENT_BYTES))


def _user_claims(claims: dict[str, Any]) -> UserClaims:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not is_user_id(subject):
        raise InvalidToken("sub")
    if claims.get("token_use", "id") != "id":
        raise InvalidToken("token_use")
    email = claims.get("email")
    verified = claims.get("email_verified")
    return UserClaims(
        subject=subject,
        email=email[:320] if isinstance(email, str) else "",
        # some issuers write "true"; bool("false") would be True
        email_verified=None if verified is None else verified is True or verified == "true",
    )
