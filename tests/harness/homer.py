"""What a Homer understands: HEPv3 packets, read by the specification (EEP, HEP version 3)."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

GENERIC = {
    1: ("family", "!B"), 2: ("protocol", "!B"), 7: ("source_port", "!H"), 8: ("target_port", "!H"),
    9: ("seconds", "!I"), 10: ("microseconds", "!I"), 11: ("type", "!B"), 12: ("agent", "!I"),
}  # fmt: skip
ADDRESSES = {3: "source", 4: "target", 5: "source", 6: "target"}
BYTES = {14: "key", 15: "payload", 17: "correlation", 19: "node"}


def understood(packet: bytes) -> dict[str, Any]:
    """The chunks of a packet by what they mean; each must be as long as it says."""
    assert packet[:4] == b"HEP3"
    assert struct.unpack("!H", packet[4:6]) == (len(packet),)
    found: dict[str, Any] = {}
    at = 6
    while at < len(packet):
        vendor, kind, length = struct.unpack_from("!HHH", packet, at)
        value = packet[at + 6 : at + length]
        assert (vendor, len(value)) == (0, length - 6)
        if kind in GENERIC:
            name, layout = GENERIC[kind]
            (found[name],) = struct.unpack(layout, value)
        elif kind in ADDRESSES:
            found[ADDRESSES[kind]] = str(ipaddress.ip_address(value))
        else:
            found[BYTES[kind]] = value
        at += length
    return found
