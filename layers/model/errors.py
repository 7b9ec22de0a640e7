"""What can go wrong on the way to a ready model. Every message is for a person and says what to do."""

from collections.abc import Iterable


class ModelError(Exception):
    """Base of all errors of this package."""


class UnknownModelError(ModelError):
    """The name is not in the manifest: a typing mistake, so nobody should fall back to another model."""

    def __init__(self, name: str, choices: Iterable[str]) -> None:
        self.name = name
        self.choices = tuple(choices)
        super().__init__(f"there is no model named {name!r}; choose one of: {', '.join(self.choices)}")


class ManifestError(ModelError):
    """manifest.json or a ranges file of this project is not what the code expects."""


class ModelUnavailable(ModelError):
    """The model cannot be had on this machine now; another one may be."""


class BrokenModelError(ModelUnavailable):
    """The bytes were had and are wrong: a damaged archive, another hash, a graph that does not do what it should."""
