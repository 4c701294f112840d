"""What went over a wire: dumpcap records it, tshark reads it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.rtp import RTCP, kind_of
from tests.harness.processes import PeerFailed, Program

_FIELDS = (
    *("frame.number", "udp.srcport", "udp.dstport", "udp.payload", "_ws.malformed"),
    *("_ws.col.Protocol", "_ws.col.Info"),
)


_lowest, _highest = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
ANY_PORT = (int(_lowest), int(_highest))
"""Those that the kernel gives, to browsers as well."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One UDP packet as tshark understood it."""

    number: int
    ports: frozenset[int]
    payload: bytes
    protocol: str
    said: str
    is_malformed: bool


@contextmanager
def captured(
    file: Path, ports: tuple[int, int], *, device: str = "lo", namespace: str | None = None
) -> Iterator[None]:
    """Record the UDP packets of these ports during the block, into a pcap file."""
    words = ["dumpcap", "-q", "-P", "-i", device, "-B", "16", "-w", str(file)]
    words += ["-f", f"udp portrange {ports[0]}-{ports[1]}"]
    program = Program(words, log=file.with_suffix(".log"), namespace=namespace)
    try:
        program.awaits(r"^File: ")
        yield
    finally:
        program.process.send_signal(signal.SIGINT)
        program.wait(within=60)


def packets_of(
    file: Path, kinds: Iterable[tuple[int, str]], *, ports: Iterable[int] = ()
) -> list[Packet]:
    """The packets of a file from and to these ports, or all; `kinds` says which ports carry rtp and
    rtcp unencrypted, for tshark to take them apart. STUN and DTLS it finds by itself."""
    words = ["tshark", "-r", str(file), "-T", "json", "-o", "rtp.heuristic_rtp:FALSE"]
    for port, kind in kinds:
        words += ["-d", f"udp.port=={port},{kind}"]
    if listed := " ".join(str(port) for port in ports):
        words += ["-Y", f"udp.port in {{{listed.replace(' ', ', ')}}}"]
    for field in _FIELDS:
        words += ["-e", field]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        raise PeerFailed(f"tshark: {done.stderr.decode(errors='replace')}")
    return [_packet(one["_source"]["layers"]) for one in json.loads(done.stdout)]


def malformed(packets: Iterable[Packet], sealed: Set[int]) -> list[Packet]:
    """Those that tshark could not take apart. What stands encrypted in SRTCP it reads as if it were
    not, so that says nothing; now and then it takes that for RTCP, so `sealed` are the ports of
    sides that encrypt. A handshake that is sent again, because the other side was not there yet, it
    puts together with the first."""
    return [
        one
        for one in packets
        if one.is_malformed
        and one.protocol != "SRTCP"
        and not one.said.endswith("(retransmission?)]")
        and not (one.ports & sealed and kind_of(one.payload) == RTCP)
    ]


def _packet(layers: dict[str, Any]) -> Packet:
    def first(name: str) -> str:
        return str(layers.get(name, [""])[0])

    return Packet(
        int(first("frame.number")),
        frozenset((int(first("udp.srcport")), int(first("udp.dstport")))),
        bytes.fromhex(first("udp.payload").replace(":", "")),
        first("_ws.col.Protocol"),
        first("_ws.col.Info"),
        "_ws.malformed" in layers,
    )
