"""An ICE-lite agent for one media section of one side (RFC 8445, RFC 7675). Pure.

It gathers nothing and checks nothing: it answers checks, and takes the pair that the other side
nominates. One pair of credentials serves both components; each component has its selected address.

    request                                   answer
    not parsed, or without FINGERPRINT        none
    USERNAME or MESSAGE-INTEGRITY absent      400
    unknown user, or wrong integrity          401
    attributes that must be understood        420
    ICE-CONTROLLED (we are controlled)        487, the other side takes the controlling role
    good                                      success; its source is valid from now on,
      ... with USE-CANDIDATE                  and selected: packets go there

The latest nomination counts: a browser that changes its network nominates the new pair. A valid
source that sends media before any nomination is selected as well. Checks are the consent of the
other side (RFC 7675): without one for 30 s nothing more is sent there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from media.ice import stun
from media.ice.errors import ParseError
from media.ice.stun import Address

CONSENT_SECONDS: Final = 30.0
_MAX_VALID: Final = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """ice-ufrag and ice-pwd of one side."""

    ufrag: bytes
    password: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """What a STUN message leads to: a datagram to send back, and whether the selection changed."""

    reply: bytes | None = None
    is_new_selection: bool = False


class Component:
    """One local port: the sources whose checks were good, and the one to talk to."""

    __slots__ = ("checked_at", "selected", "valid", "was_checked")

    def __init__(self) -> None:
        self.valid: dict[Address, float] = {}
        self.selected: Address | None = None
        self.checked_at = -1.0
        self.was_checked = False


class Agent:
    """Answers checks of one side. A restart keeps what is selected until a new nomination."""

    __slots__ = ("components", "local", "refused", "remote")

    def __init__(self, local: Credentials) -> None:
        self.local = local
        self.remote: Credentials | None = None
        self.components = {1: Component(), 2: Component()}
        self.refused = 0

    def restart(self, local: Credentials) -> None:
        """New credentials (RFC 8445 s9); media goes on over the old pair meanwhile."""
        self.local = local
        for component in self.components.values():
            component.valid.clear()

    def forget(self, component: int) -> None:
        """What was selected is not there any more; until a new nomination nothing is."""
        self.components[component].selected = None
        self.components[component].valid.clear()

    def receive(self, datagram: bytes, source: Address, component: int, *, now: float) -> Checked:
        """A datagram whose first byte says STUN."""
        try:
            message = stun.parse(datagram)
        except ParseError:
            return Checked()
        if message.kind != stun.BINDING_REQUEST or not message.has_fingerprint:
            return Checked()
        refusal = self._refusal(datagram, message)
        if refusal is not None:
            self.refused += 1
            return Checked(refusal)
        return Checked(
            self._success(message, source),
            self._note(
                self.components[component],
                source,
                is_nominated=message.get(stun.USE_CANDIDATE) is not None,
                now=now,
            ),
        )

    def has_checked(self, source: Address, component: int) -> bool:
        """Whether a check has come from `source`, and its consent has not ended."""
        return source in self.components[component].valid

    def hear(self, source: Address, component: int) -> bool:
        """Media came from `source`: True when it is selected from now on."""
        found = self.components[component]
        if found.selected is not None or not self.has_checked(source, component):
            return False
        found.selected = source
        found.checked_at = found.valid[source]
        return True

    def expire(self, component: int, *, now: float) -> bool:
        """True when consent has just ended: nothing may be sent any more."""
        found = self.components[component]
        if found.selected is None or now - found.checked_at <= CONSENT_SECONDS:
            return False
        found.selected = None
        found.valid.clear()
        return True

    def _refusal(self, datagram: bytes, message: stun.Message) -> bytes | None:
        username = message.get(stun.USERNAME)
        if username is None or message.integrity_at < 0:
            return self._error(message, 400, b"Bad Request", key=None)
        if username.partition(b":")[0] != self.local.ufrag or not stun.has_integrity(
            datagram, message, self.local.password
        ):
            return self._error(message, 401, b"Unauthenticated", key=None)
        unknown = message.unknown()
        if unknown:
            names = b"".join(name.to_bytes(2, "big") for name in unknown)
            extra = ((stun.UNKNOWN_ATTRIBUTES, names),)
            return self._error(message, 420, b"Unknown Attribute", extra)
        if message.get(stun.ICE_CONTROLLED) is not None:
            return self._error(message, 487, b"Role Conflict")
        return None

    def _error(
        self,
        message: stun.Message,
        status: int,
        reason: bytes,
        extra: tuple[tuple[int, bytes], ...] = (),
        key: bytes | None = b"",
    ) -> bytes:
        attributes = ((stun.ERROR_CODE, stun.error_code(status, reason)), *extra)
        answer = stun.Message(stun.BINDING_ERROR, message.transaction_id, attributes)
        return stun.serialise(answer, key=None if key is None else self.local.password)

    def _success(self, message: stun.Message, source: Address) -> bytes:
        mapped = stun.xor_address(source, message.transaction_id)
        answer = stun.Message(
            stun.BINDING_SUCCESS, message.transaction_id, ((stun.XOR_MAPPED_ADDRESS, mapped),)
        )
        return stun.serialise(answer, key=self.local.password)

    def _note(
        self, component: Component, source: Address, *, is_nominated: bool, now: float
    ) -> bool:
        if source not in component.valid and len(component.valid) >= _MAX_VALID:
            oldest = min(component.valid, key=component.valid.__getitem__)
            del component.valid[oldest]
        component.valid[source] = now
        component.was_checked = True
        if source == component.selected or is_nominated:
            component.checked_at = now
        if not is_nominated or component.selected == source:
            return False
        component.selected = source
        return True
