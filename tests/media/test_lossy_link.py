"""DTLS over a link that loses datagrams, by the relay's own timers, in both roles.

The kernel of a network namespace drops two of the first DTLS datagrams, whosever they are: with the
first, second or third and the third after that gone, each flight of a handshake is lost once.
"""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator

import pytest

from media.dtls.handshake import Handshake, State
from media.dtls.identity import Identity
from media.ng import Answer, Offer, Options
from media.rtp import DTLS, kind_of, packet
from media.sdp import parse
from media.srtp.context import protecting, unprotecting
from tests.harness.namespaces import PLATFORM_ADDRESS, Street, inside, run
from tests.harness.ng import REPLACE, NgClient, RtpPhone, call_id, our_relay

pytestmark = pytest.mark.e2e

NG_PORT = 22224
BOUND_SECONDS = 60.0
TO_PHONE = Options(
    ice=b"remove",
    transport_protocol=b"UDP/TLS/RTP/SAVP",
    rtcp_mux=(b"require",),
    replace=(b"origin", b"session-connection"),
)
RULES = """
table inet lossy {{
  counter lost {{ }}
  chain arriving {{
    type filter hook input priority filter;
    meta l4proto udp @th,64,8 20-63 numgen inc mod 1000 {which} counter name lost drop
  }}
}}
"""
"""What begins with 20 to 63 is DTLS (RFC 7983)."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, NgClient]]:
    folder = tmp_path_factory.mktemp("lossy")
    with Street() as street:
        name = street.platform
        with (
            our_relay(
                folder, ng_port=NG_PORT, ports=(22300, 22399), ipv4=PLATFORM_ADDRESS,
                ipv6="off", namespace=name,
            ),
            inside(name, lambda: NgClient(NG_PORT)) as client,
        ):  # fmt: skip
            yield name, client


class Line:
    """A phone's DTLS, by its own timers too, over its socket."""

    def __init__(self, phone: socket.socket, identity: Identity, *, is_client: bool) -> None:
        self.handshake = Handshake(identity, is_client=is_client)
        self.is_decrypted = False
        self._phone = phone

    def run(self) -> None:
        """Until it is through."""
        self._send(self.handshake.start())
        while self.handshake.state is State.RUNNING:
            self.step()
        assert self.handshake.keys is not None, self.handshake.failure

    def step(self) -> bytes:
        """Wait for one datagram or the time to say something again; what came if it is no DTLS."""
        seconds = self.handshake.deadline_seconds()
        if not select.select([self._phone], [], [], BOUND_SECONDS if seconds is None else seconds)[
            0
        ]:
            self._send(self.handshake.retransmit())
            return b""
        datagram = self._phone.recv(65_535)
        if kind_of(datagram) != DTLS:
            return datagram
        self._send(self.handshake.receive(datagram))
        return b""

    def _send(self, datagrams: list[bytes]) -> None:
        for one in datagrams:
            self._phone.send(one)


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("role", ["active", "passive"])
def test_what_is_lost_is_said_again(place: tuple[str, NgClient], role: str, which: int) -> None:
    namespace, relay = place
    name, identity = call_id(), Identity()
    run(
        "ip",
        "netns",
        "exec",
        namespace,
        "nft",
        "-f",
        "-",
        stdin=RULES.format(which=f"{{ {which}, {which + 3} }}"),
    )
    try:
        with (
            inside(namespace, lambda: RtpPhone(PLATFORM_ADDRESS, ssrc=1)) as caller,
            inside(namespace, lambda: RtpPhone(PLATFORM_ADDRESS, ssrc=2)) as phone,
        ):
            told = relay.describes(Offer(name, b"a", caller.description(), options=TO_PHONE))
            phone.rtp.connect((PLATFORM_ADDRESS, told.media[0].port))
            phone.protocol = "UDP/TLS/RTP/SAVP"
            lines = (
                f"a=setup:{role}",
                "a=rtcp-mux",
                f"a={identity.fingerprint.serialise().decode()}",
            )
            body = phone.description(*lines)
            caller.hears_of(parse(_body(relay, Answer(name, b"a", b"b", body, options=REPLACE))))
            line = Line(phone.rtp, identity, is_client=role == "active")
            line.run()
            _both_hear(caller, line, phone)
    finally:
        found = run("ip", "netns", "exec", namespace, "nft", "list", "counters")
        run("ip", "netns", "exec", namespace, "nft", "delete", "table", "inet", "lossy")
    assert int(re.findall(r"packets (\d+)", found)[0]) > 0


def _both_hear(caller: RtpPhone, line: Line, phone: RtpPhone) -> None:
    """Each says something until the other has it; whose last flight was lost says it again."""
    keys = line.handshake.keys
    assert keys is not None
    seal, opened = protecting(keys.suite, keys.local), unprotecting(keys.suite, keys.remote)
    number, heard = 0, b""
    while caller.is_deaf(within=0.1):
        number += 1
        said = packet.build(
            payload_type=0, sequence_number=number, rtp_timestamp=160 * number, ssrc=2,
            payload=bytes(160),
        )  # fmt: skip
        phone.rtp.send(seal.rtp(said))
        if select.select([phone.rtp], [], [], 0)[0]:
            line.step()
    assert caller.hears()[12:] == bytes(160)
    while not heard:
        caller.says(b"hello" + bytes(155))
        heard = line.step()
    assert opened.rtp(heard)[12:17] == b"hello"


def _body(relay: NgClient, command: Answer) -> bytes:
    body = relay.accepted(command)[b"sdp"]
    assert isinstance(body, bytes)
    return body
