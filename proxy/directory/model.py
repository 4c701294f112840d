"""What the proxy knows of tenants: the rows of the published views, frozen.

Fields are the views' columns; names and text of the protocol are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proxy.sip.uri import Aor

MediaPolicy = Literal["always", "auto", "never"]


@dataclass(frozen=True, slots=True)
class Domain:
    """A hosted domain with its policies."""

    domain_id: int
    tenant_id: int
    tenant: bytes
    name: bytes
    """Lower-case, punycode, without a final dot."""
    enabled: bool = True
    unauthenticated: bool = False
    """An open demo room: registrations and calls inside it are not challenged."""
    unauthenticated_calls_out: bool = False
    hide_users: bool = True
    """Strangers get 480 for unknown and unregistered users alike."""
    media_policy: str = "auto"
    nat_alias_contact: bool = False
    nat_keepalive: bool = True
    require_tls: bool = False
    srtp: str = "off"
    federation: str = "platform"
    """Calls that leave for other domains: open, verified_tls, allow_list or closed."""
    e164: bool = False
    e164_country: bytes = b""
    time_zone: str = "UTC"
    """Of the IANA: in which hours of rules are meant."""
    max_contacts: int = 10
    min_expires: int = 60
    max_expires: int = 86400
    default_expires: int = 3600
    trace: bool = True
    """The messages of its calls are kept."""
    federation_in: str = "platform"
    """The same for calls that come from other domains."""
    stranger_methods: bytes = b""
    """Methods that strangers may begin something with, between spaces; b"" as the platform says."""
    calls_in_per_domain: int | None = None
    """A minute, as the other three; None as the platform says."""
    calls_in_per_stranger: int | None = None
    calls_out_per_domain: int | None = None
    calls_out_per_user: int | None = None
    enum: bool = False
    codecs: bytes = b""
    """Names between spaces, in order of preference; b"": all."""
    tenant_max_calls: int | None = None
    """At the same time, in all domains of the tenant; None: no limit. The next one likewise."""
    tenant_max_calls_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A user of a domain. HA1 as hexadecimal text; there is no password."""

    subscriber_id: int
    domain_id: int
    aor: Aor
    username: bytes
    ha1_md5: bytes
    ha1_sha256: bytes
    enabled: bool = True
    display_name: str = ""
    max_contacts: int | None = None
    max_calls: int | None = None
    media_policy: str = ""
    """As the domain says where it is empty; the next two likewise."""
    srtp: str = ""
    codecs: bytes = b""


@dataclass(frozen=True, slots=True)
class FederationRule:
    """What one of our domains says of another, or of all below it (`*.example.org`)."""

    rule_id: int
    domain_id: int
    pattern: bytes
    direction: str = "both"
    """"in", "out" or "both"."""
    allow: bool = True
    verified: bool = True
    """The other domain proves itself by its certificate."""
    trusted: bool = False
    """Callers' identities are told to it and believed from it (RFC 3325)."""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Translation:
    """A rule that rewrites where a call goes (docs/behaviour.md s4). What is empty says nothing."""

    translation_id: int
    domain_id: int
    from_domain: bytes
    from_username: bytes = b""
    match_user_agent: bytes = b""
    match_regex: str = ""
    request_domain: bytes = b""
    valid_from: float | None = None
    """Seconds since the epoch, as valid_until."""
    valid_until: float | None = None
    hours: str = ""
    priority: int = 99
    weight: int = 1
    enabled: bool = True
    tran_user: bytes = b""
    tran_strip: int = 0
    tran_prefix: bytes = b""
    tran_domain: bytes = b""
    tran_port: int | None = None
    tran_strip_port: bool = False
    tran_add_header: bytes = b""
    """Header lines, each on a line of its own."""
    tran_remove_header: bytes = b""
    """Names of headers, separated by commas."""
    tran_from_user: bytes = b""
    tran_from_display: str = ""
    tran_trunk: bytes = b""


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name or number of a user or ring group."""

    alias_id: int
    aor: Aor
    target: Aor


@dataclass(frozen=True, slots=True)
class Forward:
    """Where calls to a user go instead, under one condition."""

    forward_id: int
    aor: Aor
    condition: str
    """always, busy, no_answer or not_registered."""
    target: bytes
    """user@host"""
    ring_seconds: int = 20


@dataclass(frozen=True, slots=True)
class RingGroup:
    """A name that rings several users."""

    ring_group_id: int
    aor: Aor
    strategy: str
    """parallel or in_order."""
    members: tuple[Aor, ...]
    ring_seconds: int = 20
    fallback: bytes = b""
    """user@host, or nothing."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier of a domain."""

    trunk_id: int
    domain_id: int
    name: bytes
    inbound_addresses: tuple[str, ...] = ()
    inbound_tls_name: bytes = b""
    options_seconds: int = 0
    account: bytes = b""
    """The user name that its gateways ask for by digest; empty: none."""
    sealed_password: str = ""
    """carrier_secret.py opens it."""
    registers: bool = False
    """Whether its gateways want us to register."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One host of a trunk."""

    gateway_id: int
    trunk_id: int
    host: bytes
    port: int | None = None
    transport: bytes = b""
    """udp, tcp, tls, or nothing: as DNS says."""
    priority: int = 10
    weight: int = 10


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """What a user may dial, and as whom."""

    policy_id: int
    domain_id: int
    aor: Aor
    """Empty: for all users of the domain without a policy of their own."""
    caller_id: bytes = b""
    caller_name: str = ""
    classes: tuple[str, ...] = ()
    allow_regex: str = ""
    deny_regex: str = ""
