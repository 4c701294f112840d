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

_NUMBERS: Final = Struct("<qqBiiBBH")  # ids, flags, limits, lengths of hashes, username
_ENABLED: Final = 1
_NO_LIMIT: Final = -1


def pack(subscriber: Subscriber) -> bytes:
    """A subscriber without its AOR, under which it is kept."""
    username = subscriber.username
    if username == _local_part(subscriber.aor):
        username = b""
    md5, sha256 = _binary(subscriber.ha1_md5), _binary(subscriber.ha1_sha256)
    numbers = _NUMBERS.pack(
        subscriber.subscriber_id,
        subscriber.domain_id,
        _ENABLED if subscriber.enabled else 0,
        _NO_LIMIT if subscriber.max_contacts is None else subscriber.max_contacts,
        _NO_LIMIT if subscriber.max_calls is None else subscriber.max_calls,
        len(md5),
        len(sha256),
        len(username),
    )
    return b"".join((numbers, md5, sha256, username, subscriber.display_name.encode()))


@lru_cache(maxsize=4096)
def unpack(aor: Aor, packed: bytes) -> Subscriber:
    """The subscriber that was packed."""
    subscriber_id, domain_id, flags, contacts, calls, md5, sha256, name = _NUMBERS.unpack_from(
        packed
    )
    at = _NUMBERS.size
    md5_end = at + md5
    sha256_end = md5_end + sha256
    name_end = sha256_end + name
    return Subscriber(
        subscriber_id,
        domain_id,
        aor,
        packed[sha256_end:name_end] if name else _local_part(aor),
        b2a_hex(packed[at:md5_end]),
        b2a_hex(packed[md5_end:sha256_end]),
        bool(flags & _ENABLED),
        packed[name_end:].decode(),
        None if contacts == _NO_LIMIT else contacts,
        None if calls == _NO_LIMIT else calls,
    )


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
