"""Carries out the encryption that offers and answers agree on: STUN answered, DTLS, SRTP contexts.

The pure side (security.py, connectivity.py) says what each side speaks; here the handshakes run and
the contexts are made. `update` is called after every offer and answer, `receive` for every STUN and
DTLS packet of a managed port, `expire` by the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from media.dialogue import Dialogue
from media.dtls import Fingerprint, matches
from media.dtls.handshake import Handshake, State
from media.dtls.identity import Identity
from media.endpoint import Endpoint
from media.forward.engine import Engine
from media.forward.rule import Address
from media.rtp import DTLS, STUN, kind_of
from media.security import ACTIVE, SDES
from media.security import DTLS as DTLS_SRTP
from media.srtp import Crypto
from media.srtp.context import protecting, unprotecting
from media.stream import Stream

log = logging.getLogger(__name__)

_CLIENT_HELLO = 1
_LEAST_TIMER_SECONDS = 0.01
_MOST_SECONDS = 60.0  # a handshake that is not done by then never will be


class Timer(Protocol):
    """Something to be called later."""

    def cancel(self) -> None: ...


CallLater = Callable[[float, Callable[[], None]], Timer]


@dataclass(frozen=True, slots=True)
class Place:
    """Whose port it is: the section of the side that sends to it, and of the other side."""

    dialogue: Dialogue
    near: Stream
    far: Stream
    end: Endpoint

    @property
    def component(self) -> int:
        return 1 if self.end is self.near.rtp else 2


class _Association:
    """One DTLS association of one port."""

    __slots__ = ("began_at", "expected", "failure", "handshake", "is_keyed", "peer", "timer")

    def __init__(self, handshake: Handshake, peer: Address, *, now: float) -> None:
        self.handshake = handshake
        self.peer = peer
        self.began_at = now
        self.expected: tuple[Fingerprint, ...] = ()
        self.is_keyed = False
        self.failure = ""
        self.timer: Timer | None = None


class Keying:
    """All handshakes of a relay."""

    __slots__ = ("_associations", "_call_later", "_clock", "_engine", "_identity", "_sdes")

    def __init__(
        self,
        engine: Engine,
        identity: Identity,
        *,
        clock: Callable[[], float],
        call_later: CallLater,
    ) -> None:
        self._engine = engine
        self._identity = identity
        self._clock = clock
        self._call_later = call_later
        self._associations: dict[Endpoint, _Association] = {}
        self._sdes: dict[Endpoint, tuple[Crypto, Crypto]] = {}

    def update(self, dialogue: Dialogue, places: list[Place]) -> None:
        """The signalling of a dialogue has changed: before its rules are installed."""
        for place in places:
            security = place.near.security
            if security.kind == SDES:
                self._drop(place.end)
                self._take_keys(place)
            elif security.kind == DTLS_SRTP:
                self._sdes.pop(place.end, None)
                self._take_fingerprints(place)
            else:
                self._drop(place.end)
                self._sdes.pop(place.end, None)
                place.end.protect = place.end.unprotect = None

    def receive(self, place: Place, datagram: bytes, source: Address) -> None:
        """A packet that is neither RTP nor RTCP, from anybody."""
        kind = kind_of(datagram)
        if kind == STUN and place.near.ice is not None:
            checked = place.near.ice.receive(datagram, source, place.component, now=self._clock())
            if place.near.ice.has_checked(source, place.component):
                self._engine.expect(place.end.local, source)
            if checked.reply is not None:
                self._engine.send(place.end.local, checked.reply, source)
            if checked.is_new_selection and place.near.checks:
                log.debug("selected local=%s source=%s", place.end.local, source)
                place.end.select(source)
                self._begin(place)
                self._engine.install(place.dialogue.rules())
        elif kind == DTLS and place.near.security.kind == DTLS_SRTP:
            self._receive_dtls(place, datagram, source)

    def hear(self, place: Place, source: Address) -> bool:
        """Media from `source`, where ICE is spoken: True when it is taken. From any pair that has
        been checked, for a side that has just chosen another may have packets on its way (RFC 8445
        s12.1); where none is selected yet it is from now on."""
        ice = place.near.ice
        if ice is None or not ice.has_checked(source, place.component):
            return False
        if ice.hear(source, place.component):
            place.end.select(source)
            self._engine.install(place.dialogue.rules())
        return True

    def expire(self, place: Place) -> bool:
        """True when the other side's consent has ended, so that rules change."""
        ice = place.near.ice
        if ice is None or not ice.expire(place.component, now=self._clock()):
            return False
        place.end.select(None)
        return True

    def failure(self, end: Endpoint) -> str:
        """Why this port has no keys, in words; empty when it has, or nothing was tried."""
        association = self._associations.get(end)
        if association is None or association.is_keyed:
            return ""
        return association.failure or "no answer to our messages"

    def forget(self, end: Endpoint) -> None:
        """The port is given back."""
        self._drop(end)
        self._sdes.pop(end, None)

    # -- SDES

    def _take_keys(self, place: Place) -> None:
        security, end = place.near.security, place.end
        if security.crypto_in is None or security.crypto_out is None:
            end.protect = end.unprotect = None
            return
        keys = security.crypto_in, security.crypto_out
        before = self._sdes.get(end)
        if before is None or before[0].master != keys[0].master:
            end.unprotect = unprotecting(keys[0].suite, keys[0].master)
        if before is None or before[1].master != keys[1].master:
            end.protect = protecting(keys[1].suite, keys[1].master)
        self._sdes[end] = keys

    # -- DTLS

    def _take_fingerprints(self, place: Place) -> None:
        expected = place.near.security.fingerprints
        association = self._associations.get(place.end)
        if association is not None and association.expected not in ((), expected):
            self._drop(place.end)  # another certificate: whoever had the old one has gone
            place.end.protect = place.end.unprotect = None
            association = None
            if place.near.ice is not None:
                place.near.ice.forget(place.component)
                place.end.select(None)
        if association is None:
            place.end.protect = place.end.unprotect = None
            self._begin(place)
            return
        association.expected = expected
        self._conclude(place, association)

    def _begin(self, place: Place) -> None:
        """Start as a client, once it is known that we are and where to."""
        security = place.near.security
        peer = place.end.destination
        if (
            security.kind != DTLS_SRTP
            or security.role != ACTIVE
            or peer is None
            or place.end in self._associations
        ):
            return
        association = self._open(place, peer, is_client=True)
        self._send(place, association, association.handshake.start())

    def _open(self, place: Place, peer: Address, *, is_client: bool) -> _Association:
        handshake = Handshake(self._identity, is_client=is_client)
        association = _Association(handshake, peer, now=self._clock())
        association.expected = place.near.security.fingerprints
        self._associations[place.end] = association
        return association

    def _receive_dtls(self, place: Place, datagram: bytes, source: Address) -> None:
        ice = place.near.ice if place.near.checks else None
        if ice is not None and not ice.has_checked(source, place.component):
            return  # nobody speaks here before a check
        association = self._associations.get(place.end)
        if association is None:
            if place.near.security.role == ACTIVE or not _is_client_hello(datagram):
                return
            association = self._open(place, source, is_client=False)
        elif not association.is_keyed:
            association.peer = source
        if ice is None and place.end.source is None:
            # As RTP would: the address that the handshake comes from is the one to talk to.
            place.end.hear(source, packets=0, now=self._clock())
        self._send(place, association, association.handshake.receive(datagram))

    def _send(self, place: Place, association: _Association, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            self._engine.send(place.end.local, datagram, association.peer)
        self._conclude(place, association)
        self._arm(place, association)

    def _conclude(self, place: Place, association: _Association) -> None:
        """Install the keys if all is there: handshake done, fingerprint known and right."""
        handshake = association.handshake
        if association.is_keyed or association.failure:
            return
        if handshake.state is State.FAILED:
            self._fail(place, association, handshake.failure)
        elif handshake.keys is not None and association.expected:
            if not matches(handshake.certificate, association.expected):
                self._fail(place, association, "fingerprint mismatch")
                return
            keys = handshake.keys
            association.is_keyed = True
            place.end.protect = protecting(keys.suite, keys.local)
            place.end.unprotect = unprotecting(keys.suite, keys.remote)
            self._engine.install(place.dialogue.rules())

    def _fail(self, place: Place, association: _Association, why: str) -> None:
        association.failure = why
        log.info("no keys local=%s peer=%s why=%s", place.end.local, association.peer, why)

    def _arm(self, place: Place, association: _Association) -> None:
        """One timer for the next retransmission."""
        if association.timer is not None:
            association.timer.cancel()
            association.timer = None
        seconds = association.handshake.deadline_seconds()
        if seconds is not None:
            association.timer = self._call_later(
                max(seconds, _LEAST_TIMER_SECONDS), lambda: self._retransmit(place, association)
            )

    def _retransmit(self, place: Place, association: _Association) -> None:
        association.timer = None
        if self._clock() - association.began_at > _MOST_SECONDS:
            self._fail(place, association, "no answer")
            return
        self._send(place, association, association.handshake.retransmit())

    def _drop(self, end: Endpoint) -> None:
        association = self._associations.pop(end, None)
        if association is not None and association.timer is not None:
            association.timer.cancel()


def _is_client_hello(datagram: bytes) -> bool:
    """A handshake record (22) of epoch 0 whose message is ClientHello."""
    return len(datagram) > 13 and datagram[0] == 22 and datagram[13] == _CLIENT_HELLO
