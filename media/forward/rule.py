"""What an engine must know to forward the packets of one port; nothing else decides there.

SRTP comes as three more fields, the contexts that unprotect what comes in and protect what goes
out: a rule without them forwards what it gets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

Address = tuple[str, int]
_LANE = "#"


def lane(host: str, port: int, number: int) -> Address:
    """The local address that stands for one of many sides that share a socket."""
    return f"{host}{_LANE}{number}", port


def is_lane(local: Address) -> bool:
    return _LANE in local[0]


def socket_of(local: Address) -> Address:
    """The socket's own address, of a lane that which it shares."""
    return local[0].partition(_LANE)[0], local[1]


class Transform(Protocol):
    """Encryption or decryption of one direction; srtp.context.Context is one."""

    @property
    def pointers(self) -> tuple[int, int, int]:
        """Where in memory libsrtp's session is, and its functions for RTP and for RTCP, of type
        `int (void *session, void *packet, int *length)`; the session is the transform's."""

    def rtp(self, packet: bytes) -> bytes:
        """The packet in its other form; SrtpError when that cannot be."""

    def rtcp(self, packet: bytes) -> bytes:
        """The same for a compound RTCP packet."""


@dataclass(frozen=True, slots=True)
class ForwardRule:
    """Packets that come to `local` from `accepts` go out at `out` to `destination`.

    `accepts` None: nobody is known there yet, every packet goes the slow path. `destination` None:
    the far side wants nothing (hold) or is not known; packets are counted and dropped.
    `rtcp_out` and `rtcp_destination` take the RTCP that comes to this port (RFC 5761), which are
    the same as `out` and `destination` when the far side multiplexes as well. `clock_rates` gives
    Hertz by payload type; `is_rtp` False for fax and data, which carry no sequence numbers.
    `is_exclusive`: until the next rule nobody but `accepts` has any business at `local`, and all
    that `local` sends goes to it as well; an engine may let the kernel drop the others.
    `section`: the number of the section in the description, by which its packets are counted.
    `others`: the rules of further sections that come to the same port (BUNDLE); of these rules only
    what tells their packets and what is for `out` counts. What tells packets (RFC 9143 s9.2) is
    `mid`, the section's name, in the header extension of the number `mid_extension`, 0 where none
    is spoken; `sources`, the SSRCs of its description; and its `payload_types`.
    `names`: number and content of an element that goes into the header extension of the RTP that
    goes out, so that the far side can tell it.
    `ufrag`: of a lane, the user name by which checks for it are known.
    `is_managed`: ICE or DTLS is spoken at `local`, so what is neither RTP nor RTCP goes the slow
    path whoever sent it.
    """

    local: Address
    accepts: Address | None
    out: Address
    destination: Address | None
    rtcp_out: Address
    rtcp_destination: Address | None
    is_rtp: bool = True
    is_exclusive: bool = False
    clock_rates: tuple[tuple[int, int], ...] = ()
    is_managed: bool = False
    unprotect: Transform | None = None
    protect: Transform | None = None
    rtcp_protect: Transform | None = None
    section: int = 0
    payload_types: tuple[int, ...] = ()
    mid: bytes = b""
    mid_extension: int = 0
    sources: tuple[int, ...] = ()
    names: tuple[int, bytes] | None = None
    others: tuple[ForwardRule, ...] = ()
    ufrag: bytes = b""

    @property
    def is_plain(self) -> bool:
        """Whether packets pass as they are, whatever they are."""
        return not (self.is_managed or self.unprotect or self.protect or self.rtcp_protect)

    @property
    def is_only_media(self) -> bool:
        """Whether what is neither RTP nor RTCP goes the slow path whoever sent it."""
        return self.is_managed or (self.is_rtp and not self.is_plain)
