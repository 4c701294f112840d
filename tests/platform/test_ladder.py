"""Ladders and pcap files, from messages that stand in the test."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fedsip_platform.calls.ladder import as_text, ladder_of
from fedsip_platform.calls.pcap import pcap_of

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
ALICE, BOB, US = "192.0.2.10:5060", "[2001:db8::20]:5060", "198.51.100.1:5060"


@dataclass
class Passed:
    """A message as it passed node a."""

    way: str
    remote: str
    start: str
    cseq: str
    at: datetime
    node_id: str = "a"
    protocol: str = "udp"
    local: str = US
    extra: str = ""

    @property
    def text(self) -> str:
        return f"{self.start}\r\nCSeq: {self.cseq}\r\n{self.extra}\r\n"


def call() -> list[Passed]:
    """INVITE to 200 and ACK, with one retransmission."""
    sdp = "Content-Type: application/sdp\r\n"
    steps = [
        ("in", ALICE, "INVITE sip:bob@example.com SIP/2.0", "1 INVITE", sdp),
        ("out", ALICE, "SIP/2.0 100 Trying", "1 INVITE", ""),
        ("out", BOB, "INVITE sip:bob@192.0.2.20 SIP/2.0", "1 INVITE", sdp),
        ("out", BOB, "INVITE sip:bob@192.0.2.20 SIP/2.0", "1 INVITE", sdp),
        ("in", BOB, "SIP/2.0 200 OK", "1 INVITE", sdp),
        ("out", ALICE, "SIP/2.0 200 OK", "1 INVITE", sdp),
        ("in", ALICE, "ACK sip:bob@192.0.2.20 SIP/2.0", "1 ACK", ""),
        ("in", BOB, "SIP/2.0 486 Busy Here", "2 INVITE", ""),
    ]
    return [
        Passed(way, remote, start, cseq, START + timedelta(seconds=at / 4), extra=extra)
        for at, (way, remote, start, cseq, extra) in enumerate(steps)
    ]


def test_the_first_sender_stands_left_and_we_in_the_middle() -> None:
    ladder = ladder_of(call())
    assert [(lane.title, lane.is_ours) for lane in ladder.lanes] == [
        (f"udp {ALICE}", False),
        ("node a", True),
        (f"udp {BOB}", False),
    ]
    assert [(arrow.source, arrow.target) for arrow in ladder.arrows] == [
        (0, 1), (1, 0), (1, 2), (1, 2), (2, 1), (1, 0), (0, 1), (2, 1),
    ]  # fmt: skip


def test_each_arrow_says_what_passed() -> None:
    arrows = ladder_of(call()).arrows
    assert [(arrow.title, arrow.note, arrow.kind) for arrow in arrows[:2]] == [
        ("INVITE", "SDP", "request"),
        ("100 Trying", "INVITE", "provisional"),
    ]
    assert arrows[4].note == "SDP, INVITE"
    assert [arrow.kind for arrow in arrows[4:]] == ["success", "success", "request", "failure"]
    assert {arrow.transaction for arrow in arrows[:7]} == {"1 INVITE"}
    assert [arrow.is_repeated for arrow in arrows] == [False] * 3 + [True] + [False] * 4
    assert arrows[4].seconds == 1.0


def test_a_call_without_messages_has_an_empty_ladder() -> None:
    assert ladder_of([]).lanes == ladder_of([]).arrows == ()


def test_text_for_a_terminal() -> None:
    lines = as_text(ladder_of(call()[:3])).splitlines()
    assert lines[1].split() == ["|", "INVITE", "(SDP)", "|", "|"]
    assert lines[2].split() == ["0.000", "|" + "-" * 24 + ">|", "|"]
    assert lines[4].split() == ["0.250", "|<" + "-" * 24 + "|", "|"]
    assert lines[6].split() == ["0.500", "|", "|" + "-" * 24 + ">|"]


def test_pcap_has_datagrams_between_the_true_addresses() -> None:
    four = call()[0]
    six = Passed("out", BOB, "SIP/2.0 200 OK", "1 INVITE", START, local="[2001:db8::1]:5060")
    data = pcap_of([four, six])
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, link) == (0xA1B23C4D, 101)
    seconds, nanoseconds, length, _ = struct.unpack_from("<IIII", data, 24)
    assert (seconds, nanoseconds) == (int(START.timestamp()), 0)
    packet = data[40 : 40 + length]
    assert str(ipaddress.ip_address(packet[12:16])) == "192.0.2.10"
    assert str(ipaddress.ip_address(packet[16:20])) == "198.51.100.1"
    assert ones_complement(packet[:20]) == 0xFFFF
    assert struct.unpack_from("!HHH", packet, 20) == (5060, 5060, 8 + len(four.text))
    assert packet[28:].decode() == four.text
    packet = data[40 + length + 16 :]
    assert packet[0] >> 4 == 6
    assert str(ipaddress.ip_address(packet[8:24])) == "2001:db8::1"
    pseudo = packet[8:40] + struct.pack("!II", len(packet) - 40, 17)
    assert ones_complement(pseudo + packet[40:]) == 0xFFFF


def ones_complement(data: bytes) -> int:
    """The sum that a receiver makes: all ones when the checksum is right."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
