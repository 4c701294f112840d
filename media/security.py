"""How one side's section is encrypted: what it said, what we say, which keys follow. Pure.

    PLAIN    no encryption
    SDES     a key in each description (RFC 4568); ours are kept for the life of the dialogue
    DTLS     a certificate's fingerprint in each description (RFC 5763, RFC 8842)
    OPAQUE   encrypted in a way that the relay cannot read: it passes if both sides speak it

Keys and certificates are the relay's own on each side. An offer of ours may name several suites and
DTLS beside them, the answer says which it is. Opportunistic (RFC 8643) is SDES in RTP/AVP: who does
not know it passes the key over and stays plain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from media.dtls import Fingerprint, parse_fingerprint
from media.ng import Options
from media.sdp import Media, Session
from media.srtp import SUITES, Crypto, Suite, parse_crypto

PLAIN, SDES, DTLS, OPAQUE = "plain", "sdes", "dtls", "opaque"
ACTIVE, PASSIVE, ACTPASS = b"active", b"passive", b"actpass"
REQUIRED = b"srtp-required"
REQUIRED_TOWARDS = b"srtp-required-towards"
_OFF = (b"off", b"no", b"disable")
_MOST_CRYPTOS = 16


@dataclass(frozen=True, slots=True)
class Means:
    """What the relay brings to every call: its certificate's fingerprint, and random bytes."""

    fingerprint: Fingerprint
    random: Callable[[int], bytes]


class Security:
    """State of one section of one side.

    `crypto_in` is the other side's key, `crypto_out` ours; `role` is ours in DTLS, b"" until it is
    known. `is_required`: plain media is refused for the life of the dialogue.
    """

    __slots__ = (
        "crypto_in",
        "crypto_out",
        "cryptos",
        "fingerprints",
        "is_opportunistic",
        "is_required",
        "kind",
        "offered",
        "role",
        "setup",
    )

    def __init__(self) -> None:
        self.kind = PLAIN
        self.is_opportunistic = False
        self.is_required = False
        self.cryptos: tuple[Crypto, ...] = ()
        self.offered: dict[Suite, Crypto] = {}
        self.crypto_in: Crypto | None = None
        self.crypto_out: Crypto | None = None
        self.fingerprints: tuple[Fingerprint, ...] = ()
        self.setup = b""
        self.role = b""

    @property
    def is_encrypted(self) -> bool:
        """True when packets of this side are to be decrypted and encrypted here."""
        return self.kind in (SDES, DTLS)

    def take(self, session: Session, media: Media, kind: str) -> None:
        """Note what this side says of itself; `kind` by `spoken`."""
        self.kind = kind
        self.cryptos = tuple(_cryptos(media)) if kind == SDES else ()
        if not self.cryptos:
            self.crypto_in = self.crypto_out = None
        fingerprints = tuple(_fingerprints(session, media)) if kind == DTLS else ()
        if fingerprints != self.fingerprints:
            self.role = b""  # another certificate: a new association (RFC 8842 s4)
        self.fingerprints = fingerprints
        self.setup = (session.attribute_of(media, b"setup") or b"").strip().lower()

    def settle_answered(self) -> str:
        """This side answered our offer: settle keys and role. Words when it cannot be."""
        if self.kind == SDES:
            for theirs in self.cryptos:
                ours = self.offered.get(theirs.suite)
                if ours is not None and ours.tag == theirs.tag:
                    self.crypto_in, self.crypto_out = theirs, ours
                    return ""
            return "its a=crypto is none that was offered"
        if self.kind == DTLS:
            self.role = ACTIVE if self.setup == PASSIVE else PASSIVE
        return ""

    def offer_lines(self, protocol: bytes, options: Options, means: Means) -> list[bytes]:
        """The attributes of an offer to this side; what it is will be known by its answer."""
        upper = protocol.upper()
        if b"SAVP" not in upper:
            self.is_opportunistic = self.is_opportunistic or b"offer" in options.osrtp
            if not self.is_opportunistic:
                self.kind = PLAIN
                return []
            return self._crypto_lines(options, means)
        is_tls = b"TLS" in upper
        lines = []
        if not is_tls and not any(word in _OFF for word in options.sdes):
            lines = self._crypto_lines(options, means)
        if is_tls or (options.dtls not in _OFF and not self.crypto_in):
            lines += [b"setup:" + (self.role or ACTPASS), means.fingerprint.serialise()]
            if self.role:
                lines[-2] = b"setup:actpass"  # RFC 8842 s5.5: also in a later offer
        if not self.is_encrypted:
            self.kind = DTLS if is_tls or not self.offered else SDES
        return lines

    def _crypto_lines(self, options: Options, means: Means) -> list[bytes]:
        """Our keys, the same in every offer of the dialogue, and before them the one in use, also
        where it stood in an answer of ours: baresip takes no other key for what it speaks."""
        suites = _suites(options)
        spoken = self.crypto_out
        if spoken is not None:
            others = (one for one in self.offered.values() if one.tag != spoken.tag)
            self.offered = {one.suite: one for one in (*others, spoken)}
            suites.sort(key=lambda suite: suite is not spoken.suite)
        lines = []
        for suite in suites:
            kept = self.offered.get(suite)
            if kept is None:
                tag = max((one.tag for one in self.offered.values()), default=0) + 1
                kept = self.offered[suite] = Crypto(tag, suite, means.random(suite.master_bytes))
            lines.append(kept.serialise())
        return lines

    def answer_lines(self, options: Options, means: Means) -> list[bytes]:
        """The attributes of our answer to the offer that this side made."""
        if self.kind == SDES:
            theirs = self._chosen(options)
            ours = self.crypto_out
            if ours is None or (ours.suite, ours.tag) != (theirs.suite, theirs.tag):
                if ours is not None and ours.suite is theirs.suite:
                    master = ours.master
                else:
                    master = means.random(theirs.suite.master_bytes)
                self.crypto_out = ours = Crypto(theirs.tag, theirs.suite, master)
            self.crypto_in = theirs
            return [ours.serialise()]
        if self.kind == DTLS:
            if not self.role:
                self.role = self._role(options)
            return [b"setup:" + self.role, means.fingerprint.serialise()]
        return []

    def _chosen(self, options: Options) -> Crypto:
        allowed = _suites(options)
        for theirs in self.cryptos:
            if theirs.suite in allowed:
                return theirs
        return self.cryptos[0]

    def _role(self, options: Options) -> bytes:
        """Active where we may, unless the proxy wants it otherwise (RFC 5763 s5)."""
        if self.setup == PASSIVE:
            return ACTIVE
        if self.setup == ACTIVE or options.dtls == PASSIVE:
            return PASSIVE
        return ACTIVE


def spoken(session: Session, media: Media, *, is_opportunistic: bool = False) -> str:
    """How a section is encrypted by the words of its description."""
    if not media.is_rtp:
        return PLAIN
    if not media.is_secure:
        return SDES if is_opportunistic and any(_cryptos(media)) else PLAIN
    if b"TLS" not in media.protocol.upper() and any(_cryptos(media)):
        return SDES
    return DTLS if any(_fingerprints(session, media)) else OPAQUE


def is_weak(security: Security) -> bool:
    """True when every fingerprint is below SHA-256: nothing to believe in."""
    return security.kind == DTLS and not any(one.is_strong for one in security.fingerprints)


def _suites(options: Options) -> list[Suite]:
    """The suites that may be used, in order of preference, as the SDES options say."""
    only = [word[5:] for word in options.sdes if word.startswith(b"only-")]
    never = [word[3:] for word in options.sdes if word.startswith(b"no-")]
    order = [
        name for word in options.sdes if word.startswith(b"order:") for name in word[6:].split(b";")
    ]
    found = [
        suite
        for suite in SUITES
        if suite.sdes not in never and (not only or suite.sdes in only)
    ]  # fmt: skip
    found.sort(key=lambda suite: order.index(suite.sdes) if suite.sdes in order else len(order))
    return found or list(SUITES)


def _cryptos(media: Media) -> Iterator[Crypto]:
    lines = [line for line in media.lines if line.attribute == b"crypto"]
    for line in lines[:_MOST_CRYPTOS]:
        found = parse_crypto(line.value.partition(b":")[2])
        if found is not None:
            yield found


def _fingerprints(session: Session, media: Media) -> Iterator[Fingerprint]:
    """Those of the section, else those of the session (RFC 8122 s5)."""
    for lines in (media.lines, session.lines):
        values = [line.value for line in lines if line.attribute == b"fingerprint"]
        found = [parse_fingerprint(value.partition(b":")[2]) for value in values]
        if found:
            yield from (one for one in found if one is not None)
            return
