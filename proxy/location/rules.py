"""The registrar's rules as one pure function (RFC 3261 s10.3, RFC 5626 s6, RFC 5627).

Bindings and a REGISTER in; what changes, or the refusal, out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from proxy.sip.errors import ParseError
from proxy.sip.fields import NameAddr
from proxy.sip.message import Request
from proxy.sip.scan import unquote
from proxy.sip.uri import Aor, SipUri

from .model import Binding

MAX_EXPIRES_ON_WIRE: Final = 2**32 - 1
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


def apply_register(
    aor: Aor,
    request: Request,
    bindings: Sequence[Binding],
    source: Source,
    limits: Limits,
    *,
    wall: float,
) -> Outcome:
    """Apply a REGISTER to the live bindings of its AOR; raises RegisterRefused or ParseError."""
    outcome = Outcome(list(bindings))
    call_id, cseq = request.call_id, request.cseq.number
    if request.is_star_contact:
        _check_star(request)
        for binding in bindings:
            _check_order(binding, call_id, cseq)
        outcome.removed = list(bindings)
        outcome.after = []
        outcome.commit_needed = bool(bindings)
        return outcome
    contacts = request.contacts
    if any(value == b"*" for value in request.headers.values(b"contact")):
        raise RegisterRefused(400, b"* stands alone")
    path = tuple(request.headers.values(b"path"))
    if path and b"path" not in request.option_tags(b"supported"):
        raise RegisterRefused(421, None, ((b"require", b"path"),))
    for contact in contacts:
        _apply_contact(aor, request, contact, path, outcome, source, limits, wall)
    if len(outcome.after) > limits.max_contacts:
        raise RegisterRefused(403, b"Too many registered contacts")
    return outcome


def _check_star(request: Request) -> None:
    """s10.2.2: `*` only alone and only with an Expires of 0."""
    if request.expires != 0:
        raise RegisterRefused(400, b"* needs Expires: 0")


def _check_order(binding: Binding, call_id: bytes, cseq: int) -> None:
    """s10.3 step 7: an older CSeq of the same Call-ID must not undo a newer one."""
    if binding.call_id == call_id and cseq <= binding.cseq:
        raise RegisterRefused(500, b"Registration out of order")


def _apply_contact(
    aor: Aor,
    request: Request,
    contact: NameAddr,
    path: tuple[bytes, ...],
    outcome: Outcome,
    source: Source,
    limits: Limits,
    wall: float,
) -> None:
    uri = contact.uri
    if not isinstance(uri, SipUri):
        raise RegisterRefused(400, b"Contact is no SIP URI")
    expires = contact_expires(request, contact, limits)
    instance, reg_id = _outbound_of(contact)
    if reg_id is not None:
        if "outbound" not in {tag.decode() for tag in request.option_tags(b"supported")}:
            reg_id = None
        elif source.flow_token is None:
            raise RegisterRefused(439)
        else:
            outcome.uses_outbound = True
    key = contact_key(uri, instance, reg_id)
    held = _find(outcome.after, key, uri)
    call_id, cseq = request.call_id, request.cseq.number
    if held is not None:
        _check_order(held, call_id, cseq)
    if expires == 0:
        if held is not None:
            outcome.after.remove(held)
            outcome.removed.append(held)
            outcome.commit_needed = True
        return
    made = Binding(
        binding_id=binding_id(aor, key),
        aor=aor,
        domain_id=source.domain_id,
        subscriber_id=source.subscriber_id,
        contact=uri.serialise(),
        contact_key=key,
        instance=instance,
        reg_id=reg_id,
        q=contact_q(contact),
        expires_at=wall + expires,
        path=path,
        flow_token=source.flow_token,
        node_id=source.node_id,
        protocol=source.protocol,
        received=source.received,
        nat=source.nat,
        family=source.family,
        call_id=call_id,
        cseq=cseq,
        user_agent=(request.headers.first(b"user-agent") or b"")[:255],
        methods=unquote(contact.param(b"methods") or b""),
        gruu=_gruu(aor, instance),
        registered_at=wall if held is None else held.registered_at,
    )
    if held is None:
        outcome.after.append(made)
        outcome.commit_needed = True
    else:
        outcome.after[outcome.after.index(held)] = made
        if held.binding_id != made.binding_id:
            outcome.removed.append(held)
        outcome.commit_needed = outcome.commit_needed or made.leads_elsewhere(held)
    outcome.written.append(made)


def contact_expires(request: Request, contact: NameAddr, limits: Limits) -> int:
    """Seconds granted to a contact (s10.3 step 7); raises RegisterRefused 423 when too brief.

    A malformed expires parameter counts as 3600 (s10.2.1.1), a malformed header as absent.
    """
    value = contact.param(b"expires")
    if value is not None:
        asked = int(value) if value.isdigit() and len(value) <= 12 else 3600
    else:
        header = request.expires
        asked = limits.default_expires if header is None else header
    if asked == 0:
        return 0
    if asked < limits.min_expires:
        if asked < 3600:
            minimum = b"%d" % limits.min_expires
            raise RegisterRefused(423, None, ((b"min-expires", minimum),))
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
    raw = contact.param(b"+sip.instance")
    if not raw:
        return None, None
    instance = unquote(raw).strip(b"<>")
    reg_id = contact.param(b"reg-id")
    if reg_id is None or not reg_id.isdigit() or not 1 <= int(reg_id) < 2**31:
        return instance, None
    return instance, int(reg_id)


def contact_key(uri: SipUri, instance: bytes | None, reg_id: int | None) -> bytes:
    """What tells contacts apart: instance and reg-id with outbound (RFC 5626 s6), else the URI
    in its comparable form (s19.1.4), near enough for a key."""
    if instance is not None and reg_id is not None:
        return b"%b;%d" % (instance, reg_id)
    port = b"" if uri.port is None else b":%d" % uri.port
    transport = uri.transport or b""
    return b"%b:%b@%b%b;%b" % (uri.scheme, uri.user or b"", uri.host.lower(), port, transport)


def binding_id(aor: Aor, key: bytes) -> str:
    """Identifier of a binding, the same on every node."""
    return blake2b(aor + b"\0" + key, digest_size=16).hexdigest()


def _find(bindings: Sequence[Binding], key: bytes, uri: SipUri) -> Binding | None:
    for binding in bindings:
        if binding.contact_key == key:
            return binding
    return None


def _gruu(aor: Aor, instance: bytes | None) -> bytes | None:
    """The public GRUU (RFC 5627 s5.1): the AOR with gr=instance."""
    if instance is None:
        return None
    safe = b"".join(
        bytes((byte,)) if chr(byte).isalnum() or byte in b"-_.!~*'():" else b"%%%02x" % byte
        for byte in instance
    )
    return b"sip:" + aor + b";gr=" + safe
