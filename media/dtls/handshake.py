"""One DTLS handshake with use_srtp (RFC 5764, RFC 6347): datagrams in and out, then SRTP keys.

No sockets: `receive` and `retransmit` return what is to be sent, `deadline` says when the next
retransmission is due. OpenSSL keeps that time itself, by the machine's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from media.dtls.identity import Identity
from media.srtp import BY_DTLS_NAME, Suite

_LABEL = b"EXTRACTOR-dtls_srtp"
_MTU = 1200  # RFC 8261 s5: fits every path that media fits
_MAX_DATAGRAM = 16_384


class State(Enum):
    """How far a handshake is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a handshake leads to: key and salt of each direction."""

    suite: Suite
    local: bytes = field(repr=False)
    remote: bytes = field(repr=False)


class Handshake:
    """`is_client`: we begin (a=setup:active)."""

    __slots__ = ("_connection", "certificate", "failure", "is_client", "keys", "state")

    def __init__(self, identity: Identity, *, is_client: bool) -> None:
        self.is_client = is_client
        self.state = State.RUNNING
        self.failure = ""
        self.keys: Keys | None = None
        self.certificate = b""
        """The other side's, in DER, once it is done."""
        self._connection = SSL.Connection(identity.context)
        self._connection.set_ciphertext_mtu(_MTU)
        if is_client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()

    def start(self) -> list[bytes]:
        """The first flight of a client; nothing for a server."""
        return self._advance()

    def receive(self, datagram: bytes) -> list[bytes]:
        """A datagram from the other side; what to send in turn."""
        if self.state is State.FAILED:
            return []
        try:
            self._connection.bio_write(datagram)
        except SSL.Error:
            return []
        return self._read() if self.state is State.DONE else self._advance()

    def retransmit(self) -> list[bytes]:
        """The flight again, if its time has come and nothing was heard."""
        if self.state is State.FAILED:
            return []
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(f"no answer: {_words(error)}")
        return self._outgoing()

    def deadline_seconds(self) -> float | None:
        """Seconds from now to the next retransmission; None when none is due."""
        if self.state is not State.RUNNING:
            return None
        return self._connection.DTLSv1_get_timeout()

    def _advance(self) -> list[bytes]:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return self._outgoing()
        except SSL.Error as error:
            self._fail(_words(error))
            return self._outgoing()
        self._conclude()
        return self._outgoing()

    def _read(self) -> list[bytes]:
        """After the end: repeats of the last flight are answered, alerts and data passed over."""
        try:
            self._connection.recv(_MAX_DATAGRAM)
        except (SSL.WantReadError, SSL.ZeroReturnError, SSL.Error):
            return self._outgoing()
        return self._outgoing()

    def _conclude(self) -> None:
        suite = BY_DTLS_NAME.get(self._connection.get_selected_srtp_profile())
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if suite is None:
            self._fail("the other side does not speak SRTP (no use_srtp)")
            return
        if certificate is None:
            self._fail("the other side showed no certificate")
            return
        self.certificate = certificate.public_bytes(Encoding.DER)
        material = self._connection.export_keying_material(_LABEL, 2 * suite.master_bytes, None)
        client, server = _halves(material, suite)
        local, remote = (client, server) if self.is_client else (server, client)
        self.keys = Keys(suite, local, remote)
        self.state = State.DONE

    def _fail(self, why: str) -> None:
        self.state = State.FAILED
        self.failure = why

    def _outgoing(self) -> list[bytes]:
        """All that OpenSSL wants to send, one record a datagram at most _MTU long."""
        found = bytearray()
        while True:
            try:
                found += self._connection.bio_read(_MAX_DATAGRAM)
            except SSL.WantReadError:
                return _datagrams(bytes(found))


def _halves(material: bytes, suite: Suite) -> tuple[bytes, bytes]:
    """Master key and salt of client and server: keys come first, then salts (RFC 5764 s4.2)."""
    key, salt = suite.key_bytes, suite.salt_bytes
    salts = material[2 * key :]
    return material[:key] + salts[:salt], material[key : 2 * key] + salts[salt : 2 * salt]


def _datagrams(records: bytes) -> list[bytes]:
    """Whole records packed into datagrams: a memory BIO forgets where one datagram ended."""
    found: list[bytes] = []
    at = 0
    while len(records) - at >= 13:
        end = at + 13 + int.from_bytes(records[at + 11 : at + 13], "big")
        record = records[at:end]
        if found and len(found[-1]) + len(record) <= _MTU:
            found[-1] += record
        else:
            found.append(record)
        at = end
    return found


def _words(error: SSL.Error) -> str:
    """OpenSSL's reason, such as "tlsv1 alert unknown ca"."""
    if error.args and isinstance(error.args[0], list) and error.args[0]:
        return str(error.args[0][-1][-1]) or "refused"
    return "refused"
