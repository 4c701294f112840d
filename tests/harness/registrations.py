"""REGISTERs and bindings for tests, built from few words."""

from __future__ import annotations

from itertools import count
from typing import Any

from proxy.location.model import Binding, contact_key
from proxy.location.rules import Limits, Outcome, Source, apply_register, binding_id
from proxy.sip.message import Request
from proxy.sip.uri import Aor, SipUri, parse_uri

from .builders import request

ALICE = Aor(b"alice@example.com")
WALL = 1_800_000_000.0
SOURCE = Source(
    domain_id=1,
    subscriber_id=7,
    flow_token=None,
    node_id=b"a",
    protocol="udp",
    received=b"192.0.2.10:5060",
    nat=False,
    family=4,
)

_cseqs = count(1)


def register(
    *contacts: bytes,
    call_id: bytes = b"reg-1",
    cseq: int | None = None,
    expires: bytes | None = b"3600",
    vias: int = 1,
    **fields: bytes,
) -> Request:
    """A REGISTER of alice. A field's name is written with _ for -."""
    extra = [(b"contact", contact) for contact in contacts]
    if expires is not None:
        extra.append((b"expires", expires))
    extra += [(name.replace("_", "-").encode(), value) for name, value in fields.items()]
    made = request(
        b"REGISTER",
        b"sip:example.com",
        to_uri=b"sip:" + ALICE,
        call_id=call_id,
        cseq=next(_cseqs) if cseq is None else cseq,
        contact=None,
        extra=tuple(extra),
    )
    for number in range(1, vias):
        made.headers.prepend(b"via", b"SIP/2.0/UDP 192.0.2.5%d:5060;branch=z9hG4bKvia" % number)
    return made


def applied(
    to: list[Binding],
    made: Request,
    *,
    source: Source = SOURCE,
    limits: Limits | None = None,
    wall: float = WALL,
) -> Outcome:
    """What the rules make of a REGISTER of alice."""
    return apply_register(ALICE, made, to, source, limits or Limits(), wall=wall)


def binding(
    contact: bytes = b"sip:alice@192.0.2.10:5060", *, aor: Aor = ALICE, **fields: Any
) -> Binding:
    """A binding as if it had been registered at WALL for an hour."""
    uri = parse_uri(contact)
    assert isinstance(uri, SipUri)
    known: dict[str, Any] = {
        "domain_id": 1,
        "subscriber_id": 7,
        "instance": None,
        "reg_id": None,
        "q": 1000,
        "expires_at": WALL + 3600,
        "path": (),
        "flow_token": None,
        "node_id": b"a",
        "protocol": "udp",
        "received": b"192.0.2.10:5060",
        "nat": False,
        "family": 4,
        "call_id": b"reg-1",
        "cseq": 1,
        "user_agent": b"Snom",
        "methods": b"",
        "registered_at": WALL,
    }
    known |= fields
    key = contact_key(uri, known["instance"], known["reg_id"])
    return Binding(binding_id=binding_id(aor, key), aor=aor, contact=contact, **known)
