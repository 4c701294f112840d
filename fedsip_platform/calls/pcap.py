"""Messages of a call as a pcap file that Wireshark and sngrep open. Pure.

Every message is one UDP datagram between its real addresses, whatever carried it: what came over
TCP, TLS or WebSocket was whole before we saw it, and so it can be read without keys. Format:
libpcap's classic one with nanoseconds, link type RAW (IPv4 and IPv6 without a link layer).
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from .ladder import Message

CONTENT_TYPE = "application/vnd.tcpdump.pcap"
_MAGIC_NANOSECONDS = 0xA1B23C4D
_LINKTYPE_RAW = 101
_UDP = 17
_LONGEST = 65_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pcap_of(messages: Iterable[Message]) -> bytes:
    """The whole file."""
    header = struct.pack("<IHHiIII", _MAGIC_NANOSECONDS, 2, 4, 0, 0, 65535, _LINKTYPE_RAW)
    return b"".join([header, *map(_packet, messages)])


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `192.0.2.1:5060` or `[2001:db8::1]:5060`."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port or 0)


def _packet(message: Message) -> bytes:
    local, remote = split_address(message.local), split_address(message.remote)
    source, target = (remote, local) if message.way == "in" else (local, remote)
    data = _datagram(source, target, message.text.encode()[:_LONGEST])
    since = message.at - _EPOCH
    seconds = since // timedelta(seconds=1)
    header = struct.pack("<IIII", seconds, since.microseconds * 1000, len(data), len(data))
    return header + data


def _datagram(source: tuple[str, int], target: tuple[str, int], payload: bytes) -> bytes:
    length = 8 + len(payload)
    here, there = ipaddress.ip_address(source[0]), ipaddress.ip_address(target[0])
    ends = here.packed + there.packed
    udp = struct.pack("!HHHH", source[1], target[1], length, 0)
    if here.version == 6:
        pseudo = ends + struct.pack("!II", length, _UDP)
        checksum = _checksum(pseudo + udp + payload) or 0xFFFF
        udp = udp[:6] + struct.pack("!H", checksum)
        return struct.pack("!IHBB", 6 << 28, length, _UDP, 64) + ends + udp + payload
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, _UDP, 0) + ends
    ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
    return ip + udp + payload


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
