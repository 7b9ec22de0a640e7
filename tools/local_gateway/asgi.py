"""The few types of ASGI's HTTP protocol (version 3.0) that the gateway uses, and its one extension."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CONNECTION: Final = "rmbg.connection"  # scope["extensions"][CONNECTION] is a Connection


class Connection(Protocol):
    """What ASGI does not tell about a request's connection."""

    @property
    def request_headers(self) -> list[tuple[bytes, bytes]]:
        """The current request's headers, names spelled as sent."""
        ...

    @property
    def is_refused(self) -> bool:
        """Whether the request has been answered already, because it turned out to be no HTTP."""
        ...

    def abort(self) -> None:
        """Drop the connection and whatever is unsent."""
        ...
