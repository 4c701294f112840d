"""URIs: sip, sips, tel and any other (RFC 3261 s19.1, RFC 3966), and canonical addresses of record.

A URI keeps its text as it came, so that what was not changed goes out byte-identical. Parts are
bytes as on the wire (escaped); comparison and `aor()` unescape.
"""

from __future__ import annotations

from functools import lru_cache
from types import EllipsisType
from typing import Final, NewType, TypeAlias

from .errors import ParseError
from .lines import has
from .scan import Params, parse_number, parse_params, serialise_params

Aor = NewType("Aor", bytes)
"""Canonical address of record without scheme: b"alice@example.com"."""

DEFAULT_PORT: Final = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
"""Where a URI or a Via says none, by transport (RFC 3261 s18.1.1, s19.1.2, RFC 7118 s5.1)."""

_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_HOST: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
_HOST6: Final = b"0123456789abcdefABCDEF:."
_USER: Final = (
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/%"
    b"#[]"  # neither is allowed unescaped, but phones send '#' in feature codes
)
_SCHEME: Final = b"abcdefghijklmnopqrstuvwxyz0123456789+-."
_PARAM: Final = (
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()%[]/:&+$<>\""
    b"`@,;=^|{}\\"
)
# Parameters that must match when either URI has them (s19.1.4).
_MATCHED_PARAMS: Final = (b"user", b"ttl", b"method", b"maddr", b"transport")


class SipUri:
    """A sip or sips URI. Immutable: `with_` and its kin return new ones."""

    __slots__ = ("_raw", "headers", "host", "params", "password", "port", "scheme", "user")

    def __init__(
        self,
        scheme: bytes,
        user: bytes | None,
        host: bytes,
        port: int | None = None,
        params: Params = (),
        headers: bytes = b"",
        password: bytes | None = None,
        raw: bytes | None = None,
    ) -> None:
        self.scheme = scheme
        self.user = user
        self.password = password
        self.host = host
        self.port = port
        self.params = params
        self.headers = headers
        self._raw = raw

    @property
    def is_sips(self) -> bool:
        return self.scheme == b"sips"

    @property
    def transport(self) -> bytes | None:
        """Value of transport=, lower-cased."""
        value = self.param(b"transport")
        return None if value is None else value.lower()

    @property
    def host_text(self) -> str:
        """The host without the brackets of an IPv6 reference."""
        host = self.host
        if host[:1] == b"[":
            # RFC 5118 s4.10: the grammar of RFC 3261 lets three colons stand before an IPv4 part.
            host = host[1:-1].replace(b":::", b"::")
        return host.decode("ascii", "replace")

    def param(self, name: bytes) -> bytes | None:
        """Value of a parameter; b"" for a flag, None where it is absent."""
        for key, value in self.params:
            if key == name:
                return value
        return None

    def has_param(self, name: bytes) -> bool:
        return any(key == name for key, _ in self.params)

    def with_(
        self,
        *,
        scheme: bytes | None = None,
        user: bytes | EllipsisType | None = ...,
        host: bytes | None = None,
        port: int | EllipsisType | None = ...,
        params: Params | None = None,
        headers: bytes | None = None,
    ) -> SipUri:
        """A copy with these parts replaced; None removes user (with its password) or port."""
        return SipUri(
            self.scheme if scheme is None else scheme,
            self.user if user is ... else user,
            self.host if host is None else host,
            self.port if port is ... else port,
            self.params if params is None else params,
            self.headers if headers is None else headers,
            self.password if user is ... else None,
        )

    def with_param(self, name: bytes, value: bytes) -> SipUri:
        """A copy with the parameter set; b"" makes a flag."""
        kept = tuple(pair for pair in self.params if pair[0] != name)
        return self.with_(params=(*kept, (name, value)))

    def without_params(self, *names: bytes) -> SipUri:
        if not any(key in names for key, _ in self.params):
            return self
        return self.with_(params=tuple(pair for pair in self.params if pair[0] not in names))

    def aor(self) -> Aor:
        """Canonical user@host: unescaped and lower-cased, no port, no parameters."""
        return canonical_aor(self.user or b"", self.host)

    def matches(self, other: SipUri) -> bool:
        """Equivalence of s19.1.4."""
        if self.scheme != other.scheme or self.port != other.port:
            return False
        if self.host.lower() != other.host.lower():
            return False
        if _comparable(self.user) != _comparable(other.user):
            return False
        if _comparable(self.password) != _comparable(other.password):
            return False
        mine, theirs = _comparable_params(self.params), _comparable_params(other.params)
        if any(name in theirs and value != theirs[name] for name, value in mine.items()):
            return False
        if any((name in mine) != (name in theirs) for name in _MATCHED_PARAMS):
            return False
        return _header_set(self.headers) == _header_set(other.headers)

    def serialise(self) -> bytes:
        if self._raw is None:
            out = [self.scheme, b":"]
            if self.user is not None:
                out.append(self.user)
                if self.password is not None:
                    out += (b":", self.password)
                out.append(b"@")
            out.append(self.host)
            if self.port is not None:
                out.append(b":%d" % self.port)
            if self.params:
                out.append(serialise_params(self.params))
            if self.headers:
                out += (b"?", self.headers)
            self._raw = b"".join(out)
        return self._raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SipUri) and self.serialise() == other.serialise()

    def __hash__(self) -> int:
        return hash(self.serialise())

    def __repr__(self) -> str:
        return f"SipUri({self.serialise()!r})"


class TelUri:
    """A tel URI (RFC 3966)."""

    __slots__ = ("number", "params")

    scheme: Final = b"tel"

    def __init__(self, number: bytes, params: Params = ()) -> None:
        self.number = number
        self.params = params

    def serialise(self) -> bytes:
        return b"tel:" + self.number + serialise_params(self.params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TelUri) and self.serialise() == other.serialise()

    def __hash__(self) -> int:
        return hash(self.serialise())


class OtherUri:
    """A URI of a scheme that we carry and do not read."""

    __slots__ = ("raw", "scheme")

    def __init__(self, scheme: bytes, raw: bytes) -> None:
        self.scheme = scheme
        self.raw = raw

    def serialise(self) -> bytes:
        return self.raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OtherUri) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


Uri: TypeAlias = SipUri | TelUri | OtherUri


def parse_uri(data: bytes) -> Uri:
    """Parse an absolute URI without angle brackets."""
    return _remembered_uri(data) if len(data) <= _MOST_REMEMBERED else _parse_uri(data)


_MOST_REMEMBERED: Final = 128  # bytes of a URI: a stranger's long ones must not fill the memory


@lru_cache(maxsize=8192)
def _remembered_uri(data: bytes) -> Uri:
    """URIs are immutable, and the same ones come again and again."""
    return _parse_uri(data)


def _parse_uri(data: bytes) -> Uri:
    scheme, colon, rest = data.partition(b":")
    if scheme not in _SIP_SCHEMES:
        scheme = scheme.lower()
    if not colon or not rest:
        raise ParseError("URI without a scheme")
    if scheme in _SIP_SCHEMES:
        return _parse_sip(scheme, rest, data)
    if scheme.translate(None, _SCHEME) or not scheme[:1].isalpha():
        raise ParseError("URI scheme is not a name")
    if any(byte <= 0x20 or byte == 0x7F for byte in data):
        raise ParseError("white space or control character in a URI")
    if scheme == b"tel":
        number, _, params = rest.partition(b";")
        if not number or number.translate(None, b"0123456789+-.()*#abcdefABCDEF"):
            raise ParseError("tel URI without a number")
        return TelUri(number, parse_params(params))
    return OtherUri(scheme, data)


_SIP_SCHEMES: Final = frozenset((b"sip", b"sips"))


def _parse_sip(scheme: bytes, rest: bytes, raw: bytes) -> SipUri:
    user: bytes | None = None
    password: bytes | None = None
    # "?" and ";" may stand unescaped in the user part, so the "@" is looked for first.
    at = rest.rfind(b"@") if rest.count(b"@") < 2 else rest.find(b"@")
    if at >= 0:
        user, colon, after = rest[:at].partition(b":")
        if colon:
            password = after
            _check(password, _USER, "password")
        if not user:
            raise ParseError("empty user part")
        _check(user, _USER, "user part")
        rest = rest[at + 1 :]
    rest, mark, headers = rest.partition(b"?")
    if mark and (not headers or any(byte <= 0x20 or byte == 0x7F for byte in headers)):
        raise ParseError("URI headers are malformed")
    hostport, _, tail = rest.partition(b";")
    host, port = split_host_port(hostport)
    params: Params = ()
    if tail:
        _check(tail, _PARAM, "URI parameter")
        params = parse_params(tail)
    return SipUri(scheme, user, host, port, params, headers, password, raw)


def _check(data: bytes, allowed: bytes, what: str) -> None:
    if data.translate(None, allowed):
        raise ParseError(f"{what} has a character that it may not have")
    if has(data, b"%"):
        position = data.find(b"%")
        while position >= 0:
            pair = data[position + 1 : position + 3]
            if len(pair) < 2 or pair[0] not in _HEX or pair[1] not in _HEX:
                raise ParseError(f"bad escape in {what}")
            position = data.find(b"%", position + 1)


def split_host_port(data: bytes) -> tuple[bytes, int | None]:
    """`host`, `host:port`, `[v6]`, `[v6]:port`."""
    if data[:1] == b"[":
        end = data.find(b"]")
        if end < 3 or data[1:end].translate(None, _HOST6):
            raise ParseError("bad IPv6 reference")
        host, rest = data[: end + 1], data[end + 1 :]
        if not rest:
            return host, None
        if rest[:1] != b":":
            raise ParseError("bad port")
        return host, _port(rest[1:])
    host, colon, port = data.partition(b":")
    if not host or host.translate(None, _HOST):
        raise ParseError("bad host")
    return host, _port(port) if colon else None


def _port(data: bytes) -> int:
    return parse_number(data, most=65535, what="port")


def unescape(data: bytes) -> bytes:
    """Replace %HH; what is not a valid escape stays."""
    if not has(data, b"%"):
        return data
    parts = data.split(b"%")
    out = [parts[0]]
    for part in parts[1:]:
        if len(part) >= 2 and part[0] in _HEX and part[1] in _HEX:
            out.append(bytes((int(part[:2], 16),)) + part[2:])
        else:
            out.append(b"%" + part)
    return b"".join(out)


def _comparable(data: bytes | None) -> bytes | None:
    """Unescaped where an escape means the same as the character (s19.1.4: all but those of the
    reserved set); the percent sign itself stays escaped, or %2540 would equal %40."""
    if data is None or not has(data, b"%"):
        return data
    parts = data.split(b"%")
    out = [parts[0]]
    for part in parts[1:]:
        plain = unescape(b"%" + part[:2])
        kept = len(plain) != 1 or plain in b";/?:@&=+$,%"
        out += (b"%" + part[:2].upper() if kept else plain, part[2:])
    return b"".join(out)


def _comparable_params(params: Params) -> dict[bytes, bytes]:
    return {unescape(name).lower(): (_comparable(value) or b"").lower() for name, value in params}


def _header_set(data: bytes) -> frozenset[tuple[bytes, bytes]]:
    pairs = (part.partition(b"=") for part in data.split(b"&") if part)
    return frozenset((unescape(name).lower(), unescape(value)) for name, _, value in pairs)


def canonical_aor(user: bytes, host: bytes) -> Aor:
    """Canonical address of record of a user at a host."""
    return Aor(unescape(user).lower() + b"@" + host.lower().rstrip(b"."))
