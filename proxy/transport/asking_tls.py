"""TLS that asks whoever connects for a certificate, and takes everybody all the same.

Other domains prove by their certificates who they are (RFC 5922 s7.2), and phones come to the same
port with none, or with one of their maker that no authority of ours vouches for. Python's ssl ends
the handshake of the latter: its verify_mode has "optional" for a certificate that is absent, none
for one that is unknown. So the server's side is pyOpenSSL here, in the shape that asyncio and
uvloop drive: a context with `wrap_bio`. What is unknown counts as not shown.

A resumed session would not be verified again, so there is none: no tickets, no cache.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from cryptography import x509
from OpenSSL import SSL

T = TypeVar("T")

_MOST_READ: Final = 65_536
_KINDS: Final = ((x509.DNSName, "DNS"), (x509.UniformResourceIdentifier, "URI"))
_COMMON_NAME: Final = x509.oid.NameOID.COMMON_NAME


class AskingContext(ssl.SSLContext):
    """A server's context; the certificates of `trust` vouch for those that are shown.

    `trust` is a PEM file or a folder of hashed ones; the system's store where there is none. The
    caller has made sure that the pair and the trust store can be read.
    """

    def __new__(cls, certificate: Path, key: Path, trust: Path | None) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, certificate: Path, key: Path, trust: Path | None) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.use_certificate_chain_file(str(certificate))
        context.use_privatekey_file(str(key))
        if trust is None:
            context.set_default_verify_paths()
        elif trust.is_dir():
            context.load_verify_locations(None, str(trust))
        else:
            context.load_verify_locations(str(trust))
        context.set_verify(SSL.VERIFY_PEER, _note)
        self._context = context

    def choose_by_name(self, choose: Callable[[str], ssl.SSLContext]) -> None:
        """Go on with the context, an asking one too, that `choose` gives for the name that the far
        side asks for."""

        def named(connection: SSL.Connection) -> None:
            chosen = choose(_asked_name(connection))
            if isinstance(chosen, AskingContext):
                connection.set_context(chosen._context)

        self._context.set_tlsext_servername_callback(named)

    def wrap_bio(  # type: ignore[override]  # an SSLObject in all that the loops call
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: object, **__: object
    ) -> Handshaken:
        return Handshaken(self._context, incoming, outgoing)


class Handshaken:
    """What the loops call of an ssl.SSLObject, for one connection."""

    def __init__(
        self, context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self._connection.set_app_data([])
        self._incoming = incoming
        self._outgoing = outgoing
        self._may_hold_more = False

    def do_handshake(self) -> None:
        self._do(self._connection.do_handshake)

    def read(self, size: int = _MOST_READ, buffer: bytearray | None = None) -> bytes | int:
        """Some data, or how much is in the buffer; nothing when the far side has ended it."""
        try:
            data = self._do(self._connection.recv, size, says_something=False)
        except SSL.ZeroReturnError:
            data = b""
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: bytes | memoryview) -> int:
        return self._do(self._connection.send, bytes(data))

    @property
    def asked_name(self) -> str:
        """As whom the far side takes us; "" where it does not say."""
        return _asked_name(self._connection)

    def pending(self) -> int:
        """uvloop reads while this or `incoming` says that something waits. What came with the end
        of the handshake has left `incoming` and is not decrypted yet: that counts, too."""
        return self._connection.pending() or int(self._may_hold_more)

    def unwrap(self) -> None:
        if not self._do(self._connection.shutdown):
            self._do(self._connection.shutdown)

    def getpeercert(self, binary_form: bool = False) -> dict[str, Any] | None:
        """As ssl has it: None where none was shown, nothing in it where nobody vouches for it."""
        if self._connection.get_app_data():
            return {}
        try:
            shown = self._connection.get_peer_certificate(as_cryptography=True)
            return None if shown is None else _as_ssl_says(shown)
        except ValueError:  # what cannot be read speaks for nobody
            return {}

    def cipher(self) -> tuple[str, str, int] | None:
        name, version = (
            self._connection.get_cipher_name(),
            self._connection.get_cipher_version(),
        )
        bits = self._connection.get_cipher_bits()
        return None if name is None or version is None or bits is None else (name, version, bits)

    def compression(self) -> None:
        return None

    def _do(self, step: Callable[..., T], *arguments: object, says_something: bool = True) -> T:
        """One step: what has come goes in before it, what it made goes out behind it. What reading
        may make, the answer to a new key, can wait for the next thing that is said."""
        connection = self._connection
        if self._incoming.pending:
            connection.bio_write(self._incoming.read())
            self._may_hold_more = True
        try:
            return step(*arguments)
        except SSL.WantReadError as error:
            self._may_hold_more = False
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "want read") from error
        except SSL.ZeroReturnError:
            raise
        except SSL.Error as error:
            says_something = True  # an alert
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, _sentence(error)) from error
        finally:
            if says_something:
                self._take_out()

    def _take_out(self) -> None:
        while True:
            try:
                data = self._connection.bio_read(_MOST_READ)
            except SSL.WantReadError:
                return
            self._outgoing.write(data)
            if len(data) < _MOST_READ:
                return


def _asked_name(connection: SSL.Connection) -> str:
    return (connection.get_servername() or b"").decode("ascii", "replace")


def _note(connection: SSL.Connection, _: object, error: int, __: int, is_good: int) -> bool:
    """OpenSSL asks after each certificate of the chain; errors are noted, the handshake goes on."""
    if not is_good:
        connection.get_app_data().append(error)
    return True


def _sentence(error: SSL.Error) -> str:
    """The reason of the first entry in OpenSSL's queue."""
    queue = error.args[0] if error.args else []
    return str(queue[0][-1]) if isinstance(queue, list) and queue else "the connection broke"


def _as_ssl_says(certificate: x509.Certificate) -> dict[str, Any]:
    """Subject and subjectAltName as getpeercert() gives them, as far as identifies() reads them."""
    common = certificate.subject.get_attributes_for_oid(_COMMON_NAME)
    found: dict[str, Any] = {
        "subject": tuple((("commonName", str(one.value)),) for one in common),
    }
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return found
    except x509.DuplicateExtension:
        return {}
    found["subjectAltName"] = tuple(
        (next((text for kind, text in _KINDS if isinstance(name, kind)), "other"), str(name.value))
        for name in names
    )
    return found
