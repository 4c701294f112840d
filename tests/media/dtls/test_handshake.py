"""Handshakes of ours with ours over a line that loses what it is told to; each other's keys."""

from __future__ import annotations

import asyncio

import pytest
from OpenSSL import SSL

from media.dtls import matches
from media.dtls.handshake import Handshake, State
from media.dtls.identity import Identity
from media.rtp import packet
from media.srtp import SUITES, Suite
from media.srtp.context import protecting, unprotecting

ALICE, BOB = Identity(), Identity()
PACKET = packet.build(
    payload_type=0, sequence_number=1, rtp_timestamp=160, ssrc=7, payload=bytes(160)
)
_BOUND_SECONDS = 60.0
_DTLS_1_2, _DTLS_1_3 = 0xFEFD, 0xFEFC


class Line:
    """Client and server with numbered datagrams between them; the numbers in `lost` never arrive.

    Retransmissions come when they are due, as keying.py has them: OpenSSL keeps that time by the
    machine's clock, one second at first, and cannot be given another one.
    """

    def __init__(self, lost: frozenset[int] = frozenset(), *, client: Identity = ALICE) -> None:
        self.client = Handshake(client, is_client=True)
        self.server = Handshake(BOB, is_client=False)
        self.retransmissions = 0
        self._lost = lost
        self._count = 0
        self._done = asyncio.Event()
        self._timers: dict[Handshake, asyncio.TimerHandle] = {}

    async def run(self) -> None:
        """Until both are through, or one has failed."""
        self._post(self.client, self.client.start())
        async with asyncio.timeout(_BOUND_SECONDS):
            await self._done.wait()
        for timer in self._timers.values():
            timer.cancel()

    def _post(self, sender: Handshake, datagrams: list[bytes]) -> None:
        """What `sender` says goes to the other one, and its timer is set anew."""
        receiver = self.server if sender is self.client else self.client
        loop = asyncio.get_running_loop()
        for datagram in datagrams:
            assert len(datagram) <= 1200
            if self._count not in self._lost:
                loop.call_soon(self._hear, receiver, datagram)
            self._count += 1
        if sender in self._timers:
            self._timers.pop(sender).cancel()
        seconds = sender.deadline_seconds()
        if seconds is not None:
            self._timers[sender] = loop.call_later(max(seconds, 0.01), self._retransmit, sender)
        if State.RUNNING not in (self.client.state, self.server.state):
            self._done.set()

    def _hear(self, receiver: Handshake, datagram: bytes) -> None:
        self._post(receiver, receiver.receive(datagram))

    def _retransmit(self, sender: Handshake) -> None:
        again = sender.retransmit()
        self.retransmissions += bool(again)
        self._post(sender, again)


async def test_keys_of_both_sides_meet() -> None:
    line = Line()
    await line.run()
    client, server = line.client.keys, line.server.keys
    assert client is not None
    assert server is not None
    assert client.suite == server.suite
    assert (client.local, client.remote) == (server.remote, server.local)
    assert client.local != client.remote
    assert len(client.local) == client.suite.master_bytes
    assert matches(line.client.certificate, (BOB.fingerprint,))
    assert matches(line.server.certificate, (ALICE.fingerprint,))
    assert line.client.deadline_seconds() is None
    assert line.retransmissions == 0


def test_the_library_knows_no_later_version_than_1_2() -> None:
    """When this fails, DTLS 1.3 (RFC 9147) has come: docs/operations.md says that it has not."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_max_proto_version(_DTLS_1_2)
    with pytest.raises(SSL.Error):
        context.set_max_proto_version(_DTLS_1_3)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.dtls.decode())
async def test_each_suite_by_which_the_other_side_speaks(suite: Suite) -> None:
    phone = Identity()
    phone.context.set_tlsext_use_srtp(suite.dtls)
    line = Line(client=phone)
    await line.run()
    client, server = line.client.keys, line.server.keys
    assert client is not None
    assert server is not None
    assert client.suite is server.suite is suite
    for sender, receiver in ((client, server), (server, client)):
        out, back = protecting(suite, sender.local), unprotecting(suite, receiver.remote)
        sealed = out.rtp(PACKET)
        assert sealed[12:172] != PACKET[12:]
        assert back.rtp(sealed) == PACKET


async def test_what_is_lost_is_sent_again() -> None:
    """0 ClientHello, 1 the server's flight, 2 the client's, 3 the server's Finished.

    All at once, for OpenSSL waits by a clock of its own: a second, and then twice as long.
    """
    lines = {lost: Line(frozenset(lost)) for lost in [(0,), (1,), (2,), (3,), (0, 1, 3)]}
    await asyncio.gather(*(line.run() for line in lines.values()))
    for lost, line in lines.items():
        assert (line.client.state, line.server.state) == (State.DONE, State.DONE), lost
        assert line.retransmissions >= 1, lost
        assert line.client.keys is not None, lost


@pytest.mark.parametrize("datagram", [b"", b"\x16", b"\x16\xfe\xfd" + bytes(50), bytes(2000)])
async def test_rubbish_is_no_end(datagram: bytes) -> None:
    line = Line()
    line.server.receive(datagram)
    await line.run()
    assert line.server.state is State.DONE


def test_an_alert_is_the_end_and_says_why() -> None:
    client = Handshake(ALICE, is_client=True)
    client.start()
    assert client.receive(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28") == []
    assert client.state is State.FAILED
    assert "handshake failure" in client.failure
    assert client.receive(b"more") == []
    assert client.retransmit() == []
