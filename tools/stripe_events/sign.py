"""The header that Stripe puts on a webhook."""

import hashlib
import hmac
from typing import Final

HEADER: Final = "Stripe-Signature"


def signature_header(payload: bytes, secret: str, timestamp: int) -> str:
    """The value of `Stripe-Signature`, scheme v1: HMAC-SHA256 of `timestamp.payload` under the endpoint's secret."""
    signed = b"%d.%b" % (timestamp, payload)
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
