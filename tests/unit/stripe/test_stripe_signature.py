"""Stripe's signature: what counts as signed, and everything that only looks like it."""

import hashlib
import hmac
from collections.abc import Callable

import pytest

from rmbg.domain.stripe_signature import TOLERANCE_SECONDS, is_signed
from tools.stripe_events.sign import signature_header

NOW = 1_794_306_600
BODY = '{"id":"evt_1","note":"été 🎉"}'.encode()
SECRET = "whsec_first"
OTHER = "whsec_second"


def v1(secret: str = SECRET, body: bytes = BODY, at: int | str = NOW) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_what_stripe_signs_is_signed() -> None:
    assert is_signed(BODY, signature_header(BODY, SECRET, NOW), [SECRET], NOW)


def test_a_signature_that_was_worked_out_by_hand() -> None:
    """HMAC-SHA256 of `1.{}` under `whsec_test`, from another implementation (openssl dgst -sha256 -hmac)."""
    digest = "7500d5d4be4b3ef07af1fe56f7d522d135cdaa7530de557e67cc1049c52de094"
    assert is_signed(b"{}", f"t=1,v1={digest}", ["whsec_test"], 1)


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_300_seconds_before_and_after_are_borne(seconds: int, taken: bool) -> None:
    header = signature_header(BODY, SECRET, NOW)
    assert TOLERANCE_SECONDS == 300
    assert is_signed(BODY, header, [SECRET], NOW + seconds) is taken


@pytest.mark.parametrize(
    ("secrets", "signers", "taken"),
    [
        ([SECRET, OTHER], [SECRET], True),
        ([SECRET, OTHER], [OTHER], True),
        ([SECRET], [OTHER, SECRET], True),
        ([SECRET], [SECRET, OTHER], True),
        (["old", OTHER], ["x", "y", OTHER], True),
        ([SECRET], [OTHER], False),
        ([SECRET, OTHER], ["x", "y"], False),
        ([], [SECRET], False),
        (["", SECRET], [SECRET], True),
    ],
)
def test_any_of_several_secrets_and_any_of_several_signatures(
    secrets: list[str], signers: list[str], taken: bool
) -> None:
    header = ",".join([f"t={NOW}", *(f"v1={v1(signer)}" for signer in signers)])
    assert is_signed(BODY, header, secrets, NOW) is taken


def test_an_empty_secret_signs_nothing() -> None:
    assert not is_signed(BODY, f"t={NOW},v1={v1('')}", [""], NOW)
    assert not is_signed(BODY, f"t={NOW},v1={v1('')}", ["", SECRET], NOW)


ODD_BUT_GOOD: list[Callable[[str], str]] = [
    lambda good: f"t={NOW}, v1={good}",
    lambda good: f" t={NOW} , v1={good} ",
    lambda good: f"v1={good},t={NOW}",
    lambda good: f"t={NOW},v0=abc,v1={good},scheme=x",
    lambda good: f"t={NOW},v1=,v1={good},,",
    lambda good: f"t={NOW},v1=\N{SNOWMAN},v1={good}",
    lambda good: f"t={NOW},v1=\ud800,v1={good}",
]
ODD: list[Callable[[str], str]] = [
    lambda good: "",
    lambda good: ",",
    lambda good: "=",
    lambda good: good,
    lambda good: f"v1={good}",
    lambda good: f"t={NOW}",
    lambda good: f"t={NOW},v0={good}",
    lambda good: f"t={NOW},v1={good.upper()}",
    lambda good: f"t={NOW},v1={good[:-1]}",
    lambda good: f"t={NOW},v1={good}0",
    lambda good: f"t={NOW},V1={good}",
    lambda good: f"T={NOW},v1={good}",
    lambda good: f"t={NOW};v1={good}",
    lambda good: f"t=,v1={good}",
    lambda good: f"t=now,v1={good}",
    lambda good: f"t=+{NOW},v1={good}",
    lambda good: f"t=-{NOW},v1={good}",
    lambda good: f"t={NOW}.0,v1={good}",
    lambda good: f"t={NOW}e0,v1={good}",
    lambda good: f"t=1_794_306_600,v1={good}",
    lambda good: f"t={'٠' * 10},v1={good}",
    lambda good: f"t={'²' * 3},v1={good}",
    lambda good: f"t={'9' * 5000},v1={good}",
    lambda good: f"t={NOW},t={NOW},v1={good}",
    lambda good: f"t={NOW - 900},t={NOW},v1={good}",
    lambda good: f"t={NOW},v1={good}\x00",
    lambda good: "\x00" * 100,
]


@pytest.mark.parametrize("shape", ODD_BUT_GOOD)
def test_headers_with_more_in_them(shape: Callable[[str], str]) -> None:
    assert is_signed(BODY, shape(v1()), [SECRET], NOW)


@pytest.mark.parametrize("shape", ODD)
def test_headers_that_sign_nothing(shape: Callable[[str], str]) -> None:
    assert not is_signed(BODY, shape(v1()), [SECRET], NOW)


def test_a_huge_header_is_not_looked_at() -> None:
    good = f"t={NOW},v1={v1()}"
    assert is_signed(BODY, good + "," + "x" * (4000 - len(good)), [SECRET], NOW)
    assert not is_signed(BODY, good + "," + "x" * 5000, [SECRET], NOW)
    assert not is_signed(BODY, f"t={NOW}" + ",v1=" * 1_000_000 + v1(), [SECRET], NOW)


@pytest.mark.parametrize(
    "other",
    [
        BODY + b" ",
        BODY + b"\n",
        BODY[:-1],
        BODY.replace(b"evt_1", b"evt_2"),
        b"",
        b"\xef\xbb\xbf" + BODY,
        BODY.decode().encode("utf-16"),
    ],
)
def test_other_bytes_are_not_signed(other: bytes) -> None:
    assert not is_signed(other, signature_header(BODY, SECRET, NOW), [SECRET], NOW)


def test_the_timestamp_is_signed_too() -> None:
    assert not is_signed(BODY, f"t={NOW + 1},v1={v1()}", [SECRET], NOW)


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b"." * 10, bytes(range(256))])
def test_any_bytes_can_be_signed(body: bytes) -> None:
    assert is_signed(body, signature_header(body, SECRET, NOW), [SECRET], NOW)
