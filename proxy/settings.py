# ruff: noqa: RUF009 -- _setting is dataclasses.field with our metadata
"""Settings of the proxy: one frozen value, read once from the environment.

`ProxySettings.from_env(os.environ)` in __main__ is the only reader. Names under FEDSIP_SIP_ that
are not here are an error, so that a typing mistake is told and not ignored.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_NODE_MARKS = str.maketrans("", "", "-_.")

Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """A setting is unknown, missing or malformed; the message is one sentence that names it."""


def _is_level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("it must be DEBUG, INFO, WARNING or ERROR")
    return text.upper()


def _is_port(port: int) -> int:
    if not 0 < port < 65536:
        raise ValueError("a port is a number from 1 to 65535")
    return port


def _is_node_id(text: str) -> str:
    if not text.isascii() or not text.translate(_NODE_MARKS).isalnum() or len(text) > 32:
        raise ValueError("it must be up to 32 letters, digits, '-', '_' and '.'")
    return text


def _is_database_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("it must begin with postgresql://")
    return text


def _are_addresses(parts: tuple[str, ...]) -> tuple[str, ...]:
    for part in parts:
        if part != "auto":
            ip_address(part.strip("[]"))
    return parts


def _is_host(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        ip_address(text.strip("[]"))
    return text


def _are_relays(parts: tuple[str, ...]) -> tuple[str, ...]:
    for part in parts:
        host, _, port = part.rpartition("=")[2].rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{part!r} is no host:port")
    return parts


def _is_policy(text: str) -> str:
    if text not in ("open", "verified_tls", "allow_list", "closed"):
        raise ValueError("it must be open, verified_tls, allow_list or closed")
    return text


def _are_domains(parts: tuple[str, ...]) -> tuple[str, ...]:
    for part in parts:
        if not part.isascii() or "*" in part.removeprefix("*"):
            raise ValueError(f"{part!r} is no domain, nor all below one (*.example.org)")
    return tuple(part.lower().rstrip(".") for part in parts)


def _is_collector(text: str) -> str:
    protocol, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    if protocol not in ("udp", "tcp") or not host or not port.isdigit():
        raise ValueError("it must be udp:host:port or tcp:host:port")
    return text


def _are_networks(parts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(part, strict=False) for part in parts)


def _are_interfaces(parts: tuple[str, ...]) -> tuple[tuple[Network, str], ...]:
    found = []
    for part in parts:
        network, equals, name = part.partition("=")
        if not equals or not name or not name.isascii() or " " in name:
            raise ValueError(f"{part!r} is no NETWORK=NAME")
        found.append((ip_network(network.strip(), strict=False), name))
    return tuple(found)


def _are_inner_networks(parts: tuple[str, ...]) -> tuple[str, ...]:
    if "none" in parts and len(parts) > 1:
        raise ValueError("none stands alone")
    found = tuple(part for part in parts if part != "none")
    _are_networks(tuple(part for part in found if part != "auto"))
    return found


def _are_algorithms(parts: tuple[str, ...]) -> tuple[str, ...]:
    if not {"MD5", "SHA-256"}.issuperset(parts):
        raise ValueError("only MD5 and SHA-256 are known")
    return parts


def _setting(
    name: str, default: Any, doc: str, unit: str = "", check: Callable[[Any], Any] | None = None
) -> Any:
    """`check` turns the parsed value into the one that is kept, or raises ValueError."""
    metadata = {"name": name, "doc": doc, "unit": unit, "check": check}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Every setting with its default; see each one's text in docs/settings.md."""

    database_url: str = _setting(
        "DATABASE_URL",
        "",
        "PostgreSQL to read from, as postgresql://user:password@host/name.",
        check=_is_database_url,
    )
    state_dir: Path = _setting("FEDSIP_STATE_DIR", Path("var"), "Folder of all state on disk.")
    node_id: str = _setting(
        "FEDSIP_NODE_ID", "a", "Name of this node, unique in the cluster.", check=_is_node_id
    )
    cluster_key: str = _setting(
        "FEDSIP_CLUSTER_KEY",
        "",
        "Key that all nodes share, 64 hexadecimal digits; default: secrets/cluster.key.",
    )
    tls_cert: str = _setting("FEDSIP_TLS_CERT", "", "PEM certificate chain; default: tls/cert.pem.")
    tls_key: str = _setting("FEDSIP_TLS_KEY", "", "PEM private key; default: tls/key.pem.")
    tls_ca: str = _setting(
        "FEDSIP_TLS_CA",
        "",
        "Certificates of the authorities that vouch for other domains: a PEM file, or a folder as "
        "`openssl rehash` makes it; default: the system's.",
    )
    log_level: str = _setting(
        "FEDSIP_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.", check=_is_level
    )
    inner_networks: tuple[str, ...] = _setting(
        "FEDSIP_INNER_NETWORKS",
        ("auto",),
        "Networks (CIDR) not of the internet to which calls and sound may go though a user, a "
        "tenant or a stranger named the address: 10.20.0.0/16 for a carrier in the LAN. auto: "
        "private ones where no address of this machine is public, loopback where it has nothing "
        "else; none: none. Phones inside are reached in any case where they register from.",
        check=_are_inner_networks,
    )
    pure: bool = _setting(
        "FEDSIP_PURE", False, "Run the proxy in plain Python even where it has been compiled."
    )

    udp: bool = _setting("FEDSIP_SIP_UDP", True, "Listen on UDP.")
    tcp: bool = _setting("FEDSIP_SIP_TCP", True, "Listen on TCP.")
    tls: bool = _setting("FEDSIP_SIP_TLS", True, "Listen on TLS.")
    tls_ask: bool = _setting(
        "FEDSIP_SIP_TLS_ASK",
        True,
        "Ask whoever connects over TLS for a certificate, by which other domains prove who they "
        "are. One that no authority vouches for is as good as none; off asks nobody.",
    )
    port: int = _setting("FEDSIP_SIP_PORT", 5060, "Port of UDP and TCP.", check=_is_port)
    tls_port: int = _setting("FEDSIP_SIP_TLS_PORT", 5061, "Port of TLS.", check=_is_port)
    ipv4: bool = _setting("FEDSIP_SIP_IPV4", True, "Speak IPv4.")
    ipv6: bool = _setting("FEDSIP_SIP_IPV6", True, "Speak IPv6.")
    addresses: tuple[str, ...] = _setting(
        "FEDSIP_SIP_ADDRESSES",
        ("auto",),
        "Addresses to listen on; auto: all of this machine.",
        check=_are_addresses,
    )
    advertised_ipv4: str = _setting(
        "FEDSIP_SIP_ADVERTISED_IPV4",
        "",
        "Public IPv4 address or name, behind a 1:1 NAT.",
        check=_is_host,
    )
    advertised_ipv6: str = _setting(
        "FEDSIP_SIP_ADVERTISED_IPV6",
        "",
        "Public IPv6 address or name, behind a 1:1 NAT.",
        check=_is_host,
    )
    gateway: str = _setting(
        "FEDSIP_SIP_GATEWAY", "", "Unix socket for the web process's WebSocket links; default: "
        "gateway.sock in the state folder.",
    )  # fmt: skip

    flood_requests: int = _setting(
        "FEDSIP_SIP_FLOOD_REQUESTS", 30, "More than these from one source in the window: banned."
    )
    flood_seconds: float = _setting("FEDSIP_SIP_FLOOD_SECONDS", 10.0, "The window.", "seconds")
    flood_ban_seconds: float = _setting(
        "FEDSIP_SIP_FLOOD_BAN_SECONDS", 3600.0, "How long a source stays banned.", "seconds"
    )
    trusted_sources: tuple[Network, ...] = _setting(
        "FEDSIP_SIP_TRUSTED_SOURCES",
        (),
        "Networks (CIDR) that no flood limit applies to.",
        check=_are_networks,
    )
    scanners: tuple[str, ...] = _setting(
        "FEDSIP_SIP_SCANNERS",
        ("sipvicious", "friendly-scanner", "freindly-scanner", "vaxsip", "sipcli"),
        "Beginnings of User-Agent that are ignored silently.",
    )

    digest: tuple[str, ...] = _setting(
        "FEDSIP_SIP_DIGEST",
        ("MD5",),
        "Digest algorithms in the order offered: MD5, SHA-256 or both. Many phones (baresip 1.0 "
        "for one) fail when SHA-256 is offered at all; where none does, SHA-256,MD5 is better "
        "(RFC 8760).",
        check=_are_algorithms,
    )

    federation: str = _setting(
        "FEDSIP_SIP_FEDERATION",
        "open",
        "Calls to other domains, where our domain says nothing itself: open, verified_tls, "
        "allow_list or closed.",
        check=_is_policy,
    )
    federation_in: str = _setting(
        "FEDSIP_SIP_FEDERATION_IN",
        "open",
        "The same for calls from other domains.",
        check=_is_policy,
    )
    federation_deny: tuple[str, ...] = _setting(
        "FEDSIP_SIP_FEDERATION_DENY",
        (),
        "Domains with which none of ours has calls; *.example.org for all below one.",
        check=_are_domains,
    )
    stranger_methods: tuple[str, ...] = _setting(
        "FEDSIP_SIP_STRANGER_METHODS",
        ("*",),
        "Methods that strangers may begin something with, where our domain says nothing; *: all "
        "but REFER, which has to be named: phones that follow one call whom a stranger says.",
    )
    calls_in_per_domain: int = _setting(
        "FEDSIP_SIP_CALLS_IN_PER_DOMAIN",
        1200,
        "Most calls and messages from one other domain to one of ours.",
        "a minute",
    )
    calls_in_per_stranger: int = _setting(
        "FEDSIP_SIP_CALLS_IN_PER_STRANGER",
        60,
        "Most calls and messages from one stranger to one of our domains: of one name, and from "
        "one address that has not proved to speak for the domain in From.",
        "a minute",
    )
    calls_out_per_domain: int = _setting(
        "FEDSIP_SIP_CALLS_OUT_PER_DOMAIN",
        6000,
        "Most calls and messages from one of our domains to another's.",
        "a minute",
    )
    calls_out_per_user: int = _setting(
        "FEDSIP_SIP_CALLS_OUT_PER_USER",
        600,
        "Most calls and messages of one user to other domains.",
        "a minute",
    )
    enum_roots: tuple[str, ...] = _setting(
        "FEDSIP_SIP_ENUM_ROOTS",
        ("e164.arpa",),
        "Where numbers are looked up for domains with enum=on, the first that knows one decides.",
    )

    max_message: int = _setting("FEDSIP_SIP_MAX_MESSAGE", 65535, "Largest message.", "bytes")
    max_headers: int = _setting("FEDSIP_SIP_MAX_HEADERS", 256, "Most header fields of a message.")
    max_connections: int = _setting(
        "FEDSIP_SIP_MAX_CONNECTIONS", 20000, "Most TCP and TLS connections at once."
    )
    max_connections_per_source: int = _setting(
        "FEDSIP_SIP_MAX_CONNECTIONS_PER_SOURCE",
        1000,
        "Most TCP and TLS connections from one address, trusted sources excepted.",
    )
    idle_seconds: float = _setting(
        "FEDSIP_SIP_IDLE_SECONDS", 3600.0, "A connection silent for so long is closed.", "seconds"
    )
    nat_ping_seconds: float = _setting(
        "FEDSIP_SIP_NAT_PING_SECONDS", 15.0, "Interval of keep-alives to phones behind NAT.",
        "seconds",
    )  # fmt: skip

    contact_check_seconds: float = _setting(
        "FEDSIP_SIP_CONTACT_CHECK_SECONDS", 120.0, "Interval at which UDP phones behind NAT are "
        "asked by OPTIONS whether they are there.", "seconds",
    )  # fmt: skip

    browser_away_seconds: float = _setting(
        "FEDSIP_SIP_BROWSER_AWAY_SECONDS", 20.0, "How long a browser whose connection is gone may "
        "stay away before its calls are ended.", "seconds",
    )  # fmt: skip

    t1: float = _setting("FEDSIP_SIP_T1", 0.5, "T1 of RFC 3261.", "seconds")
    t2: float = _setting("FEDSIP_SIP_T2", 4.0, "T2 of RFC 3261.", "seconds")
    t4: float = _setting("FEDSIP_SIP_T4", 5.0, "T4 of RFC 3261.", "seconds")
    timer_c_seconds: float = _setting(
        "FEDSIP_SIP_TIMER_C_SECONDS", 180.0, "Longest ringing (Timer C).", "seconds"
    )
    fork_seconds: float = _setting(
        "FEDSIP_SIP_FORK_SECONDS", 20.0, "Ringing of one q group before the next.", "seconds"
    )

    trace: bool = _setting(
        "FEDSIP_SIP_TRACE", True, "Keep the messages of calls, for domains that want it."
    )
    trace_per_second: int = _setting(
        "FEDSIP_SIP_TRACE_PER_SECOND", 500, "Messages kept in a second; above it new calls are not."
    )
    trace_bytes: int = _setting(
        "FEDSIP_SIP_TRACE_BYTES", 8192, "Longest message that is kept whole.", "bytes"
    )
    hep: str = _setting(
        "FEDSIP_SIP_HEP", "", "Homer to send all messages to (HEPv3), as udp:host:port or "
        "tcp:host:port.", check=_is_collector,
    )  # fmt: skip
    hep_key: str = _setting("FEDSIP_SIP_HEP_KEY", "", "What Homer knows us by.")
    live_calls: bool = _setting(
        "FEDSIP_SIP_LIVE_CALLS", True, "Show the calls that go on, and not only those that ended."
    )
    spool_megabytes: int = _setting(
        "FEDSIP_SIP_SPOOL_MEGABYTES", 256, "Call records kept on disk while PostgreSQL is away; as "
        "much again for the journal of calls.", "MB",
    )  # fmt: skip

    relays: tuple[str, ...] = _setting(
        "FEDSIP_SIP_RELAYS",
        ("127.0.0.1:22222",),
        "Media relays' NG addresses, host:port or name=host:port; a named one may move.",
        check=_are_relays,
    )
    relay_interfaces: tuple[tuple[Network, str], ...] = _setting(
        "FEDSIP_SIP_RELAY_INTERFACES",
        (),
        "Names of the relays' interfaces by network, such as 10.0.0.0/8=inside,0.0.0.0/0=outside: "
        "who is signalled with from there has its ports there. Else the relay's first one serves.",
        check=_are_interfaces,
    )
    ng_timeout_seconds: float = _setting(
        "FEDSIP_SIP_NG_TIMEOUT_SECONDS", 1.0, "Longest wait for a relay's answer.", "seconds"
    )
    dns_servers: tuple[str, ...] = _setting(
        "FEDSIP_SIP_DNS_SERVERS", (), "DNS servers, host or host:port; default: the system's."
    )
    dead_hop_seconds: float = _setting(
        "FEDSIP_SIP_DEAD_HOP_SECONDS", 30.0, "How long a hop that failed is tried last.", "seconds"
    )

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> ProxySettings:
        """Read all settings; raises SettingsError."""
        known = {one.metadata["name"]: one for one in fields(cls)}
        for name in environment:
            if name.startswith("FEDSIP_SIP_") and name not in known:
                raise SettingsError(f"{name} is not a setting of the proxy.")
        values: dict[str, Any] = {}
        for name, one in known.items():
            if text := environment.get(name, "").strip():
                values[one.name] = _parse(name, text, one.default, one.metadata["check"])
        settings = cls(**values)
        if not settings.database_url:
            raise SettingsError("DATABASE_URL is not set.")
        if not (settings.udp or settings.tcp or settings.tls):
            raise SettingsError("FEDSIP_SIP_UDP, _TCP and _TLS are all off; nothing would listen.")
        return settings

    @classmethod
    def describe(cls) -> list[tuple[str, str, str, str]]:
        """Rows of (name, default, unit, text) for the documentation."""
        return [
            (
                one.metadata["name"],
                _shown(one.default),
                one.metadata["unit"],
                one.metadata["doc"],
            )
            for one in fields(cls)
        ]

    @property
    def key(self) -> bytes:
        """The cluster's key; raises SettingsError when there is none or it is malformed."""
        text = self.cluster_key
        if not text:
            path = self.state_dir / "secrets" / "cluster.key"
            try:
                text = path.read_text().strip()
            except OSError as error:
                raise SettingsError(
                    f"FEDSIP_CLUSTER_KEY is not set and {path} cannot be read: {error.strerror}."
                ) from error
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise SettingsError("FEDSIP_CLUSTER_KEY must be 64 hexadecimal digits.")
        return key

    @property
    def certificate_paths(self) -> tuple[Path, Path]:
        """Certificate chain and private key."""
        folder = self.state_dir / "tls"
        return (
            Path(self.tls_cert) if self.tls_cert else folder / "cert.pem",
            Path(self.tls_key) if self.tls_key else folder / "key.pem",
        )

    @property
    def trust_path(self) -> Path | None:
        """Where the authorities are that we believe; None for the system's."""
        return Path(self.tls_ca) if self.tls_ca else None

    @property
    def service_ports(self) -> frozenset[int]:
        """Ports of what serves the platform itself: PostgreSQL's and the relays'."""
        servers = self.database_url.partition("://")[2].partition("/")[0].rpartition("@")[2]
        ports = [place.rpartition(":")[2] for place in (*servers.split(","), *self.relays)]
        return frozenset(int(port) for port in ports if port.isdecimal())

    @property
    def spool_path(self) -> Path:
        """Where call records wait for PostgreSQL."""
        return self.state_dir / "spool" / f"calls-{self.node_id}.jsonl"

    @property
    def journal_path(self) -> Path:
        """Where calls are that have just ended."""
        return self.state_dir / "spool" / f"ended-{self.node_id}.jsonl"

    @property
    def gateway_path(self) -> Path:
        return Path(self.gateway) if self.gateway else self.state_dir / "gateway.sock"


def _parse(name: str, text: str, default: object, check: Callable[[Any], Any] | None) -> object:
    if isinstance(default, bool) and text.lower() not in ("on", "off"):
        raise SettingsError(f"{name} must be on or off, not {text!r}.")
    try:
        value = _read(text, default)
        return value if check is None else check(value)
    except ValueError as error:
        raise SettingsError(f"{name} cannot be {text!r}: {error}.") from None


def _read(text: str, default: object) -> object:
    match default:
        case bool():
            return text.lower() == "on"
        case int():
            if not text.isdecimal():
                raise ValueError("it must be a whole number")
            return _positive(int(text))
        case float():
            return _positive(float(text))
        case Path():
            return Path(text)
        case tuple():
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case _:
            return text


def _positive(number: float) -> float:
    if not 0 < number < float("inf"):
        raise ValueError("it must be above 0")
    return number


def _shown(default: object) -> str:
    match default:
        case bool():
            return "on" if default else "off"
        case tuple():
            return ",".join(str(part) for part in default)
        case _:
            return str(default)
