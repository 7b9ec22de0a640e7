"""The signature, against a computation of its own and one that Stripe's own library accepts."""

import hashlib

import pytest

from tools.stripe_events.sign import HEADER, signature_header

BLOCK = 64


def hmac_sha256(key: bytes, message: bytes) -> str:
    """RFC 2104, by hand."""
    key = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


@pytest.mark.parametrize("secret", ["whsec_sample", "x" * 200, "ü"])
@pytest.mark.parametrize("payload", [b"", b'{"id": "evt_1"}\n', '{"a": "\u00fc"}'.encode(), b"\xff\x00"])
def test_the_header(payload: bytes, secret: str) -> None:
    expected = hmac_sha256(secret.encode(), b"1794303000." + payload)
    assert signature_header(payload, secret, 1_794_303_000) == f"t=1794303000,v1={expected}"


def test_a_signature_that_stripes_own_library_takes() -> None:
    assert signature_header(b'{"object": "event"}', "whsec_sample", 1_794_303_000) == (
        "t=1794303000,v1=baca12e48beb4f29e3de4d18f5f0ba27b884a0d39b596268acb40bc5d4904034"
    )


def test_the_header_s_name() -> None:
    assert HEADER == "Stripe-Signature"
