"""Encryption of RTP and RTCP by libsrtp (RFC 3711, RFC 7714): the only file that imports it.

A context has one direction and one master key, and serves every SSRC of that direction; roll-over
counters and replay windows are libsrtp's, by SSRC.
"""

from __future__ import annotations

from collections.abc import Callable

from pylibsrtp import Error, Policy, Session

from media.srtp.suite import (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_32,
    AES_CM_128_HMAC_SHA1_80,
    Suite,
)

MAX_PACKET = 1500 - 16 - 128 - 4  # libsrtp's binding has a buffer of 1500 with the trailer
_REPLAY_WINDOW = 1024
_PROFILES = {
    AEAD_AES_128_GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    AEAD_AES_256_GCM: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    AES_CM_128_HMAC_SHA1_32: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}


class SrtpError(Exception):
    """A packet that cannot be protected, or that is not authentic or not new."""


class Context:
    """One direction under one key: `rtp` and `rtcp` each turn a packet into its other form."""

    __slots__ = ("_rtcp", "_rtp", "_session")

    def __init__(
        self,
        session: Session,
        rtp: Callable[[bytes], bytes],
        rtcp: Callable[[bytes], bytes],
    ) -> None:
        self._session = session
        self._rtp = rtp
        self._rtcp = rtcp

    def rtp(self, packet: bytes) -> bytes:
        """Raises SrtpError."""
        try:
            return self._rtp(packet)
        except (Error, ValueError) as error:
            raise SrtpError(str(error)) from None

    def rtcp(self, packet: bytes) -> bytes:
        """Raises SrtpError."""
        try:
            return self._rtcp(packet)
        except (Error, ValueError) as error:
            raise SrtpError(str(error)) from None


def protecting(suite: Suite, master: bytes) -> Context:
    """What encrypts with our key. A phone's retransmissions may go out twice."""
    session = _session(suite, master, Policy.SSRC_ANY_OUTBOUND)
    return Context(session, session.protect, session.protect_rtcp)


def unprotecting(suite: Suite, master: bytes) -> Context:
    """What decrypts with the other side's key."""
    session = _session(suite, master, Policy.SSRC_ANY_INBOUND)
    return Context(session, session.unprotect, session.unprotect_rtcp)


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
