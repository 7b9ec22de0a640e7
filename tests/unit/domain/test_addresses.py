"""What counts as one anonymous caller."""

import pytest

from rmbg.domain.addresses import caller_network


@pytest.mark.parametrize("address", ["192.0.2.7", "0.0.0.0", "255.255.255.255", "127.0.0.1"])
def test_an_ipv4_address_is_itself(address: str) -> None:
    assert caller_network(address) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:0:ffff:ffff:ffff:ffff", "2001:db8::/64"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::/64"),
        ("2001:db8:0:1::", "2001:db8:0:1::/64"),
        ("::", "::/64"),
        ("::1", "::/64"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::2%25", "fe80::/64"),
    ],
)
def test_an_ipv6_subscriber_is_a_64(address: str, network: str) -> None:
    assert caller_network(address) == network


@pytest.mark.parametrize("address", ["::ffff:192.0.2.7", "::FFFF:c000:207", "0:0:0:0:0:ffff:192.0.2.7"])
def test_a_mapped_address_is_the_ipv4_address(address: str) -> None:
    assert caller_network(address) == "192.0.2.7"


def test_only_mapped_addresses_are_ipv4() -> None:
    assert caller_network("::192.0.2.7") == "::/64"
    assert caller_network("::fffe:192.0.2.7") == "::/64"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "unknown",
        "192.0.2",
        "192.0.2.7:443",
        "192.0.2.256",
        "192.0.02.7",
        " 192.0.2.7",
        "[::1]",
        "١.٢.٣.٤",
        "2001:db8::/64",
        "x" * 10_000,
    ],
)
def test_anything_else_is_a_caller_of_its_own(address: str) -> None:
    assert caller_network(address) == address
