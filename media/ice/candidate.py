"""a=candidate (RFC 8839 s5.1): where a side says that it can be reached. Pure.

Only what the relay can send to becomes a Candidate: UDP with an IP address. TCP candidates and
names (mDNS, `.local`) are passed over: a side that has others, or that checks us, is found anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import islice

HOST_PREFERENCE = 126  # RFC 8445 s5.1.2.2
MAX_CANDIDATES = 32


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to a component; 1 is RTP, 2 RTCP."""

    component: int
    priority: int
    host: str
    port: int


def parse_candidate(value: bytes) -> Candidate | None:
    """The candidate in the attribute's value; None for one that is of no use or no candidate."""
    words = value.split()
    if len(words) < 8 or words[2].upper() != b"UDP" or words[6].lower() != b"typ":
        return None
    numbers = (words[1], words[3], words[5])
    if not all(one.isdigit() and len(one) <= 10 for one in numbers):
        return None
    component, priority, port = map(int, numbers)
    if component not in (1, 2) or not 0 < port < 65_536:
        return None
    try:
        host = ip_address(words[4].decode("ascii", "replace"))
    except ValueError:
        return None
    return Candidate(component, priority, str(host), port)


def best_candidate(values: Iterable[bytes], component: int, *, is_ipv6: bool) -> Candidate | None:
    """That of the highest priority for a component in one family; None when there is none."""
    found = [
        one
        for value in islice(values, MAX_CANDIDATES)
        if (one := parse_candidate(value)) is not None
        and one.component == component
        and (":" in one.host) is is_ipv6
    ]
    return max(found, key=lambda one: one.priority, default=None)


def priority_of(component: int, preference: int = 65_535) -> int:
    """Priority of a host candidate (RFC 8445 s5.1.2.1)."""
    return HOST_PREFERENCE << 24 | preference << 8 | 256 - component


def candidate_line(component: int, host: bytes, port: int, *, foundation: int = 1) -> bytes:
    """The attribute for a port of ours."""
    preference = 65_535 if foundation == 1 else 65_535 - foundation
    return b"candidate:%d %d UDP %d %b %d typ host" % (
        foundation,
        component,
        priority_of(component, preference),
        host,
        port,
    )
