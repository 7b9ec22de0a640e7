"""The port: taken at once, so that nobody waits for a download to hear that it is in use, and opened at the end."""

import errno
import socket
from typing import Final

HOST: Final = "127.0.0.1"


class PortUnavailable(Exception):
    """The message is a whole sentence for a person."""


def bind(port: int) -> socket.socket:
    """A bound socket that does not listen yet: until it does, clients are refused. Raises PortUnavailable."""
    # The protocol must be named: asyncio sets TCP_NODELAY on connections of such sockets only, and without it an answer
    # in two writes waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Connections of a gateway that has just stopped linger on its port. One that listens is noticed all the same; of
    # two that start at once the second is told when it opens the port.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise unavailable(port, error) from error
    return listener


def unavailable(port: int, error: OSError) -> PortUnavailable:
    """What to tell a person about a bind or listen that failed."""
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        return PortUnavailable(f"port {port} is in use; choose another one: make run PORT={other}")
    return PortUnavailable(f"port {port} cannot be had: {(error.strerror or str(error)).lower()}")
