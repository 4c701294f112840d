"""The registrar's rules as one pure function (RFC 3261 s10.3, RFC 3327, RFC 5626 s6, RFC 5627).

Bindings and a REGISTER in; what changes, or the refusal, out. All of a REGISTER or nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Final

from proxy.sip.errors import ParseError
from proxy.sip.fields import NameAddr
from proxy.sip.message import Request
from proxy.sip.scan import unquote
from proxy.sip.uri import Aor, SipUri, parse_uri

from .model import Binding, contact_key, shared
from .text import as_text, is_text, kept_call_id

MAX_EXPIRES_ON_WIRE: Final = 2**32 - 1
MAX_CONTACTS_IN_REQUEST: Final = 32
MAX_PATH: Final = 8
_LONGEST_AOR: Final = 512
_LONGEST_URI: Final = 1024
_LONGEST_INSTANCE: Final = 256
_LONGEST_USER_AGENT: Final = 255
_LONGEST_METHODS: Final = 255
_MALFORMED_EXPIRES: Final = 3600
_HOUR: Final = 3600

HeaderPairs = tuple[tuple[bytes, bytes], ...]


class RegisterRefused(Exception):
    """The REGISTER gets this response and changes nothing."""

    def __init__(self, status: int, reason: bytes | None = None, headers: HeaderPairs = ()) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Limits:
    """What the domain allows; seconds."""

    max_contacts: int = 10
    min_expires: int = 60
    max_expires: int = 86400
    default_expires: int = 3600


@dataclass(frozen=True, slots=True)
class Source:
    """What the REGISTER's way here says about the contacts in it."""

    domain_id: int
    subscriber_id: int | None
    flow_token: bytes | None
    node_id: bytes
    protocol: str
    received: bytes
    nat: bool
    family: int


@dataclass(slots=True)
class Outcome:
    """What a REGISTER does."""

    after: list[Binding]
    """All bindings of the AOR afterwards."""
    written: list[Binding] = field(default_factory=list)
    removed: list[Binding] = field(default_factory=list)
    commit_needed: bool = False
    """Calls go elsewhere from now on, so the 200 waits for the commit."""
    uses_outbound: bool = False


@dataclass(frozen=True, slots=True)
class _Register:
    """What all contacts of one REGISTER have in common."""

    aor: Aor
    request: Request
    call_id: bytes
    cseq: int
    path: tuple[bytes, ...]
    has_outbound: bool
    source: Source
    limits: Limits
    wall: float


def apply_register(
    aor: Aor,
    request: Request,
    bindings: Sequence[Binding],
    source: Source,
    limits: Limits,
    *,
    wall: float,
) -> Outcome:
    """Apply a REGISTER to the live bindings of its AOR; raises RegisterRefused or ParseError.

    (A `*` beside other contacts is a ParseError: alone it is no contact either.)
    """
    if len(aor) > _LONGEST_AOR or not is_text(aor):
        raise RegisterRefused(400, b"User is no text")
    call_id, cseq = kept_call_id(request.call_id), request.cseq.number
    outcome = Outcome(list(bindings))
    if request.is_star_contact:
        _remove_all(request, outcome, call_id, cseq)
        return outcome
    contacts = request.contacts
    if len(contacts) > MAX_CONTACTS_IN_REQUEST:
        raise RegisterRefused(403, b"Too many contacts")
    register = _Register(
        aor,
        request,
        call_id,
        cseq,
        _path(request),
        _has_outbound(request, contacts, limits),
        source,
        limits,
        wall,
    )
    for contact in contacts:
        _apply_contact(register, contact, outcome)
    if len(outcome.after) > limits.max_contacts and _adds(outcome, bindings):
        raise RegisterRefused(403, b"Too many registered contacts")
    return outcome


def _adds(outcome: Outcome, bindings: Sequence[Binding]) -> bool:
    known = {binding.binding_id for binding in bindings}
    return any(binding.binding_id not in known for binding in outcome.written)


def _remove_all(request: Request, outcome: Outcome, call_id: bytes, cseq: int) -> None:
    """s10.2.2: `*` only with an Expires of 0."""
    if request.expires != 0:
        raise RegisterRefused(400, b"* needs Expires: 0")
    for binding in outcome.after:
        _check_order(binding, call_id, cseq)
    outcome.removed = outcome.after
    outcome.after = []
    outcome.commit_needed = bool(outcome.removed)


def _check_order(binding: Binding, call_id: bytes, cseq: int) -> None:
    """s10.3 step 7: an older CSeq of the same Call-ID must not undo a newer one."""
    if binding.call_id == call_id and cseq <= binding.cseq:
        raise RegisterRefused(500, b"Registration out of order")


def _path(request: Request) -> tuple[bytes, ...]:
    """The Path values, checked now and not when a call comes (RFC 3327 s5.3)."""
    values = request.headers.values(b"path")
    if not values:
        return ()
    if b"path" not in request.option_tags(b"supported") | request.option_tags(b"require"):
        raise RegisterRefused(421, None, ((b"require", b"path"),))
    if len(values) > MAX_PATH:
        raise RegisterRefused(400, b"Path is too long")
    for address, value in zip(request.paths, values, strict=True):
        if not isinstance(address.uri, SipUri) or len(value) > _LONGEST_URI or not is_text(value):
            raise RegisterRefused(400, b"Path is no route")
    return tuple([shared(value) for value in values])


def _has_outbound(request: Request, contacts: Sequence[NameAddr], limits: Limits) -> bool:
    """Whether reg-id counts (RFC 5626 s6): the UA says outbound, and so does its first hop."""
    if not any(contact.has_param(b"reg-id") for contact in contacts):
        return False
    if not any(_outbound_of(contact)[1] is not None for contact in contacts):
        return False
    if b"outbound" not in request.option_tags(b"supported") | request.option_tags(b"require"):
        return False
    kept = [one for one in contacts if contact_expires(request, one, limits) > 0]
    if len(kept) > 1:
        raise RegisterRefused(400, b"One contact with reg-id at a time")
    if len(request.headers.values(b"via")) > 1:
        # Not from the UA itself: the edge proxy, whose Path is the lowest, must keep the flow.
        paths = request.paths
        edge = paths[-1].uri if paths else None
        if not isinstance(edge, SipUri) or not edge.has_param(b"ob"):
            raise RegisterRefused(439)
    return True


def _apply_contact(register: _Register, contact: NameAddr, outcome: Outcome) -> None:
    uri = contact.uri
    if not isinstance(uri, SipUri) or len(uri.serialise()) > _LONGEST_URI:
        raise RegisterRefused(400, b"Contact is no SIP URI")
    expires = contact_expires(register.request, contact, register.limits)
    instance, reg_id = _outbound_of(contact)
    if reg_id is not None and register.has_outbound:
        outcome.uses_outbound = True
    else:
        reg_id = None
    key = contact_key(uri, instance, reg_id)
    held = _find(outcome.after, key, uri, reg_id)
    if held is not None and held not in outcome.written:  # else the same contact stands in it twice
        _check_order(held, register.call_id, register.cseq)
    if expires == 0:
        if held is not None:
            _remove(outcome, held)
        return
    since = register.wall if held is None else held.registered_at
    made = _made(register, contact, uri, expires, instance, reg_id, key, since)
    if held is None:
        outcome.after.append(made)
        outcome.commit_needed = True
    else:
        made = _replace(outcome, held, made, register.wall)
    outcome.written.append(made)


def _remove(outcome: Outcome, held: Binding) -> None:
    outcome.after.remove(held)
    if held in outcome.written:
        outcome.written.remove(held)
    outcome.removed.append(held)
    outcome.commit_needed = True


def _replace(outcome: Outcome, held: Binding, made: Binding, wall: float) -> Binding:
    if held.binding_id != made.binding_id:
        outcome.removed.append(held)
    if held.binding_id != made.binding_id or made.leads_elsewhere(held):
        made = replace(made, registered_at=wall)
        outcome.commit_needed = True
    outcome.after[outcome.after.index(held)] = made
    if held in outcome.written:
        outcome.written.remove(held)
    return made


def _made(
    register: _Register,
    contact: NameAddr,
    uri: SipUri,
    expires: int,
    instance: bytes | None,
    reg_id: int | None,
    key: bytes,
    since: float,
) -> Binding:
    source, request = register.source, register.request
    user_agent = request.headers.first(b"user-agent") or b""
    return Binding(
        binding_id=binding_id(register.aor, key),
        aor=register.aor,
        domain_id=source.domain_id,
        subscriber_id=source.subscriber_id,
        contact=uri.serialise(),
        instance=instance,
        reg_id=reg_id,
        q=contact_q(contact),
        expires_at=register.wall + expires,
        path=register.path,
        flow_token=source.flow_token,
        node_id=source.node_id,
        protocol=source.protocol,
        received=source.received,
        nat=source.nat,
        family=source.family,
        call_id=register.call_id,
        cseq=register.cseq,
        user_agent=shared(as_text(user_agent, _LONGEST_USER_AGENT)),
        methods=shared(as_text(unquote(contact.param(b"methods") or b""), _LONGEST_METHODS)),
        registered_at=since,
    )


def contact_expires(request: Request, contact: NameAddr, limits: Limits) -> int:
    """Seconds granted to a contact (s10.3 step 7); raises RegisterRefused 423 when too brief.

    A malformed value counts as 3600 (s10.2.1.1).
    """
    value = contact.param(b"expires")
    if value is None:
        value = request.headers.first(b"expires")
    if value is None:
        asked = limits.default_expires
    elif value.isdigit():
        asked = int(value[:12])
    else:
        asked = _MALFORMED_EXPIRES
    if asked == 0:
        return 0
    if asked < limits.min_expires:
        # s10.3: only what is shorter than an hour may be refused.
        if asked < _HOUR:
            raise RegisterRefused(423, None, ((b"min-expires", b"%d" % limits.min_expires),))
        return limits.min_expires
    return min(asked, limits.max_expires)


def contact_q(contact: NameAddr) -> int:
    """q in thousandths; 1000 where there is none. Raises ParseError."""
    value = contact.param(b"q")
    if value is None:
        return 1000
    whole, _, fraction = value.partition(b".")
    if whole not in (b"0", b"1") or len(fraction) > 3 or (fraction and not fraction.isdigit()):
        raise ParseError("q is not 0 to 1 with three digits")
    q = int(whole) * 1000 + int(fraction.ljust(3, b"0") or b"0")
    if q > 1000:
        raise ParseError("q is above 1")
    return q


def _outbound_of(contact: NameAddr) -> tuple[bytes | None, int | None]:
    """The instance, and the reg-id if there is an instance for it."""
    raw = contact.param(b"+sip.instance")
    if not raw:
        return None, None
    instance = unquote(raw).removeprefix(b"<").removesuffix(b">")
    if not instance or len(instance) > _LONGEST_INSTANCE or not is_text(instance):
        raise RegisterRefused(400, b"Instance is no text")
    reg_id = contact.param(b"reg-id")
    if reg_id is None or not reg_id.isdigit() or len(reg_id) > 10 or not 1 <= int(reg_id) < 2**31:
        return instance, None
    return instance, int(reg_id)


def binding_id(aor: Aor, key: bytes) -> str:
    """Identifier of a binding, the same on every node."""
    return blake2b(aor + b"\0" + key, digest_size=12).hexdigest()


def _find(
    bindings: Sequence[Binding], key: bytes, uri: SipUri, reg_id: int | None
) -> Binding | None:
    """The binding that a contact means: by instance and reg-id, else by s19.1.4's comparison."""
    contact = uri.serialise()
    for binding in bindings:
        if reg_id is None and binding.reg_id is None and binding.contact == contact:
            return binding
    for binding in bindings:
        if binding.contact_key == key:
            return binding
    if reg_id is None:
        for binding in bindings:
            other = parse_uri(binding.contact)
            if binding.reg_id is None and isinstance(other, SipUri) and uri.matches(other):
                return binding
    return None
