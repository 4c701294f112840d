"""Subscribers as they are kept: 100,000 of them in a third of the memory of as many objects.

One bytes object for each: numbers, hashes in binary, and what text is seldom there. Pure.
"""

from __future__ import annotations

from binascii import a2b_hex, b2a_hex
from functools import lru_cache
from struct import Struct
from typing import Final

from proxy.sip.uri import Aor

from .model import Subscriber

# Ids, flags, limits, lengths of hashes, codecs and username.
_NUMBERS: Final = Struct("<qqBiiBBBH")
_ENABLED: Final = 1
_NO_LIMIT: Final = -1
# The policies share the byte of the flags: two bits and three.
_RELAY: Final = ("", "always", "auto", "never")
_SRTP: Final = ("", "off", "offered", "required", "dtls")
_RELAY_SHIFT: Final = 1
_SRTP_SHIFT: Final = 3


def pack(subscriber: Subscriber) -> bytes:
    """A subscriber without its AOR, under which it is kept."""
    username = subscriber.username
    if username == _local_part(subscriber.aor):
        username = b""
    md5, sha256 = _binary(subscriber.ha1_md5), _binary(subscriber.ha1_sha256)
    flags = _ENABLED if subscriber.enabled else 0
    flags |= _RELAY.index(subscriber.media_policy) << _RELAY_SHIFT
    flags |= _SRTP.index(subscriber.srtp) << _SRTP_SHIFT
    numbers = _NUMBERS.pack(
        subscriber.subscriber_id,
        subscriber.domain_id,
        flags,
        _NO_LIMIT if subscriber.max_contacts is None else subscriber.max_contacts,
        _NO_LIMIT if subscriber.max_calls is None else subscriber.max_calls,
        len(md5),
        len(sha256),
        len(subscriber.codecs),
        len(username),
    )
    return b"".join(
        (numbers, md5, sha256, subscriber.codecs, username, subscriber.display_name.encode())
    )


@lru_cache(maxsize=4096)
def unpack(aor: Aor, packed: bytes) -> Subscriber:
    """The subscriber that was packed."""
    (subscriber_id, domain_id, flags, contacts, calls, md5, sha256, codecs, name) = (
        _NUMBERS.unpack_from(packed)
    )
    at = _NUMBERS.size
    md5_end = at + md5
    sha256_end = md5_end + sha256
    codecs_end = sha256_end + codecs
    name_end = codecs_end + name
    return Subscriber(
        subscriber_id,
        domain_id,
        aor,
        packed[codecs_end:name_end] if name else _local_part(aor),
        b2a_hex(packed[at:md5_end]),
        b2a_hex(packed[md5_end:sha256_end]),
        bool(flags & _ENABLED),
        packed[name_end:].decode(),
        None if contacts == _NO_LIMIT else contacts,
        None if calls == _NO_LIMIT else calls,
        _RELAY[flags >> _RELAY_SHIFT & 3],
        _SRTP[flags >> _SRTP_SHIFT & 7],
        packed[sha256_end:codecs_end],
    )


def nobody(aor: Aor) -> Subscriber:
    """Somebody who is not there, read at the same cost as a user whose address that is."""
    return unpack(aor, _NOBODY)


def subscriber_id_of(packed: bytes) -> int:
    number: int = _NUMBERS.unpack_from(packed)[0]
    return number


def _binary(ha1: bytes) -> bytes:
    """HA1 in binary; one that is no hexadecimal text lets nobody in, like none."""
    try:
        return a2b_hex(ha1)
    except ValueError:
        return b""


def _local_part(aor: Aor) -> bytes:
    return aor.rpartition(b"@")[0]


_NOBODY: Final = pack(
    Subscriber(0, 0, Aor(b"nobody@"), b"nobody", b"0" * 32, b"0" * 64, enabled=False)
)
