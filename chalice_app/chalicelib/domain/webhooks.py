"""Webhooks: their URLs, their secrets and the addresses that they may reach."""

from __future__ import annotations

import base64
import ipaddress
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

MOST_URL_CHARACTERS = 1024

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# One pattern both accepts a URL and takes it apart, so no two parsers can read it differently. It allows no
# user name, fragment, space, control character or backslash, and a host in ASCII only (xn--...).
_URL = re.compile(
    rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    r"(?P<target>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)"
)
# Names that only resolve in a network: RFC 6761, RFC 6762, RFC 8375, and ICANN's .internal.
_LOCAL = ("localhost", "local", "internal", "lan", "home.arpa", "test", "invalid", "onion")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = Collection[ipaddress.IPv4Network | ipaddress.IPv6Network]

_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
# Of global unicast: protocol assignments with Teredo, documentation, 6to4, SRv6 documentation.
# https://www.iana.org/assignments/iana-ipv6-special-registry/
_SPECIAL_V6 = [ipaddress.ip_network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
# Not global in every supported Python: benchmarks, relays, protocol assignments, carrier NAT.
# https://www.iana.org/assignments/iana-ipv4-special-registry/
_SPECIAL_V4 = [
    ipaddress.ip_network(net)
    for net in ("100.64.0.0/10", "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24")
] + [ipaddress.ip_network(net) for net in ("192.175.48.0/24", "198.18.0.0/15", "240.0.0.0/4")]


class InvalidUrl(ValueError):
    """The URL cannot be a webhook's. The message states what it must be."""


@dataclass(frozen=True)
class Target:
    """Where a webhook's requests go. `path` is the request target."""

    host: str
    port: int
    path: str


@dataclass(frozen=True)
class WebhookPolicy:
    """What webhooks may reach: ports of public addresses.

    `networks` are further networks, for receivers on a developer's machine. No stage file can set them.
    """

    ports: frozenset[int] = frozenset({443})
    networks: Networks = ()

    def target(self, url: str) -> Target:
        """Return the target of a URL. Raises `InvalidUrl`.

        The host must be a DNS name. Addresses are refused in any notation: to most software, a name whose
        last label is a decimal, octal or hexadecimal number is one
        (https://url.spec.whatwg.org/#ends-in-a-number-checker).
        """
        found = _URL.fullmatch(url) if len(url) <= MOST_URL_CHARACTERS else None
        if found is None:
            raise InvalidUrl(
                "must be https://, a host name in ASCII, and a path, with at most 1,024 characters and "
                "without user name and fragment"
            )
        host, port = found["host"].lower(), int(found["port"] or 443)
        last = host.rpartition(".")[2]
        if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last):
            raise InvalidUrl("must have a host name, not an address")
        is_local = "." not in host or host.endswith(tuple(f".{name}" for name in _LOCAL))
        if (is_local and not self.networks) or len(host) > 253:
            raise InvalidUrl("must have a public host name")
        if port not in self.ports:
            allowed = " or ".join(str(each) for each in sorted(self.ports))
            raise InvalidUrl(f"must have port {allowed}")
        path = found["target"] or "/"
        return Target(host, port, path if path.startswith("/") else f"/{path}")

    def allows(self, address: str) -> bool:
        """Return whether requests may go to an address: a public one, or one of `networks`."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:  # also one with a scope, which is not global
            return False
        return is_public(parsed) or any(
            parsed.version == network.version and parsed in network for network in self.networks
        )


def is_public(address: Address) -> bool:
    """Return whether an address is a global unicast address of the internet.

    Mapped and translated IPv4 addresses (::ffff:0:0/96, 64:ff9b::/96) are not: DNS does not return them for
    public hosts, and a host that has one has an IPv4 address.
    """
    if isinstance(address, ipaddress.IPv4Address):
        is_special = any(address in network for network in _SPECIAL_V4)
        return address.is_global and not address.is_multicast and not is_special
    is_special = any(address in network for network in _SPECIAL_V6)
    return address in _GLOBAL_V6 and address.is_global and not is_special


@dataclass(frozen=True)
class Webhook:
    """The webhook of an environment. Its secrets are in a record of their own, with the ID `secret_id`."""

    url: str
    events: list[str]
    secret_id: str
    disabled_at: str | None = None


@dataclass(frozen=True)
class Delivery:
    """The last attempt to deliver a notice to a webhook. `status` is that of the HTTP response, if any."""

    at: str
    url: str
    status: int | None = None
    error: str | None = None
    failing_since: str | None = None


@dataclass(frozen=True)
class WebhookSecret:
    """The key that signs a webhook's requests, and the one before it, which also signs until `until`."""

    id: str
    secret: str
    previous: str | None = None
    until: str | None = None

    @classmethod
    def new(cls, previous: str | None = None, until: str | None = None) -> WebhookSecret:
        """Return a new secret: 32 random bytes, as Standard Webhooks recommends 24 to 64."""
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        return cls(secrets.token_hex(8), secret, previous, until)

    def in_use(self, now: str) -> list[str]:
        """Return the secrets that sign requests now."""
        is_overlap = self.previous is not None and self.until is not None and now < self.until
        return [self.secret, *([self.previous] if is_overlap and self.previous else [])]

    def __repr__(self) -> Any:
        """Leave the secrets out of logs."""
        return f"WebhookSecret(id={self.id!r})"
