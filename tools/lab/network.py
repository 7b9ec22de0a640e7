"""How containers reach a server on this machine, while nobody outside of it does."""

import socket
from dataclasses import dataclass

from tools.lab.commands import run

_GATEWAYS = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"


@dataclass(frozen=True)
class Doorway:
    """`bind_host` is what a server listens on, `container_host` the name under which containers find it."""

    bind_host: str
    container_host: str


def doorway(engine: dict[str, str]) -> Doorway:
    """The engine's default bridge, whose address is this machine's. Raises CommandFailed.

    Where it is not, the engine runs in a virtual machine (macOS, Windows) and forwards its name for the host to the
    loopback interface.
    """
    command = ["docker", "network", "inspect", "bridge", "--format", _GATEWAYS]
    for gateway in run(command, engine).decode().split():
        if ":" not in gateway and _is_ours(gateway):
            return Doorway(gateway, gateway)
    return Doorway("127.0.0.1", "host.docker.internal")


def _is_ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
