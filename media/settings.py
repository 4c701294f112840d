# ruff: noqa: RUF009 -- _setting is dataclasses.field with our metadata
"""Settings of the relay: one frozen value, read once from the environment.

`MediaSettings.from_env(os.environ)` in __main__ is the only reader. Names under FEDSIP_MEDIA_ that
are not here are an error, so that a typing mistake is told and not ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address, ip_network
from typing import Any

from media.forward.rule import Address

AUTO = "auto"
OFF = "off"
PYTHON, NATIVE = "python", "native"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_FIRST_PORT, _LAST_PORT = 1024, 65_535
_MOST_THREADS = 64


class SettingsError(Exception):
    """A setting is unknown or malformed; the message is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Interface:
    """An address to take ports at, and what SDP says instead behind a 1:1 NAT."""

    host: str
    advertised: str

    def __str__(self) -> str:
        if self.host == self.advertised:
            return self.host
        return f"{self.host}!{self.advertised}"


@dataclass(frozen=True, slots=True)
class PortRange:
    """UDP ports from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) <= _LAST_PORT:
        raise ValueError("it must be ADDRESS:PORT")
    return str(ip_address(host.strip("[]"))), int(port)


def _ports(text: str) -> PortRange:
    first, dash, last = text.partition("-")
    if not dash or not first.strip().isdigit() or not last.strip().isdigit():
        raise ValueError("it must be FIRST-LAST")
    found = PortRange(int(first), int(last))
    if not _FIRST_PORT <= found.first < found.last <= _LAST_PORT:
        raise ValueError(f"it must lie within {_FIRST_PORT}-{_LAST_PORT}, the first below the last")
    if found.last - found.first - found.first % 2 < 1:
        raise ValueError("it must hold an even port and the one behind it")
    return found


def _interface(version: int) -> Callable[[str], Interface | str]:
    def read(text: str) -> Interface | str:
        if text in (AUTO, OFF):
            return text
        host, _, advertised = text.partition("!")
        pair = [ip_address(part.strip("[]")) for part in (host, advertised or host)]
        if any(one.version != version for one in pair):
            raise ValueError(f"it must be an IPv{version} address")
        if pair[0].is_unspecified:
            raise ValueError("it must be one address of this machine, which phones can reach")
        return Interface(str(pair[0]), str(pair[1]))

    return read


def _interfaces(text: str) -> tuple[tuple[str, Interface], ...]:
    found: list[tuple[str, Interface]] = []
    for word in text.split():
        name, equals, rest = word.partition("=")
        if not equals or not name:
            raise ValueError("each must be NAME=ADDRESS or NAME=ADDRESS!PUBLIC")
        version = 6 if ":" in rest else 4
        interface = _interface(version)(rest)
        if not isinstance(interface, Interface):
            raise ValueError("each needs an address")
        if any(name == one and version == _version(known) for one, known in found):
            raise ValueError(f"{name} has two addresses of one family")
        found.append((name, interface))
    return tuple(found)


def _version(interface: Interface) -> int:
    return 6 if ":" in interface.host else 4


def _inner_networks(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if "none" in parts and len(parts) > 1:
        raise ValueError("none stands alone")
    found = tuple(part for part in parts if part != "none")
    for part in found:
        if part != AUTO:
            ip_network(part, strict=False)
    return found


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e9:
        raise ValueError("it must be above 0")
    return seconds


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("it must be at least 1")
    return number


def _shared_port(text: str) -> int:
    number = int(text)
    if number and not _FIRST_PORT <= number <= _LAST_PORT:
        raise ValueError(f"it must be 0 or within {_FIRST_PORT}-{_LAST_PORT}")
    return number


def _engine(text: str) -> str:
    if text not in (AUTO, PYTHON, NATIVE):
        raise ValueError(f"it must be one of {AUTO}, {PYTHON}, {NATIVE}")
    return text


def _threads(text: str) -> int:
    if text == AUTO:
        return 0
    number = int(text)
    if not 1 <= number <= _MOST_THREADS:
        raise ValueError(f"it must be {AUTO} or within 1-{_MOST_THREADS}")
    return number


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError("it must be one of " + ", ".join(_LEVELS))
    return text.upper()


def _setting(name: str, default: str, read: Callable[[str], Any], doc: str, unit: str = "") -> Any:
    metadata = {"name": name, "default": default, "read": read, "doc": doc, "unit": unit}
    return field(default_factory=lambda: read(default), metadata=metadata)


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Every setting with its default; see each one's text in docs/settings.md."""

    log_level: str = _setting("FEDSIP_LOG_LEVEL", "INFO", _level, "DEBUG, INFO, WARNING or ERROR.")
    inner_networks: tuple[str, ...] = _setting(
        "FEDSIP_INNER_NETWORKS",
        AUTO,
        _inner_networks,
        "Networks (CIDR) not of the internet to which calls and sound may go though a user, a "
        "tenant or a stranger named the address: 10.20.0.0/16 for a carrier in the LAN. auto: "
        "private ones where no address of this machine is public, loopback where it has nothing "
        "else; none: none. Phones inside are reached in any case where they register from.",
    )
    ng: Address = _setting(
        "FEDSIP_MEDIA_NG",
        "127.0.0.1:22222",
        _address,
        "Where proxies ask the relay for ports (UDP). It trusts whoever can send there.",
    )
    ports: PortRange = _setting(
        "FEDSIP_MEDIA_PORTS",
        "30000-39999",
        _ports,
        "UDP ports for RTP and RTCP, four for each audio call; open them in the firewall.",
    )
    browser_port: int = _setting(
        "FEDSIP_MEDIA_BROWSER_PORT",
        "0",
        _shared_port,
        "One UDP port for all browsers, outside of FEDSIP_MEDIA_PORTS; 0: ports of that range.",
    )
    ipv4: Interface | str = _setting(
        "FEDSIP_MEDIA_IPV4",
        AUTO,
        _interface(4),
        "IPv4 address for media; behind a 1:1 NAT address!public; auto: that of the default route; "
        "off: none.",
    )
    ipv6: Interface | str = _setting(
        "FEDSIP_MEDIA_IPV6", AUTO, _interface(6), "IPv6 address for media, in the same way."
    )
    interfaces: tuple[tuple[str, Interface], ...] = _setting(
        "FEDSIP_MEDIA_INTERFACES",
        "",
        _interfaces,
        "Further addresses by name, such as inside=10.0.0.1 outside=192.0.2.7!203.0.113.7, for "
        "proxies that name them (NG `direction`). IPv4 and IPv6 may share a name.",
    )
    engine: str = _setting(
        "FEDSIP_MEDIA_ENGINE",
        AUTO,
        _engine,
        "What carries packets: native (threads in C, made by `./fedsip build`), python, or auto: "
        "native where it has been built.",
    )
    threads: int = _setting(
        "FEDSIP_MEDIA_THREADS",
        AUTO,
        _threads,
        "Threads of the native engine, 1 to 64; auto: one for each processor that it may use.",
    )
    silence_seconds: float = _setting(
        "FEDSIP_MEDIA_SILENCE_SECONDS",
        "60",
        _seconds,
        "An answered call without a single packet for so long has ended.",
        "seconds",
    )
    held_seconds: float = _setting(
        "FEDSIP_MEDIA_HELD_SECONDS",
        "7200",
        _seconds,
        "The same for a call on hold, where silence is to be expected.",
        "seconds",
    )
    ringing_seconds: float = _setting(
        "FEDSIP_MEDIA_RINGING_SECONDS",
        "600",
        _seconds,
        "The same for an offer that nobody has answered.",
        "seconds",
    )
    max_calls: int = _setting(
        "FEDSIP_MEDIA_MAX_CALLS",
        "5000",
        _count,
        "More calls at once are refused, so that a proxy turns to another relay.",
    )

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> MediaSettings:
        """Read all settings; raises SettingsError."""
        known = {one.metadata["name"]: one for one in fields(cls)}
        for name in environment:
            if name.startswith("FEDSIP_MEDIA_") and name not in known:
                raise SettingsError(f"{name} is not a setting of the relay.")
        values: dict[str, Any] = {}
        for name, one in known.items():
            if text := environment.get(name, "").strip():
                try:
                    values[one.name] = one.metadata["read"](text)
                except ValueError as error:
                    raise SettingsError(f"{name} cannot be {text!r}: {error}.") from None
        settings = cls(**values)
        if settings.ports.first <= settings.browser_port <= settings.ports.last:
            raise SettingsError("FEDSIP_MEDIA_BROWSER_PORT lies within FEDSIP_MEDIA_PORTS.")
        if settings.ipv4 == settings.ipv6 == OFF:
            raise SettingsError("FEDSIP_MEDIA_IPV4 and FEDSIP_MEDIA_IPV6 are both off.")
        return settings

    @classmethod
    def describe(cls) -> list[tuple[str, str, str, str]]:
        """Rows of (name, default, unit, text) for the documentation."""
        return [
            (
                one.metadata["name"],
                one.metadata["default"],
                one.metadata["unit"],
                one.metadata["doc"],
            )
            for one in fields(cls)
        ]
