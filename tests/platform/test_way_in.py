"""The picture of the way in, from records and answers that stand in the test."""

from __future__ import annotations

from typing import Any

import pytest

from admin_ui.way_in import ways_of

ZONE = [
    ("example.com", "NAPTR", '10 10 "s" "SIPS+D2T" "" _sips._tcp.example.com.'),
    ("example.com", "NAPTR", '20 10 "s" "SIP+D2U" "" _sip._udp.example.com.'),
    ("_sips._tcp.example.com", "SRV", "10 100 5061 sip.example.com."),
    ("_sip._udp.example.com", "SRV", "10 100 5060 sip.example.com."),
    ("sip.example.com", "A", "192.0.2.1"),
    ("sip.example.com", "AAAA", "2001:db8::1"),
    ("_fedsip-verify.example.com", "TXT", "fedsip=1"),
]
HOP = {"transport": "tls", "address": "192.0.2.1", "port": 5061, "status": 200, "reason": "OK"}


def zone(**states: str) -> list[dict[str, Any]]:
    """All published, but of these kinds."""
    return [
        {"name": name, "kind": kind, "value": value, "found": ["192.0.2.9"],
         "state": states.get(kind, "published")}
        for name, kind, value in ZONE
    ]  # fmt: skip


def test_each_transport_is_a_line() -> None:
    tls, udp = ways_of(zone(), {"hops": [HOP]})
    assert (tls.transport, udp.transport) == ("TLS", "UDP")
    assert [(step.what, step.value, step.colour, step.why) for step in tls.steps] == [
        ("NAPTR", "_sips._tcp.example.com", "good", "published"),
        ("SRV", "port 5061", "good", "published"),
        ("A, AAAA", "192.0.2.1", "good", "published"),
        ("our servers", "192.0.2.1:5061", "good", "answer"),
    ]
    assert (udp.steps[3].colour, udp.steps[3].why) == ("", "not asked")


@pytest.mark.parametrize(
    ("kind", "state", "step", "colour", "why"),
    [
        ("NAPTR", "missing", 0, "warn", "none, so callers ask for SRV"),
        ("NAPTR", "different", 0, "bad", "is 192.0.2.9"),
        ("SRV", "different", 1, "bad", "is 192.0.2.9"),
        ("AAAA", "missing", 2, "warn", "missing"),
        ("A", "unknown", 2, "warn", "the DNS did not answer"),
        ("SRV", "unchecked", 1, "", ""),
    ],
)
def test_what_is_wrong_is_seen_where_it_is(
    kind: str, state: str, step: int, colour: str, why: str
) -> None:
    found = ways_of(zone(**{kind: state}), {})[0].steps[step]
    assert (found.colour, found.why) == (colour, why)


def test_an_address_of_ipv6_is_told_from_its_port() -> None:
    last = ways_of(zone(), {"hops": [{**HOP, "address": "2001:db8::1"}]})[0].steps[3]
    assert last.value == "[2001:db8::1]:5061"


def test_a_server_that_does_not_answer() -> None:
    silent = {**HOP, "status": None, "reason": "no answer within 4 s"}
    last = ways_of(zone(), {"hops": [HOP, silent]})[0].steps[3]
    assert (last.colour, last.why) == ("warn", "no answer within 4 s")
    last = ways_of(zone(), {"hops": [silent]})[0].steps[3]
    assert (last.colour, last.why) == ("bad", "no answer within 4 s")


def test_a_server_whose_certificate_is_not_the_domains() -> None:
    doubted = {**HOP, "certificate": "for other.example alone"}
    last = ways_of(zone(), {"hops": [HOP, doubted]})[0].steps[3]
    assert (last.colour, last.why) == ("warn", "for other.example alone")


def test_one_transport_without_its_naptr_is_not_found_by_it() -> None:
    records = zone()
    records[0]["state"] = "missing"
    tls, udp = ways_of(records, {})
    assert (tls.steps[0].colour, udp.steps[0].colour) == ("bad", "good")


def test_all_addresses_missing() -> None:
    found = ways_of(zone(A="missing", AAAA="missing"), {})[0].steps[2]
    assert (found.colour, found.why) == ("bad", "missing")


def test_a_domain_without_a_check_has_no_picture() -> None:
    assert ways_of([], {}) == []
