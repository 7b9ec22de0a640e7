"""DynamoDB's request units, computed from what is read and written, for an emulator does not count them all.

Rules: DynamoDB developer guide, "Read and write operations" and "Item sizes and formats". A failed conditional write
costs as much as one that succeeds; a write in a transaction costs double.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
TRANSACTION_FACTOR = 2

Item = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Units:
    """Units of one request of a client, and the largest item that it touched."""

    read: int = 0
    write: int = 0
    largest_bytes: int = 0

    def note_read(self, *sizes_bytes: int) -> None:
        """One consistent read of items together: a unit a started 4 KB, one at least."""
        self._note(*sizes_bytes)
        self.read += max(1, -(-sum(sizes_bytes) // READ_UNIT_BYTES))

    def note_write(self, size_bytes: int, *, in_transaction: bool = False) -> None:
        """One write, whether its condition held or not: a unit a started KB, one at least."""
        self._note(size_bytes)
        self.write += max(1, -(-size_bytes // WRITE_UNIT_BYTES)) * (TRANSACTION_FACTOR if in_transaction else 1)

    def _note(self, *sizes_bytes: int) -> None:
        self.largest_bytes = max(self.largest_bytes, *sizes_bytes, 0)


def item_size_bytes(item: Item) -> int:
    """Names and texts by their UTF-8, numbers by their digits, a boolean one byte."""
    return sum(len(name.encode()) + _value_size_bytes(value) for name, value in item.items())


def _value_size_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        digits = str(content).lstrip("-").strip("0") or "0"
        return (len(digits) + 1) // 2 + 1 + str(content).startswith("-")
    return len(str(content).encode()) if kind == "S" else 1
