"""Encryption of RTP and RTCP by libsrtp (RFC 3711, RFC 7714): the only file that imports it.

A context has one direction and one master key, and serves every SSRC of that direction; roll-over
counters and replay windows are libsrtp's, by SSRC.

Packets do not go through pylibsrtp's own methods: a session's buffer holds 1,500 bytes, 144 of them
kept for a trailer, so that a full packet of video is refused. Here what is longer gets a buffer of
its own.
"""

from __future__ import annotations

from typing import Any, Final

from pylibsrtp import ERRORS, Error, Policy, Session
from pylibsrtp._binding import ffi, lib

from media.srtp.suite import (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_32,
    AES_CM_128_HMAC_SHA1_80,
    Suite,
)

MAX_PACKET: Final = 65_507  # what UDP over IPv4 carries
_TRAILER: Final = 4 + 16 + 128  # SRTCP's index, the longest tag, the longest MKI
_REPLAY_WINDOW: Final = 1024
_PROFILES: Final = {
    AEAD_AES_128_GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    AEAD_AES_256_GCM: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    AES_CM_128_HMAC_SHA1_32: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}


def _where(rtp: str, rtcp: str) -> tuple[int, int]:
    at = [int(ffi.cast("uintptr_t", ffi.addressof(lib, name))) for name in (rtp, rtcp)]
    return at[0], at[1]


_PROTECTING: Final = _where("srtp_protect", "srtp_protect_rtcp")
_UNPROTECTING: Final = _where("srtp_unprotect", "srtp_unprotect_rtcp")


class SrtpError(Exception):
    """A packet that cannot be protected, or that is not authentic or not new."""


class Context:
    """One direction under one key: `rtp` and `rtcp` each turn a packet into its other form."""

    __slots__ = (
        *("_buffer", "_length", "_memory", "_room", "_rtcp", "_rtp", "_session", "_srtp"),
        "pointers",
    )

    def __init__(self, session: Session, rtp: Any, rtcp: Any, pointers: tuple[int, int]) -> None:
        self._session = session  # frees what _srtp points at when it goes
        self._srtp = session._srtp[0]
        self._memory = session._cdata
        self._buffer = session._buffer
        self._room = len(session._cdata) - _TRAILER
        self._length = ffi.new("int *")
        self._rtp = rtp
        self._rtcp = rtcp
        self.pointers = (int(ffi.cast("uintptr_t", self._srtp)), *pointers)
        """Where the session and libsrtp's two functions are, as rule.Transform has it."""

    def rtp(self, packet: bytes) -> bytes:
        """Raises SrtpError."""
        return self._turn(self._rtp, packet)

    def rtcp(self, packet: bytes) -> bytes:
        """Raises SrtpError."""
        return self._turn(self._rtcp, packet)

    def _turn(self, function: Any, packet: bytes) -> bytes:
        size = len(packet)
        memory, buffer, length = self._memory, self._buffer, self._length
        if size > self._room:
            if size > MAX_PACKET:
                raise SrtpError("packet is too long")
            memory = ffi.new("char[]", size + _TRAILER)
            buffer = ffi.buffer(memory)
        buffer[0:size] = packet
        length[0] = size
        status = function(self._srtp, memory, length)
        if status:
            raise SrtpError(ERRORS[status])
        turned: bytes = buffer[0 : length[0]]
        return turned


def protecting(suite: Suite, master: bytes) -> Context:
    """What encrypts with our key. A phone's retransmissions may go out twice."""
    session = _session(suite, master, Policy.SSRC_ANY_OUTBOUND)
    return Context(session, lib.srtp_protect, lib.srtp_protect_rtcp, _PROTECTING)


def unprotecting(suite: Suite, master: bytes) -> Context:
    """What decrypts with the other side's key."""
    session = _session(suite, master, Policy.SSRC_ANY_INBOUND)
    return Context(session, lib.srtp_unprotect, lib.srtp_unprotect_rtcp, _UNPROTECTING)


def is_available(suite: Suite) -> bool:
    """False for a suite that this build of libsrtp lacks."""
    try:
        Policy(srtp_profile=_PROFILES[suite])
    except Error:
        return False
    return True


def _session(suite: Suite, master: bytes, direction: int) -> Session:
    policy = Policy(key=master, ssrc_type=direction, srtp_profile=_PROFILES[suite])
    policy.allow_repeat_tx = True
    policy.window_size = _REPLAY_WINDOW
    return Session(policy=policy)
