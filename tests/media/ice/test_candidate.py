"""a=candidate: what can be used, what is passed over."""

from __future__ import annotations

import pytest

from media.ice import Candidate, candidate_line, parse_candidate


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (
            b"1 1 UDP 2130706431 192.0.2.1 5004 typ host",
            Candidate(1, 2130706431, "192.0.2.1", 5004),
        ),
        (
            b"842163049 2 udp 1677729535 2001:DB8::1 5005 typ srflx raddr 0.0.0.0 rport 0",
            Candidate(2, 1677729535, "2001:db8::1", 5005),
        ),
        (b"1 1 tcp 2130706431 192.0.2.1 9 typ host tcptype active", None),
        (b"1 1 udp 1 0cb5a2a1-7d0b-4a5b-93a0-6f4d5c2a.local 5004 typ host", None),
        (b"1 3 udp 1 192.0.2.1 5004 typ host", None),
        (b"1 1 udp 1 192.0.2.1 0 typ host", None),
        (b"1 1 udp 1 192.0.2.1 99999 typ host", None),
        (b"1 1 udp x 192.0.2.1 5004 typ host", None),
        (b"1 1 udp 1 192.0.2.1 5004 host typ", None),
        (b"1 1 udp 1 192.0.2.1", None),
        (b"", None),
    ],
)
def test_candidates(value: bytes, found: Candidate | None) -> None:
    assert parse_candidate(value) == found


def test_ours() -> None:
    line = candidate_line(2, b"192.0.2.1", 5005)
    assert line == b"candidate:1 2 UDP 2130706430 192.0.2.1 5005 typ host"
    assert parse_candidate(line.partition(b":")[2]) == Candidate(2, 2130706430, "192.0.2.1", 5005)
    second = candidate_line(1, b"192.0.2.2", 5004, foundation=2)
    assert int(second.split()[3]) < 2130706431
