"""API keys: every key is well-formed, no text is taken for one that is none, and mistakes of typing are noticed."""

import string

from hypothesis import assume, given
from hypothesis import strategies as st

from rmbg.domain import keys

random_parts = st.text(alphabet=keys.ALPHABET, min_size=36, max_size=36)


def test_the_alphabet_is_62_different_letters_and_digits() -> None:
    assert sorted(keys.ALPHABET) == sorted(string.digits + string.ascii_letters)


@given(random_parts)
def test_every_key_is_well_formed(random_part: str) -> None:
    key = keys.api_key(random_part)
    assert len(key) == 52
    assert keys.is_well_formed(key)
    assert key.isascii()


@given(st.text())
def test_any_text_is_judged_and_hashed_and_never_raises(text: str) -> None:
    for candidate in (text, keys.PREFIX + text):
        if keys.is_well_formed(candidate):
            assert candidate == keys.api_key(candidate[10:46])
        assert len(bytes.fromhex(keys.key_hash(candidate))) == 32


@given(random_parts, st.data())
def test_a_burst_of_changes_within_four_characters_is_noticed(random_part: str, data: st.DataObject) -> None:
    """CRC-32 finds every error burst of up to 32 bits."""
    position = data.draw(st.integers(0, 32))
    other = data.draw(st.text(alphabet=keys.ALPHABET, min_size=4, max_size=4))
    assume(other != random_part[position : position + 4])
    changed = random_part[:position] + other + random_part[position + 4 :]
    key = keys.api_key(random_part)
    assert not keys.is_well_formed(keys.PREFIX + changed + key[-6:])


@given(st.integers(0, 2**140), st.integers(1, 24))
def test_base62_reads_back(number: int, width: int) -> None:
    text, value = keys.base62(number, width), 0
    for character in text:
        value = value * 62 + keys.ALPHABET.index(character)
    assert len(text) == width
    assert value == number % 62**width
