"""API keys: their form, their checksum, and what of them is stored and shown."""

import hashlib
import zlib

import pytest

from rmbg.domain import keys

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM = "0aZ9bY8cX7dW6eV5fU4gT3hS2iR1jQ0kP9lO"
KEY = keys.api_key(RANDOM)


def crc32(data: bytes) -> int:
    """Bit by bit (ISO 3309, reflected polynomial EDB88320), owing nothing to a library."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_checksum_is_crc_32_in_six_characters_of_base62() -> None:
    number, expected = crc32(RANDOM.encode()), ""
    for place in (62**5, 62**4, 62**3, 62**2, 62, 1):
        expected += DIGITS[number // place % 62]
    assert keys.checksum(RANDOM) == expected
    assert crc32(b"123456789") == 0xCBF43926  # the algorithm's published check value


def test_a_key_is_its_prefix_36_random_characters_and_the_checksum() -> None:
    assert f"rmbg_live_{RANDOM}{keys.checksum(RANDOM)}" == KEY
    assert len(KEY) == 52
    assert keys.is_well_formed(KEY)


def test_a_checksum_keeps_its_leading_zeros() -> None:
    assert keys.checksum("") == "000000"  # CRC-32 of nothing is 0
    text = next(str(n) for n in range(10_000) if zlib.crc32(str(n).encode()) < 62**4)
    assert keys.checksum(text).startswith("00")
    assert len(keys.checksum(text)) == 6


@pytest.mark.parametrize("length", range(len(KEY)))
def test_a_truncated_key_is_refused(length: int) -> None:
    assert not keys.is_well_formed(KEY[:length])
    assert not keys.is_well_formed(KEY[-length:] if length else "")


@pytest.mark.parametrize("position", range(len(KEY)))
def test_any_one_mistyped_character_is_noticed(position: int) -> None:
    for other in "0AaZz_-":
        if other != KEY[position]:
            assert not keys.is_well_formed(KEY[:position] + other + KEY[position + 1 :])


@pytest.mark.parametrize("position", range(len("rmbg_live_"), len(KEY) - 1))
def test_two_characters_in_the_wrong_order_are_noticed(position: int) -> None:
    swapped = KEY[:position] + KEY[position + 1] + KEY[position] + KEY[position + 2 :]
    assert swapped == KEY or not keys.is_well_formed(swapped)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "rmbg_live_",
        KEY + "\n",
        "\n" + KEY,
        KEY + " ",
        KEY + "0",
        KEY.lower(),
        KEY.upper(),
        KEY.replace("rmbg_live_", "rmbg_test_"),
        KEY.replace("rmbg_live_", "RMBG_LIVE_"),
        KEY.replace("rmbg_live_", "rmbg-live-"),
        KEY.replace("a", "а"),  # a Cyrillic a
        KEY.replace("0", "٠"),  # an Arabic zero: a digit to str.isdigit
        KEY.replace("0", "O"),
        KEY.replace("l", "ſ"),  # a long s: a letter to \w, and s under IGNORECASE
        KEY[:-1] + "é",
        KEY[:-1] + "\x00",
        KEY[:-1] + "\udcff",  # what a byte that is no UTF-8 may become
        "é" * 52,
        "rmbg_live_" + "é" * 42,
        KEY * 1000,
    ],
)
def test_a_look_alike_is_refused_and_never_raises(key: str) -> None:
    assert not keys.is_well_formed(key)
    assert len(keys.key_hash(key)) == 64


def test_what_is_stored_is_sha_256_and_what_is_shown_the_first_characters() -> None:
    assert keys.key_hash(KEY) == hashlib.sha256(KEY.encode()).hexdigest()
    assert keys.display_start(KEY) == "rmbg_live_" + RANDOM[:4]


def test_base62_fills_up_and_cuts_off() -> None:
    assert keys.base62(0, 3) == "000"
    assert keys.base62(61, 3) == "00z"
    assert keys.base62(62, 3) == "010"
    assert keys.base62(62**3 - 1, 3) == "zzz"
    assert keys.base62(62**3, 3) == "000"
    assert len(keys.base62(2**128 - 1, 22)) == 22
    assert 62**22 > 2**128  # so that 22 characters hold every 128-bit number
    assert keys.base62(2**128 - 1, 22)[0] != "0"
