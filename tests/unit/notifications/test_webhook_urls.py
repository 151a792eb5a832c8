"""URLs and addresses that webhooks may have."""

from __future__ import annotations

import ipaddress

import pytest

from chalicelib.domain.webhooks import InvalidUrl, Target, WebhookPolicy, is_public

POLICY = WebhookPolicy()

REFUSED = [
    # schemes
    "http://hooks.example.com/",
    "HTTPS://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com:70/_x",
    "//hooks.example.com/",
    "hooks.example.com",
    "https:hooks.example.com",
    "https:///hooks.example.com",
    " https://hooks.example.com/",
    "https://hooks.example.com/ ",
    "",
    # addresses, in the notations that inet_aton and browsers accept
    "https://127.0.0.1/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://8.8.8.8/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0x/",
    "https://example.com.0x7f/",
    "https://1.2.3.4.5/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    # names that only a network knows
    "https://localhost/",
    "https://LOCALHOST/",
    "https://foo.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://vault/",
    "https://router.lan/",
    "https://nas.home.arpa/",
    # parts that parsers read differently
    "https://hooks.example.com./",
    "https://hooks..example.com/",
    "https://.example.com/",
    "https://-hooks.example.com/",
    "https://user@hooks.example.com/",
    "https://user:secret@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com\\.evil.example/",
    "https://hooks.example.com#@127.0.0.1/",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com?x=1#y",
    "https://hooks.example.com:443:80/",
    "https://hooks.example.com:/",
    "https://hooks.example.com:8443/",
    "https://hooks.example.com:80/",
    "https://hooks.example.com:0443/",
    "https://hooks.example.com:99999/",
    "https://hooks%2eexample.com/",
    "https://hooks.example.com%00.evil.example/",
    "https://bücher.example/",
    "https://ⓛocalhost/",
    "https://hooks。example。com/",
    "https://hooks.example.com/\r\nX-Injected: 1",
    "https://hooks.example.com/a\nb",
    "https://hooks.example.com/\x00",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/é",
    "https://hooks.example.com/{a}",
    f"https://{'a' * 64}.example.com/",
    f"https://{'a.' * 127}com/",
    "https://hooks.example.com/" + "a" * 1000,
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_could_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        POLICY.target(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com", Target("hooks.example.com", 443, "/")),
        ("https://Hooks.Example.COM:443/a/b?c=d&e=%20", Target("hooks.example.com", 443, "/a/b?c=d&e=%20")),
        ("https://hooks.example.com?token=x/y", Target("hooks.example.com", 443, "/?token=x/y")),
        ("https://xn--bcher-kva.example/", Target("xn--bcher-kva.example", 443, "/")),
        ("https://10.example.com/", Target("10.example.com", 443, "/")),
        ("https://a.b.c.d.example/~x/@y", Target("a.b.c.d.example", 443, "/~x/@y")),
    ],
)
def test_a_public_https_url_is_taken_apart(url: str, target: Target) -> None:
    assert POLICY.target(url) == target


def test_other_ports_and_local_names_need_the_operators_policy() -> None:
    policy = WebhookPolicy(frozenset({443, 8443}), (ipaddress.ip_network("127.0.0.0/8"),))
    assert policy.target("https://localhost:8443/x") == Target("localhost", 8443, "/x")
    assert policy.allows("127.0.0.1")
    assert not policy.allows("10.0.0.1")
    with pytest.raises(InvalidUrl, match="443 or 8443"):
        policy.target("https://localhost:8080/")
    with pytest.raises(InvalidUrl):
        policy.target("https://127.0.0.1:8443/")


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
        *("169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1"),
        *("192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1", "::8.8.8.8"),
        *("64:ff9b::808:808", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1"),
        *("2001:10::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1"),
        *("fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "", "x", "127.1"),
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not POLICY.allows(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "52.94.76.1", "223.255.255.1", "2606:4700::1111"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    assert POLICY.allows(address)
