"""Take one of Stripe's deliveries: verify it, put it on the queue. Nothing that could take long is done here."""

import json
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from rmbg.domain.stripe_signature import is_signed
from rmbg.errors import PublicError
from rmbg.observability import logger

_FRESH_SECONDS: Final = 60.0
_MAX_MESSAGE_BYTES: Final = 250_000  # SQS takes 262,144 everywhere


class Sender(Protocol):
    def send(self, body: str) -> None:
        """Put a message on the queue; raises PublicError (5xx) if that cannot be done."""


class ReceiveStripeEvent:
    """`secrets(fresh)` gives the signing secrets; asked freshly after a failed signature, at most once a minute."""

    def __init__(
        self,
        queue: Callable[[], Sender],
        secrets: Callable[[bool], tuple[str, ...]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._queue = queue
        self._secrets = secrets
        self._clock = clock
        self._fresh_at = float("-inf")

    def receive(self, payload: bytes, signature: str) -> None:
        """Raises PublicError: 400 for what Stripe did not sign just now or is no event, 5xx so that it sends again."""
        if not self._is_signed(payload, signature):
            logger.info("stripe signature refused")
            raise PublicError(400, "Invalid signature")
        try:
            document = json.loads(payload.decode("utf-8"))
            message = _message(document) if isinstance(document, dict) else ""
        except (UnicodeDecodeError, ValueError, RecursionError):
            raise PublicError(400, "Invalid payload") from None
        if not isinstance(document, dict) or not _is_text(document.get("id")) or not _is_text(document.get("type")):
            raise PublicError(400, "Invalid payload")
        self._queue().send(message)

    def _is_signed(self, payload: bytes, signature: str) -> bool:
        now = int(self._clock())
        if not signature:
            return False
        if is_signed(payload, signature, self._secrets(False), now):
            return True
        if self._clock() - self._fresh_at < _FRESH_SECONDS:
            return False
        self._fresh_at = self._clock()  # the secret may have been rolled since it was read
        return is_signed(payload, signature, self._secrets(True), now)


def _message(document: dict[str, Any]) -> str:
    """The event as a queue takes it: in ASCII, for not every character may be in a message, and not too large.

    Of an event that is too large the object's id is left, by which it is fetched.
    """
    message = json.dumps(document, separators=(",", ":"))
    if len(message) <= _MAX_MESSAGE_BYTES:
        return message
    data = document.get("data")
    told = data.get("object") if isinstance(data, dict) else None
    kept = {name: told[name] for name in ("id", "object") if _is_text(told.get(name))} if isinstance(told, dict) else {}
    head = {name: document[name] for name in ("id", "type", "created", "livemode") if _is_small(document.get(name))}
    return json.dumps({**head, "data": {"object": kept}}, separators=(",", ":"))


def _is_small(value: object) -> bool:
    return isinstance(value, bool | int) or _is_text(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255
