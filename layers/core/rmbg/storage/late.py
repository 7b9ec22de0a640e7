"""SDK clients that cost nothing until they are used."""

from collections.abc import Callable
from functools import cached_property
from typing import Any


class LateClient:
    """An SDK's client, made (and the SDK imported) by the first operation that is asked of it.

    For callers that are refused before anything is looked up, and for clients that few calls need.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    @cached_property
    def _client(self) -> Any:
        return self._make()

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)
