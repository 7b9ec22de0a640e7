"""Where containers find a server of this machine: the bridge's address if it is ours, else the engine's name for it."""

import pytest

from tools.lab import network
from tools.lab.network import Doorway, doorway

OURS = "192.0.2.1"


@pytest.mark.parametrize(
    ("gateways", "expected"),
    [
        (f"{OURS} \n", Doorway(OURS, OURS)),
        (f"2001:db8::1 {OURS} \n", Doorway(OURS, OURS)),
        ("192.0.2.9 \n", Doorway("127.0.0.1", "host.docker.internal")),  # in a virtual machine
        ("\n", Doorway("127.0.0.1", "host.docker.internal")),
    ],
)
def test_the_narrowest_way_in(monkeypatch: pytest.MonkeyPatch, gateways: str, expected: Doorway) -> None:
    monkeypatch.setattr(network, "run", lambda *_: gateways.encode())
    monkeypatch.setattr(network, "_is_ours", lambda address: address == OURS)
    assert doorway({}) == expected
