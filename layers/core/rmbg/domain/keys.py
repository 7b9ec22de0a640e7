"""API keys: `rmbg_live_`, 36 random characters, and a checksum that tells a typing mistake without a look-up.

The checksum is CRC-32 (ISO 3309) of the random characters in six characters of base62, as secret scanners expect it.
"""

import hashlib
import re
import zlib
from typing import Final

PREFIX: Final = "rmbg_live_"
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_CHARACTERS: Final = 36
_CHECKSUM_CHARACTERS: Final = 6
_SHOWN_CHARACTERS: Final = 4
_FORM: Final = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{RANDOM_CHARACTERS}}})([0-9A-Za-z]{{{_CHECKSUM_CHARACTERS}}})")

MAX_LIVE_KEYS: Final = 20


def api_key(random_characters: str) -> str:
    """The key with these 36 characters of base62."""
    return PREFIX + random_characters + checksum(random_characters)


def is_well_formed(key: str) -> bool:
    """Whether the prefix, the length and the checksum are those of a key."""
    match = _FORM.fullmatch(key)
    return match is not None and checksum(match[1]) == match[2]


def checksum(text: str) -> str:
    """CRC-32 of ASCII text as six characters of base62."""
    return base62(zlib.crc32(text.encode("ascii")), _CHECKSUM_CHARACTERS)


def key_hash(key: str) -> str:
    """SHA-256 in hexadecimal: all that is stored of a key. It has 214 random bits: no salt, no slow hash is needed."""
    return hashlib.sha256(key.encode("utf-8", errors="replace")).hexdigest()


def display_start(key: str) -> str:
    """The first characters, by which its owner knows a key again."""
    return key[: len(PREFIX) + _SHOWN_CHARACTERS]


def base62(number: int, width: int) -> str:
    """A number in base62 (digits, capitals, small letters), filled up with zeros, cut to the last `width`."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
