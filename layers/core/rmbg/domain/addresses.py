"""Client addresses: what counts as one anonymous caller."""

import ipaddress
from typing import Final

_SUBSCRIBER_BITS: Final = 64  # what one IPv6 subscriber has to himself (RFC 6177)


def caller_network(address: str) -> str:
    """An IPv4 address itself, an IPv6 address by its /64, `::ffff:a.b.c.d` as IPv4; anything else as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _SUBSCRIBER_BITS), strict=False))
