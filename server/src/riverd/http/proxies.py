"""Which address a client has, when proxies that are trusted stand in front."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from riverd.http.request import Request

NO_PROXIES = "none"
"""The setting's value where clients connect directly, whatever their addresses are."""

_HOPS_MAX = 32
_KNOWN_MAX = 4_096
_NETWORK_BITS = 64
_FOR = re.compile(r'(?:^|;)[ \t]*for[ \t]*=[ \t]*("[^"]*"|[^;"]*)', re.IGNORECASE)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_proxies(entries: Sequence[str]) -> tuple[Network, ...] | None:
    """The networks of a setting's entries; None if it has none, so that nothing is known.

    Raises:
        ValueError: an entry is no address and no network.
    """
    if not entries:
        return None
    if tuple(entries) == (NO_PROXIES,):
        return ()
    return tuple(_network(entry) for entry in entries)


def counted_as(text: str) -> str:
    """How a client with this address is counted: an IPv6 address as its network of 64 bits.

    Raises:
        ValueError: it is no address, nor such a network.
    """
    return _key(_address(text.removesuffix(f"/{_NETWORK_BITS}")))


class ClientAddresses:
    """Finds out whom a connection is counted for: an IPv4 address, or an IPv6 network of 64 bits.

    Of `X-Forwarded-For`, or else of `Forwarded`, the newest entry stands on the right: it is the
    peer of the proxy that wrote it. So it is believed as long as that one is trusted. What stands
    further left may be the client's invention.

    If nothing is known about proxies, a peer with a private address, and one whose requests have
    such a header, may be a proxy: many clients share its address, and it is not limited.

    Attributes:
        unlisted: A peer that seems to be a proxy and is not trusted, if there was one.
        silent: A trusted proxy that did not say whom it forwards, if there was one.
    """

    def __init__(self, proxies: tuple[Network, ...] | None) -> None:
        self.unlisted: str | None = None
        self.silent: str | None = None
        self._proxies = proxies
        # Proxies are few, and clients come again.
        self._judge = lru_cache(_KNOWN_MAX)(self._judged)

    def of(self, request: Request) -> str | None:
        """The address that a request is counted for; None if none is known that may be limited."""
        peer = request.peer
        key, is_proxy = self._judge(peer)
        headers = request.headers
        is_forwarded = "x-forwarded-for" in headers or "forwarded" in headers
        if is_proxy:
            if not is_forwarded:
                self.silent = self.silent or peer
                return None
            return self._forwarded(headers.get("x-forwarded-for"), headers.get("forwarded", ""))
        if self._proxies is None and is_forwarded:
            self.unlisted = self.unlisted or peer
            return None
        return key

    def _forwarded(self, forwarded_for: str | None, forwarded: str) -> str | None:
        """The nearest address that is no trusted proxy's."""
        # A quotation mark that a client left open must not swallow what proxies wrote behind it:
        # elements are split at each comma.
        entries = (forwarded if forwarded_for is None else forwarded_for).rsplit(",", _HOPS_MAX)
        for entry in reversed(entries[-_HOPS_MAX:]):
            found = _host(_for(entry) if forwarded_for is None else entry)
            key, is_proxy = self._judge(found)
            if not is_proxy:
                return key
        return None

    def _judged(self, text: str) -> tuple[str | None, bool]:
        """The key of an address, if it may be limited, and whether it is a trusted proxy's."""
        try:
            address = _address(text)
        except ValueError:
            return None, False
        if self._proxies is None:
            return (_key(address) if address.is_global else None), False
        return _key(address), any(address in network for network in self._proxies)


def _address(text: str) -> Address:
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _key(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _NETWORK_BITS), strict=False))


def _for(element: str) -> str:
    """The `for` of an element of `Forwarded` (RFC 7239, section 4)."""
    found = _FOR.search(element)
    return "" if found is None else found[1]


def _host(text: str) -> str:
    """An address without quotation marks, brackets and port."""
    text = text.strip().strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _network(entry: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError:
        try:
            meant = ip_network(entry, strict=False)
        except ValueError:
            raise ValueError(f"{entry} is no address, no network such as 10.0.0.0/24") from None
        raise ValueError(f"{entry}: write {meant}") from None
    if network.prefixlen == 0:
        raise ValueError(f"{entry} trusts everybody: list your proxies only")
    return network
