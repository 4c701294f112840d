"""Values of the protocol for the database and the log. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Protocol

_LONGEST_TEXT: Final = 500


class HasFarEnd(Protocol):
    """What is read of a flow."""

    @property
    def protocol(self) -> str: ...
    @property
    def remote(self) -> tuple[str, int]: ...


def place(flow: HasFarEnd) -> str:
    """The far end of a flow, as people read it: `udp 192.0.2.1:5060`."""
    host, port = flow.remote
    return place_of(flow.protocol, host, port)


def place_of(protocol: str, host: str, port: int) -> str:
    """The same of its parts."""
    return f"{protocol} {address_of(host, port)}"


def address_of(host: str, port: int) -> str:
    """Both in one; IPv6 comes without brackets and gets them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def as_text(value: bytes) -> str:
    """Bytes of the protocol: never a NUL, never endless."""
    return storable(value.decode("utf-8", "replace"))


def storable(text: str) -> str:
    """What somebody else has written, likewise: PostgreSQL takes no NUL."""
    return text.replace("\0", "")[:_LONGEST_TEXT]


def whole_text(value: bytes) -> str:
    """All of them, with another character for a NUL; a quoted name may have one."""
    return value.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def as_instant(wall: float) -> str:
    """Epoch seconds as PostgreSQL reads them. Whole numbers alone: to round and to format floats
    takes four times as long, and a call has a dozen of them written."""
    microseconds = int(wall * 1_000_000 + 0.5)
    second = microseconds // 1_000_000
    digits = str(1_000_000 + microseconds - second * 1_000_000)
    return f"{_second(second)}.{digits[1:]}+00:00"


@lru_cache(maxsize=64)  # a call's instants lie close to those of others
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat()[:19]
