"""Reads JSON objects field by field: each value is checked where it is read, and no field goes unread."""

from collections.abc import Mapping
from typing import Any, TypeVar

from layers.model.errors import ManifestError

Choice = TypeVar("Choice", bound=str)


class Fields:
    """One JSON object; `where` names it in error messages.

    Every method raises `ManifestError` when the field is absent or of another kind.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise ManifestError(f"{where}: an object is expected")
        self._rest: dict[str, Any] = dict(value)
        self.where = where

    def names(self) -> list[str]:
        """The names of the fields not read yet, in the file's order."""
        return list(self._rest)

    def take(self, name: str) -> Any:
        """The raw value of `name`."""
        try:
            return self._rest.pop(name)
        except KeyError:
            raise ManifestError(f"{self.where}: {name!r} is missing") from None

    def object(self, name: str) -> "Fields":
        return Fields(self.take(name), f"{self.where}.{name}")

    def objects(self, name: str) -> list["Fields"]:
        """A list of at least one object."""
        value = self.take(name)
        if not isinstance(value, list) or not value:
            raise self._wrong(name, "a list that is not empty")
        return [Fields(item, f"{self.where}.{name}[{index}]") for index, item in enumerate(value)]

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self.take(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(name, "a text")
        return value

    def one_of(self, name: str, choices: tuple[Choice, ...]) -> Choice:
        value = self.take(name)
        for choice in choices:
            if value == choice:
                return choice
        raise self._wrong(name, " or ".join(map(repr, choices)))

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.take(name)
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self._wrong(name, "a list of texts")
        return tuple(value)

    def whole(self, name: str, *, at_least: int) -> int:
        value = self.take(name)
        if type(value) is not int or value < at_least:
            raise self._wrong(name, f"a whole number of at least {at_least}")
        return value

    def triple(self, name: str) -> tuple[float, float, float]:
        """Three finite numbers."""
        value = self.take(name)
        if isinstance(value, list) and len(value) == 3 and all(type(item) in (int, float) for item in value):
            red, green, blue = (float(item) for item in value)
            if all(abs(item) < float("inf") for item in (red, green, blue)):
                return red, green, blue
        raise self._wrong(name, "three numbers")

    def end(self) -> None:
        """Raises `ManifestError` when a field was not read: a misspelt name must not pass for a default."""
        if self._rest:
            raise ManifestError(f"{self.where}: unknown {', '.join(map(repr, self._rest))}")

    def _wrong(self, name: str, expected: str) -> ManifestError:
        return ManifestError(f"{self.where}.{name}: {expected} is expected")
