"""Residuals as symbols of VP8L's first alphabet: literals, and copies of the pixel before (RFC 9649, "Image Data")."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from functions.background_removal.imaging.encoding.vp8l_bits import BitWriter
from functions.background_removal.imaging.encoding.vp8l_prefix import PrefixCode
from functions.background_removal.imaging.encoding.vp8l_residuals import Bytes, Indices

_LITERALS: Final = 256
_MAX_COPY: Final = 4096
# Shorter runs of zeros cost less as literals of one or two bits; measured on mattes.
_MIN_COPIED_RUN: Final = 9


def _length_prefixes() -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16], Bytes]:
    """For lengths of 1 to 4096: prefix code and extra value; for each prefix code: bits of the extra value.

    RFC 9649, "LZ77 Backward Reference": two codes for each power of two, those below 4 for themselves.
    """
    value = np.arange(_MAX_COPY)
    extra_bits = np.maximum(np.frexp(value)[1] - 2, 0)
    prefix = 2 * extra_bits + (value >> extra_bits)
    extra = value & ((1 << extra_bits) - 1)
    bits_of_prefix = np.zeros(int(prefix.max()) + 1, np.uint8)
    bits_of_prefix[prefix] = extra_bits
    return prefix.astype(np.uint16), extra.astype(np.uint16), bits_of_prefix


_PREFIX, _EXTRA, _EXTRA_BITS = _length_prefixes()
SYMBOLS: Final = _LITERALS + len(_EXTRA_BITS)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Symbols (tokens,) uint16 in the order of the stream, and the extra values (copies,) uint16 of those that copy."""

    symbols: npt.NDArray[np.uint16]
    extra: npt.NDArray[np.uint16]

    def frequencies(self) -> Indices:
        """How often each symbol occurs, (SYMBOLS,)."""
        return np.bincount(self.symbols, minlength=SYMBOLS)

    def write(self, writer: BitWriter, code: PrefixCode) -> None:
        """Append them to the stream; the distance takes no bits, as it is always the same."""
        codes, bits = code.codes[self.symbols], code.lengths[self.symbols]
        copies = np.flatnonzero(self.symbols >= _LITERALS)
        codes[copies] |= self.extra.astype(np.uint64) << bits[copies].astype(np.uint64)
        bits[copies] += _EXTRA_BITS[self.symbols[copies] - _LITERALS]
        writer.write_codes(codes, bits)


def tokenise(positions: Indices, residuals: Bytes, size: int) -> Tokens:
    """Tokens for `size` residuals, of which those not 0 are given by position and value.

    A long run of zeros is one literal and copies of it, a short one literals: so is every pixel given, which the
    zeros behind it follow. The first run stands behind a pixel that is not there.
    """
    gaps = np.diff(positions, prepend=-1, append=size) - 1
    is_copied = gaps >= _MIN_COPIED_RUN
    zeros = np.where(is_copied, 1, gaps)
    copied = np.where(is_copied, gaps - 1, 0)
    copies = -(-copied // _MAX_COPY)
    counts = 1 + zeros + copies
    firsts = np.cumsum(counts) - counts
    symbols = np.zeros(int(counts.sum()), np.uint16)
    symbols[firsts[1:]] = residuals

    runs = np.flatnonzero(copies)
    owners = np.repeat(runs, copies[runs])
    nth = np.arange(len(owners)) - np.repeat(np.cumsum(copies[runs]) - copies[runs], copies[runs])
    lengths = np.minimum(copied[owners] - nth * _MAX_COPY, _MAX_COPY)
    symbols[firsts[owners] + 1 + zeros[owners] + nth] = _LITERALS + _PREFIX[lengths - 1]
    return Tokens(symbols[1:], _EXTRA[lengths - 1])
