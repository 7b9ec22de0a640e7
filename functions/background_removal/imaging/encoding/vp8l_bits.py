"""Packing codes of varying length into bytes, least significant bit first, as VP8L reads them (RFC 9649, section 3)."""

from typing import Final

import numpy as np
import numpy.typing as npt

# Each word then holds the first bit of at least one code, which the packing relies on.
MAX_CODE_BITS: Final = 32
_WORD_BITS: Final = 32


class BitWriter:
    """Bits in the order in which they are written; whole words become bytes, the rest waits for what follows."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._rest = 0
        self._rest_bits = 0

    def write(self, value: int, bits: int) -> None:
        """Append the lowest `bits` bits of a number."""
        self._rest |= (value & ((1 << bits) - 1)) << self._rest_bits
        self._rest_bits += bits
        while self._rest_bits >= _WORD_BITS:
            self._data += (self._rest & 0xFFFFFFFF).to_bytes(4, "little")
            self._rest >>= _WORD_BITS
            self._rest_bits -= _WORD_BITS

    def write_codes(self, codes: npt.NDArray[np.uint64], bits: npt.NDArray[np.uint8]) -> None:
        """Append one code after the other: `codes[i]` has no more than `bits[i]` bits, at most MAX_CODE_BITS."""
        if not len(codes):
            return
        ends = np.cumsum(bits, dtype=np.int64)
        ends += self._rest_bits
        starts = ends - bits
        words = starts // _WORD_BITS
        shifted = codes << (starts % _WORD_BITS).astype(np.uint64)
        # A word's codes share no bits; what reaches beyond the word stands in the upper half of their union.
        firsts = np.flatnonzero(np.diff(words, prepend=-1))
        unions = np.bitwise_or.reduceat(shifted, firsts)
        packed = np.zeros(len(unions) + 1, np.dtype("<u4"))
        packed[:-1] = unions & np.uint64(0xFFFFFFFF)
        packed[1:] |= (unions >> np.uint64(_WORD_BITS)).astype(np.uint32)
        packed[0] |= self._rest
        whole, self._rest_bits = divmod(int(ends[-1]), _WORD_BITS)
        self._data += packed[:whole].tobytes()
        self._rest = int(packed[whole])

    def getvalue(self) -> bytes:
        """All bits so far, the last byte filled up with zeros."""
        return b"".join((self._data, self._rest.to_bytes((self._rest_bits + 7) // 8, "little")))
