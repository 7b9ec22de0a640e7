"""Prefix codes of VP8L: from frequencies to lengths, bits, and their description (RFC 9649, "Entropy Code")."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt

from functions.background_removal.imaging.encoding.vp8l_bits import BitWriter

_MAX_LENGTH: Final = 15
_MAX_LENGTH_OF_LENGTHS: Final = 7
# RFC 9649, "Normal Code Length Code": 0 to 15 are lengths themselves, 17 and 18 are runs of zeros.
_SHORT_ZEROS, _SHORT_ZEROS_BITS, _FEWEST_SHORT_ZEROS = 17, 3, 3
_LONG_ZEROS, _LONG_ZEROS_BITS, _FEWEST_LONG_ZEROS = 18, 7, 11
_MOST_ZEROS: Final = _FEWEST_LONG_ZEROS + (1 << _LONG_ZEROS_BITS) - 1
_LENGTH_ORDER: Final = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)


@dataclass(frozen=True, slots=True)
class PrefixCode:
    """The codes of an alphabet: `codes` (symbols,) uint64 in the order of writing, `lengths` (symbols,) uint8, in bits.

    Symbols that do not occur have length 0, and so has the only symbol of an alphabet.
    """

    codes: npt.NDArray[np.uint64]
    lengths: npt.NDArray[np.uint8]


def write_prefix_code(writer: BitWriter, frequencies: Sequence[int]) -> PrefixCode:
    """Describe the code for symbols of these frequencies in the stream, and return it.

    At least one frequency must be above 0, and a single such symbol must be below 256.
    """
    used = [symbol for symbol, frequency in enumerate(frequencies) if frequency]
    if len(used) == 1:
        write_single_symbol(writer, used[0])
        return _canonical([0] * len(frequencies))
    lengths = _code_lengths(frequencies, _MAX_LENGTH)
    _write_lengths(writer, lengths)
    return _canonical(lengths)


def write_single_symbol(writer: BitWriter, symbol: int) -> None:
    """Describe a code of one symbol below 256, which takes no bits (RFC 9649, "Simple Code Length Code")."""
    writer.write(1, 1)  # a simple code
    writer.write(0, 1)  # of one symbol
    is_wide = symbol > 1
    writer.write(is_wide, 1)
    writer.write(symbol, 8 if is_wide else 1)


def _code_lengths(frequencies: Sequence[int], max_length: int) -> list[int]:
    """Lengths of a Huffman code; where it is too deep, of one for flattened frequencies. Two symbols or more occur."""
    weights = list(frequencies)
    while True:
        lengths = _huffman_lengths(weights)
        if max(lengths) <= max_length:
            return lengths
        weights = [(weight + 1) // 2 for weight in weights]


def _huffman_lengths(weights: Sequence[int]) -> list[int]:
    lengths = [0] * len(weights)
    heap: list[tuple[int, int, tuple[int, ...]]]
    heap = [(weight, symbol, (symbol,)) for symbol, weight in enumerate(weights) if weight]
    heapq.heapify(heap)
    while len(heap) > 1:
        light, order, left = heapq.heappop(heap)
        heavy, _, right = heapq.heappop(heap)
        members = left + right
        for symbol in members:
            lengths[symbol] += 1
        heapq.heappush(heap, (light + heavy, order, members))
    return lengths


def _canonical(lengths: Sequence[int]) -> PrefixCode:
    """Codes counted up by length, then by symbol; mirrored, as their most significant bit is read first."""
    codes = np.zeros(len(lengths), np.uint64)
    code, previous = 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        code <<= length - previous
        codes[symbol] = int(f"{code:0{length}b}"[::-1], 2)
        code, previous = code + 1, length
    return PrefixCode(codes, np.array(lengths, np.uint8))


def _write_lengths(writer: BitWriter, lengths: Sequence[int]) -> None:
    """A normal code length code, the lengths of the whole alphabet by it (RFC 9649, "Normal Code Length Code")."""
    tokens = list(_length_tokens(lengths))
    frequencies = [0] * len(_LENGTH_ORDER)
    for symbol, _, _ in tokens:
        frequencies[symbol] += 1
    code = _canonical(_code_lengths(frequencies, _MAX_LENGTH_OF_LENGTHS))
    ordered = [int(code.lengths[symbol]) for symbol in _LENGTH_ORDER]
    count = max(4, *(index + 1 for index, length in enumerate(ordered) if length))
    writer.write(0, 1)  # not a simple code
    writer.write(count - 4, 4)
    for length in ordered[:count]:
        writer.write(length, 3)
    writer.write(0, 1)  # lengths for all symbols
    for symbol, extra, extra_bits in tokens:
        writer.write(int(code.codes[symbol]), int(code.lengths[symbol]))
        writer.write(extra, extra_bits)


def _length_tokens(lengths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Code lengths as symbol, extra value, bits of the extra value."""
    for length, group in groupby(lengths):
        count = len(list(group))
        while length == 0 and count >= _FEWEST_SHORT_ZEROS:
            run = min(count, _MOST_ZEROS)
            if run >= _FEWEST_LONG_ZEROS:
                yield _LONG_ZEROS, run - _FEWEST_LONG_ZEROS, _LONG_ZEROS_BITS
            else:
                yield _SHORT_ZEROS, run - _FEWEST_SHORT_ZEROS, _SHORT_ZEROS_BITS
            count -= run
        for _ in range(count):
            yield length, 0, 0
