"""What kind of datagram stands on a media port, from its first bytes (RFC 7983, RFC 5761 s4)."""

from __future__ import annotations

from typing import Final

STUN: Final = 1
DTLS: Final = 2
RTP: Final = 3
RTCP: Final = 4
ZRTP: Final = 5
TURN: Final = 6
UNKNOWN: Final = 0

RTCP_FIRST: Final = 192
RTCP_LAST: Final = 223


def kind_of(datagram: bytes | bytearray | memoryview) -> int:
    """One of the constants above; never fails.

      0..3    STUN
     16..19   ZRTP
     20..63   DTLS
     64..79   TURN channel
    128..191  RTP, or RTCP when the second byte is 192..223
    """
    if len(datagram) < 2:
        return UNKNOWN
    first = datagram[0]
    if 128 <= first <= 191:
        if RTCP_FIRST <= datagram[1] <= RTCP_LAST:
            return RTCP if len(datagram) >= 8 else UNKNOWN
        return RTP if len(datagram) >= 12 else UNKNOWN
    if 20 <= first <= 63:
        return DTLS
    if first <= 3:
        return STUN if len(datagram) >= 20 else UNKNOWN
    if 16 <= first <= 19:
        return ZRTP
    if 64 <= first <= 79:
        return TURN
    return UNKNOWN
