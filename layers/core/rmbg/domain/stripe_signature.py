"""Stripe's signature of a webhook delivery (Stripe documentation, "Verify webhook signatures manually", scheme v1)."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

TOLERANCE_SECONDS: Final = 300
_MAX_HEADER_CHARACTERS: Final = 4096


def is_signed(payload: bytes, header: str, secrets: Sequence[str], now: int) -> bool:
    """Whether any of the secrets signed these very bytes, not more than 300 seconds before or after `now`.

    While a secret is rolled there are two; a header may hold several signatures. The future is refused as the past is:
    a clock that is wrong, or a delivery that is kept for later.
    """
    if len(header) > _MAX_HEADER_CHARACTERS:
        return False
    timestamp, signatures = _parsed(header)
    if timestamp is None or abs(now - timestamp) > TOLERANCE_SECONDS:
        return False
    signed = str(timestamp).encode() + b"." + payload
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets if secret]
    return any(
        hmac.compare_digest(one, other.encode("utf-8", errors="replace")) for one in expected for other in signatures
    )


def _parsed(header: str) -> tuple[int | None, list[str]]:
    """`t` and every `v1` of `t=1492774577,v1=5257a869...,v0=...`."""
    timestamp: int | None = None
    signatures = []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            if timestamp is not None or not (value.isascii() and value.isdecimal() and len(value) <= 12):
                return None, []
            timestamp = int(value)
        elif name == "v1":
            signatures.append(value)
    return timestamp, signatures
