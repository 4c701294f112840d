"""Handshakes of ours with ours over a line that loses what it is told to; each other's keys."""

from __future__ import annotations

import time

import pytest

from media.dtls import matches
from media.dtls.handshake import Handshake, State
from media.dtls.identity import Identity

ALICE, BOB = Identity(), Identity()
_MOST_ROUNDS = 60


class Line:
    """Client and server with numbered datagrams between them; the numbers in `lost` never arrive.

    When nothing is under way, the first retransmission that is due is waited for: OpenSSL keeps
    that time by the machine's clock, one second at first.
    """

    def __init__(self, lost: frozenset[int] = frozenset()) -> None:
        self.client = Handshake(ALICE, is_client=True)
        self.server = Handshake(BOB, is_client=False)
        self.retransmissions = 0
        self._lost = lost
        self._count = 0
        self._under_way: list[tuple[Handshake, bytes]] = []

    def run(self) -> None:
        self._post(self.server, self.client.start())
        for _ in range(_MOST_ROUNDS):
            if self.is_done():
                return
            while self._under_way:
                receiver, datagram = self._under_way.pop(0)
                sender = self.client if receiver is self.server else self.server
                self._post(sender, receiver.receive(datagram))
            if not self.is_done():
                self._retransmit()
        pytest.fail("no end")

    def is_done(self) -> bool:
        return State.RUNNING not in (self.client.state, self.server.state)

    def _retransmit(self) -> None:
        due = [
            (seconds, name, one)
            for name, one in enumerate((self.client, self.server))
            if (seconds := one.deadline_seconds()) is not None
        ]
        seconds, _, one = min(due)
        time.sleep(seconds + 0.005)  # the deadline itself: there is nothing else to wait for
        self.retransmissions += 1
        self._post(self.server if one is self.client else self.client, one.retransmit())

    def _post(self, receiver: Handshake, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            assert len(datagram) <= 1200
            if self._count not in self._lost:
                self._under_way.append((receiver, datagram))
            self._count += 1


def test_keys_of_both_sides_meet() -> None:
    line = Line()
    line.run()
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


@pytest.mark.parametrize("lost", [{0}, {1}, {2}, {3}, {0, 1, 3}], ids=str)
def test_what_is_lost_is_sent_again(lost: set[int]) -> None:
    """0 ClientHello, 1 the server's flight, 2 the client's, 3 the server's Finished."""
    line = Line(frozenset(lost))
    line.run()
    assert (line.client.state, line.server.state) == (State.DONE, State.DONE)
    assert line.retransmissions >= 1
    assert line.client.keys is not None


@pytest.mark.parametrize("datagram", [b"", b"\x16", b"\x16\xfe\xfd" + bytes(50), bytes(2000)])
def test_rubbish_is_no_end(datagram: bytes) -> None:
    line = Line()
    line.server.receive(datagram)
    line.run()
    assert line.server.state is State.DONE


def test_an_alert_is_the_end_and_says_why() -> None:
    client = Handshake(ALICE, is_client=True)
    client.start()
    assert client.receive(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28") == []
    assert client.state is State.FAILED
    assert "handshake failure" in client.failure
    assert client.receive(b"more") == []
    assert client.retransmit() == []
