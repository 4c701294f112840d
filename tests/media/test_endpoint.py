"""Who may have a port: the table of the module's prologue, on a virtual clock."""

from __future__ import annotations

import pytest

from media.endpoint import LEARN_SECONDS, SILENT_SECONDS, Endpoint
from media.forward.rule import Address

LOCAL = ("203.0.113.9", 24000)
SIGNALLED = ("192.0.2.1", 5004)
SAME_HOST = ("192.0.2.1", 6000)
SIGNALLING_HOST = ("198.51.100.7", 40000)
STRANGER = ("198.51.100.99", 1)
OTHER_STRANGER = ("198.51.100.98", 2)
HOSTS = ("192.0.2.1", "198.51.100.7")


@pytest.fixture
def end() -> Endpoint:
    end = Endpoint(LOCAL)
    end.signal(SIGNALLED, hosts=HOSTS)
    return end


def test_before_anything_is_heard(end: Endpoint) -> None:
    assert (end.source, end.destination) == (None, SIGNALLED)


@pytest.mark.parametrize("source", [SIGNALLED, SAME_HOST, SIGNALLING_HOST, STRANGER])
def test_first_source_is_latched(end: Endpoint, source: Address) -> None:
    assert end.hear(source, packets=0, now=0.0)
    assert (end.source, end.destination) == (source, source)


@pytest.mark.parametrize(
    ("latched", "comes", "soon", "late"),
    [
        (STRANGER, OTHER_STRANGER, False, False),
        (STRANGER, SIGNALLING_HOST, True, True),
        (STRANGER, SAME_HOST, True, True),
        (STRANGER, SIGNALLED, True, True),
        (SIGNALLING_HOST, STRANGER, False, False),
        (SIGNALLING_HOST, SAME_HOST, False, False),
        (SIGNALLING_HOST, SIGNALLED, True, False),
        (SAME_HOST, SIGNALLED, True, False),
        (SIGNALLED, SAME_HOST, False, False),
        (SIGNALLED, SIGNALLING_HOST, False, False),
        (SIGNALLED, STRANGER, False, False),
    ],
)
def test_takeover(end: Endpoint, latched: Address, comes: Address, soon: bool, late: bool) -> None:
    """`soon` within the time of learning, `late` after it; the latched one goes on talking."""
    for moment, expected in ((LEARN_SECONDS / 2, soon), (LEARN_SECONDS * 2, late)):
        end.signal(None, hosts=HOSTS)
        end.signal(SIGNALLED, hosts=HOSTS)
        assert end.hear(latched, packets=0, now=0.0)
        assert end.hear(comes, packets=50, now=moment) is expected
        assert end.source == (comes if expected else latched)


@pytest.mark.parametrize(
    ("latched", "comes", "expected"),
    [
        (SIGNALLED, SAME_HOST, True),  # its NAT gave it another port
        (SIGNALLED, SIGNALLING_HOST, False),
        (SIGNALLED, STRANGER, False),
        (SIGNALLING_HOST, ("198.51.100.7", 40001), True),
        (SIGNALLING_HOST, SIGNALLED, True),
        (SIGNALLING_HOST, STRANGER, False),
        (STRANGER, OTHER_STRANGER, False),
        (STRANGER, ("198.51.100.99", 9), True),
    ],
)
def test_takeover_after_silence(
    end: Endpoint, latched: Address, comes: Address, expected: bool
) -> None:
    assert end.hear(latched, packets=0, now=0.0)
    late = LEARN_SECONDS * 2
    assert not end.hear(comes, packets=500, now=late)
    assert not end.hear(comes, packets=500, now=late + SILENT_SECONDS / 2)
    assert end.hear(comes, packets=500, now=late + SILENT_SECONDS) is expected


def test_one_packet_more_ends_the_silence(end: Endpoint) -> None:
    end.hear(SIGNALLED, packets=0, now=0.0)
    assert not end.hear(SAME_HOST, packets=5, now=10.0)
    assert not end.hear(SAME_HOST, packets=6, now=10.0 + SILENT_SECONDS)
    assert end.source == SIGNALLED


def test_same_address_again_keeps_what_was_learned(end: Endpoint) -> None:
    end.hear(SIGNALLING_HOST, packets=0, now=0.0)
    end.signal(SIGNALLED, hosts=HOSTS)
    assert end.destination == SIGNALLING_HOST


def test_new_address_starts_anew(end: Endpoint) -> None:
    end.hear(SIGNALLING_HOST, packets=0, now=0.0)
    end.signal(SAME_HOST, hosts=HOSTS)
    assert (end.source, end.destination) == (None, SAME_HOST)


def test_hold_stops_sending_and_resume_knows_the_source(end: Endpoint) -> None:
    end.hear(SIGNALLING_HOST, packets=0, now=0.0)
    end.hold()
    assert (end.source, end.destination) == (SIGNALLING_HOST, None)
    end.signal(SIGNALLED, hosts=HOSTS)
    assert end.destination == SIGNALLING_HOST


def test_name_instead_of_address_waits_for_the_source() -> None:
    end = Endpoint(LOCAL)
    end.signal(None, hosts=())
    assert end.destination is None
    assert end.hear(STRANGER, packets=0, now=0.0)
    assert end.destination == STRANGER


def test_asymmetric_sends_where_signalled_whatever_is_heard(end: Endpoint) -> None:
    end.asymmetric = True
    assert end.hear(SAME_HOST, packets=0, now=0.0)
    assert (end.source, end.destination) == (SAME_HOST, SIGNALLED)
    assert not end.settle(500, now=60.0)
    assert not end.is_exclusive


def test_strict_takes_no_stranger(end: Endpoint) -> None:
    end.strict = True
    assert not end.hear(STRANGER, packets=0, now=0.0)
    assert end.hear(SIGNALLING_HOST, packets=0, now=0.0)


def test_handover_takes_whoever_comes(end: Endpoint) -> None:
    end.handover = True
    for source in (SIGNALLED, STRANGER, OTHER_STRANGER):
        assert end.hear(source, packets=9, now=99.0)
    assert not end.settle(500, now=200.0)


@pytest.mark.parametrize(
    ("source", "moment", "packets", "exclusive"),
    [
        (SIGNALLED, 0.1, 5, True),
        (SIGNALLED, 0.1, 0, False),
        (SIGNALLING_HOST, 0.1, 5, False),
        (SIGNALLING_HOST, LEARN_SECONDS, 5, True),
        (STRANGER, 60.0, 5, False),
    ],
)
def test_exclusive(
    end: Endpoint, source: Address, moment: float, packets: int, exclusive: bool
) -> None:
    end.hear(source, packets=0, now=0.0)
    assert end.settle(packets, now=moment) is exclusive
    assert end.is_exclusive is exclusive


def test_exclusive_ends_with_silence_hold_and_signalling(end: Endpoint) -> None:
    def settled(packets: int) -> Endpoint:
        end.hear(SIGNALLED, packets=0, now=0.0)
        end.settle(packets, now=9.0)
        assert end.is_exclusive
        return end

    assert settled(10).settle(10, now=14.0)
    assert not end.is_exclusive
    settled(20).hold()
    assert not end.is_exclusive
    end.signal(SIGNALLED, hosts=HOSTS)
    settled(30).signal(SIGNALLED, hosts=HOSTS)
    assert not end.is_exclusive
    end.source = None
    assert not end.settle(40, now=20.0)
