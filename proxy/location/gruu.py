"""GRUUs (RFC 5627): addresses of one instance of a user, open and anonymous. Pure.

The public one is the AOR with the instance. A temporary one hides both: its user part is sealed and
encrypted with the cluster's key, so that every node opens it without a table, and the RFC's rule is
kept by what is inside: it is good for as long as the instance is registered by the same Call-ID
(s3.1.2).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from proxy.sip.uri import Aor

if TYPE_CHECKING:
    from .model import Binding

PREFIX: Final = b"tgruu."
UNIQUE_SIZE: Final = 6
"""Bytes of randomness that make two temporary GRUUs of one instance differ."""

_SEAL: Final = 12
_MARK: Final = 6
_LONGEST: Final = 600
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_UNRESERVED: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()"
)
_IN_USER: Final = _UNRESERVED | frozenset(b"&=+$,;?/")
_IN_PARAM: Final = _UNRESERVED | frozenset(b"[]/:&+$")


def public_gruu(aor: Aor, instance: bytes) -> bytes:
    """The AOR with gr=instance (RFC 5627 s5.1)."""
    user, _, host = aor.rpartition(b"@")
    return b"sip:%b@%b;gr=%b" % (_escaped(user, _IN_USER), host, _escaped(instance, _IN_PARAM))


def _escaped(data: bytes, safe: frozenset[int]) -> bytes:
    return b"".join(bytes((byte,)) if byte in safe else b"%%%02x" % byte for byte in data)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a temporary GRUU stands for."""

    aor: Aor
    instance_mark: bytes
    call_mark: bytes

    def names(self, binding: Binding) -> bool:
        """Whether it is this binding that the GRUU was made for."""
        return (
            binding.aor == self.aor
            and binding.instance is not None
            and _mark(binding.instance) == self.instance_mark
            and _mark(binding.call_id) == self.call_mark
        )


class TemporaryGruus:
    """Makes and opens them with the cluster's key."""

    __slots__ = ("_cipher_key", "_seal_key")

    def __init__(self, key: bytes) -> None:
        self._seal_key = blake2b(key, digest_size=32, person=b"fedsip gruu seal").digest()
        self._cipher_key = blake2b(key, digest_size=32, person=b"fedsip gruu hide").digest()

    def make(self, binding: Binding, unique: bytes) -> bytes | None:
        """A new temporary GRUU; `unique` is UNIQUE_SIZE random bytes. None without an instance."""
        if binding.instance is None:
            return None
        plain = unique + _mark(binding.instance) + _mark(binding.call_id) + binding.aor
        seal = self._sealed(plain)
        hidden = urlsafe_b64encode(seal + self._hidden(plain, seal)).rstrip(b"=")
        return b"sip:%b%b@%b;gr" % (PREFIX, hidden, binding.aor.rpartition(b"@")[2])

    def open(self, user: bytes) -> Opened | None:
        """What the user part of a URI stands for; None when it is no temporary GRUU of ours."""
        if not user.startswith(PREFIX) or len(user) > _LONGEST:
            return None
        text = user[len(PREFIX) :].translate(_FROM_URL)
        try:
            data = a2b_base64(text + b"=="[: -len(text) % 4])
        except Base64Error:
            return None
        seal, hidden = data[:_SEAL], data[_SEAL:]
        plain = self._hidden(hidden, seal)
        if len(plain) <= UNIQUE_SIZE + 2 * _MARK or not compare_digest(self._sealed(plain), seal):
            return None
        marks = plain[UNIQUE_SIZE:]
        return Opened(Aor(marks[2 * _MARK :]), marks[:_MARK], marks[_MARK : 2 * _MARK])

    def _sealed(self, plain: bytes) -> bytes:
        return blake2b(plain, key=self._seal_key, digest_size=_SEAL).digest()

    def _hidden(self, data: bytes, seal: bytes) -> bytes:
        """Encrypt or decrypt: the seal, a keyed hash of the plain text, is the nonce (SIV)."""
        stream = b"".join(
            blake2b(seal + block.to_bytes(2, "big"), key=self._cipher_key).digest()
            for block in range(len(data) // 64 + 1)
        )
        return bytes(one ^ other for one, other in zip(data, stream, strict=False))


@lru_cache(maxsize=4)
def temporary_gruus(key: bytes) -> TemporaryGruus:
    """Those of a cluster's key."""
    return TemporaryGruus(key)


def _mark(value: bytes) -> bytes:
    return blake2b(value, digest_size=_MARK).digest()
