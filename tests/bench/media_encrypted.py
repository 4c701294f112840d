"""CPU-µs for a packet of encrypted calls, added latency and DTLS handshakes: ours and rtpengine.

    python -m tests.bench.media_encrypted [--calls 100 500] [--seconds 8] [--only native]

As tests/bench/media.py, whose phones these are: `SRTP-RTP` has a caller with SDES
(AES_CM_128_HMAC_SHA1_80) and a plain callee, `SRTP-SRTP` one more that encrypts, by
AES_CM_128_HMAC_SHA1_32: where both speak the same, rtpengine hands each one's key to the other and
encrypts nothing. What the phones send is encrypted before the clock runs, but for the probes.
Handshakes are those of phones that answer with DTLS-SRTP and begin (setup:active); their CPU is the
relay's, the certificates are on P-256.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import struct
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from media.dtls.handshake import Handshake, State
from media.dtls.identity import Identity
from media.ng import Answer, Offer, Options
from media.rtp import packet
from media.sdp import Session
from media.srtp import Crypto, Suite, parse_crypto
from media.srtp.context import Context, protecting, unprotecting
from media.srtp.suite import AES_CM_128_HMAC_SHA1_32, AES_CM_128_HMAC_SHA1_80
from tests.bench.media import (
    INTERVAL,
    NG_PORT,
    PROBES,
    RELAYS,
    WARM_UP_SECONDS,
    Load,
    Way,
    bind_to_processor,
    description,
    measure,
    show,
    start,
)
from tests.harness import cpu
from tests.harness.ng import NgClient
from tests.harness.processes import Program

PAIRS = ("SRTP-RTP", "SRTP-SRTP")
SUITES = (AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32)
"""The caller's and the callee's."""
HANDSHAKES = 300
AT_ONCE = 10
_REPLACE = (b"origin", b"session-connection")
_PLAIN = Options(ice=b"remove", transport_protocol=b"RTP/AVP", replace=_REPLACE)


def _towards(suite: Suite) -> Options:
    return Options(
        ice=b"remove",
        dtls=b"off",
        transport_protocol=b"RTP/SAVP",
        sdes=(b"only-" + suite.sdes,),
        replace=_REPLACE,
    )


_DTLS = Options(ice=b"remove", transport_protocol=b"UDP/TLS/RTP/SAVP", replace=_REPLACE)


class SealedWay:
    """A direction whose packets were encrypted beforehand."""

    __slots__ = ("_packets", "_socket", "_to")

    def __init__(
        self, phone: socket.socket, to: tuple[str, int], ssrc: int, seal: Context, packets: int
    ) -> None:
        self._socket = phone
        self._to = to
        self._packets = iter([seal.rtp(_packet(number, ssrc)) for number in range(packets)])

    def send(self) -> None:
        self._socket.sendto(next(self._packets), self._to)


class SealedProbe:
    """A direction that says when each packet was sent."""

    __slots__ = ("_number", "_seal", "_socket", "_ssrc", "_to")

    def __init__(self, phone: socket.socket, to: tuple[str, int], ssrc: int, seal: Context) -> None:
        self._socket, self._to, self._ssrc, self._seal = phone, to, ssrc, seal
        self._number = 0

    def send(self) -> None:
        self._number += 1
        sent_at = struct.pack("!Q", time.time_ns())
        self._socket.sendto(self._seal.rtp(_packet(self._number, self._ssrc, sent_at)), self._to)


def _packet(number: int, ssrc: int, head: bytes = b"") -> bytes:
    return packet.build(
        payload_type=0,
        sequence_number=number,
        rtp_timestamp=160 * number,
        ssrc=ssrc,
        payload=head + bytes(160 - len(head)),
    )


def set_up(load: Load, calls: int, *, both: bool, packets: int) -> None:
    """Make the calls by NG and aim every phone at its port."""
    with NgClient(NG_PORT) as proxy:
        for number in range(calls):
            caller, callee = load.phones_of(number)
            call_id, keys = b"bench-%d" % number, [_key(suite) for suite in SUITES]
            offered = _described(caller, keys[0])
            options = _towards(SUITES[1]) if both else _PLAIN
            to_callee = proxy.describes(Offer(call_id, b"a", offered, options=options))
            if both:
                keys[1] = replace(keys[1], tag=_key_in(to_callee, SUITES[1]).tag)
            answered = _described(callee, keys[1]) if both else description(callee)
            answer = Answer(call_id, b"a", b"b", answered, options=_towards(SUITES[0]))
            to_caller = proxy.describes(answer)
            for at, phone, told in ((0, caller, to_caller), (1, callee, to_callee)):
                to, ssrc = ("127.0.0.1", told.media[0].port), 2 * number + at + 1
                if at == 1 and not both:
                    load.ways.append(Way(phone, to, ssrc))
                    continue
                key = _key_in(told, SUITES[at])
                assert key.master not in [one.master for one in keys], "nothing is encrypted anew"
                seal = protecting(SUITES[at], keys[at].master)
                if number < PROBES:
                    load.ways.append(SealedProbe(phone, to, ssrc, seal))
                    load.opened[phone] = unprotecting(SUITES[at], key.master).rtp
                else:
                    load.ways.append(SealedWay(phone, to, ssrc, seal, packets))


def _key(suite: Suite) -> Crypto:
    return Crypto(1, suite, os.urandom(suite.master_bytes))


def _described(phone: socket.socket, key: Crypto) -> bytes:
    plain = description(phone).replace(b"RTP/AVP", b"RTP/SAVP")
    return plain + b"a=" + key.serialise() + b"\r\n"


def _key_in(told: Session, suite: Suite) -> Crypto:
    lines = [line.value for line in told.media[0].lines if line.attribute == b"crypto"]
    keys = [parse_crypto(value.partition(b":")[2]) for value in lines]
    return next(key for key in keys if key is not None and key.suite is suite)


def handshakes(name: str, program: Program) -> str:
    """CPU of the relay for one handshake, and how many it did a second."""
    pid, identity = program.process.pid, Identity()
    bind_to_processor(pid, 0)
    used, took = 0, 0.0
    with NgClient(NG_PORT) as proxy:
        for first in range(0, HANDSHAKES, AT_ONCE):
            phones = [_answering(proxy, first + at, identity) for at in range(AT_ONCE)]
            before, began = cpu.nanoseconds(pid), time.monotonic()
            _shake(phones)
            took += time.monotonic() - began
            used += cpu.nanoseconds(pid) - before
            for phone, _ in phones:
                phone.close()
    return (
        f"{name:<10} {used / HANDSHAKES / 1e6:.2f} ms of CPU for a handshake: "
        f"{HANDSHAKES / (used / 1e9):.0f} a second of CPU; {HANDSHAKES / took:.0f} a second here"
    )


def _answering(proxy: NgClient, number: int, identity: Identity) -> tuple[socket.socket, Handshake]:
    """A phone that has answered with DTLS and is to begin."""
    call_id = b"shake-%d" % number
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.bind(("127.0.0.1", 0))
    told = proxy.describes(Offer(call_id, b"a", description(phone), options=_DTLS))
    lines = b"a=setup:active\r\na=" + identity.fingerprint.serialise() + b"\r\n"
    body = description(phone).replace(b"RTP/AVP", b"UDP/TLS/RTP/SAVP") + lines
    proxy.accepted(Answer(call_id, b"a", b"b", body, options=_PLAIN))
    phone.connect(("127.0.0.1", told.media[0].port))
    phone.setblocking(False)
    return phone, Handshake(identity, is_client=True)


def _shake(phones: list[tuple[socket.socket, Handshake]]) -> None:
    by_file = {phone.fileno(): (phone, handshake) for phone, handshake in phones}
    for phone, handshake in phones:
        for datagram in handshake.start():
            phone.send(datagram)
    end = time.monotonic() + 30
    while any(handshake.state is State.RUNNING for _, handshake in phones):
        assert time.monotonic() < end, "handshakes do not end"
        for file in select.select(list(by_file), [], [], 1.0)[0]:
            phone, handshake = by_file[file]
            for datagram in handshake.receive(phone.recv(65_535)):
                phone.send(datagram)
    assert all(handshake.keys for _, handshake in phones)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, nargs="+", default=[100, 500])
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--only", choices=RELAYS, nargs="+", default=RELAYS)
    chosen = options.parse_args()
    os.sched_setaffinity(0, {1})
    packets = int((WARM_UP_SECONDS + chosen.seconds + 2) / INTERVAL)
    print(f"{'calls':>6} {'relay':<10} {'CPU-µs':>7} {'p50 µs':>8} {'p99 µs':>8} {'lost %':>7}")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for pair in PAIRS:
            print(pair)
            for calls in chosen.calls:
                for name in chosen.only:
                    with start(name, folder) as program:
                        row = measure(
                            name, program, calls, chosen.seconds,
                            set_up=partial(set_up, both=pair == PAIRS[1], packets=packets),
                        )  # fmt: skip
                    show(row)
        for name in chosen.only:
            with start(name, folder) as program:
                print(handshakes(name, program))


if __name__ == "__main__":
    main()
