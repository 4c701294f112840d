"""Header field values, one slotted class each (RFC 3261 s20).

`parse_x(value) -> X` and `X.serialise() -> bytes`; objects are immutable, `with_param` returns a
new one. What is often not asked for (the parameters of a Via or an address) is parsed on first
use, and its errors come then.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from .errors import DigestError, ParseError
from .lines import has
from .scan import (
    LWS,
    Params,
    find_outside_quotes,
    is_token,
    parse_number,
    parse_params,
    serialise_params,
    skip_quoted,
    split_values,
    unquote,
)
from .uri import Uri, parse_uri, split_host_port

__all__ = [
    "CSeq",
    "Credentials",
    "NameAddr",
    "Via",
    "parse_address",
    "parse_credentials",
    "parse_cseq",
    "parse_name_addr",
    "parse_params",
    "parse_via",
    "split_values",
]

MAX_CSEQ: Final = 2**32 - 1


class Via:
    """One Via value: protocol, transport, sent-by, parameters (s20.42)."""

    __slots__ = ("_params", "_tail", "host", "port", "protocol", "transport")

    def __init__(
        self,
        transport: bytes,
        host: bytes,
        port: int | None = None,
        params: Params = (),
        protocol: bytes = b"SIP/2.0",
    ) -> None:
        self.protocol = protocol
        self.transport = transport
        self.host = host
        self.port = port
        self._params: Params | None = params
        self._tail = b""

    @property
    def params(self) -> Params:
        if self._params is None:
            if has(self._tail, b";;") or self._tail[:1] == b";":
                raise ParseError("empty parameter in a Via")
            self._params = parse_params(self._tail)
        return self._params

    @property
    def branch(self) -> bytes | None:
        return self.param(b"branch")

    def param(self, name: bytes) -> bytes | None:
        """Value of a parameter; b"" for a flag, None where it is absent."""
        for key, value in self.params:
            if key == name:
                return value
        return None

    def with_param(self, name: bytes, value: bytes) -> Via:
        """A copy with the parameter set, in its place or at the end."""
        params = self.params
        if any(key == name for key, _ in params):
            params = tuple((key, value if key == name else old) for key, old in params)
        else:
            params = (*params, (name, value))
        return Via(self.transport, self.host, self.port, params, self.protocol)

    def serialise(self) -> bytes:
        port = b"" if self.port is None else b":%d" % self.port
        return b"%b/%b %b%b%b" % (
            self.protocol,
            self.transport,
            self.host,
            port,
            serialise_params(self.params),
        )


def parse_via(data: bytes) -> Via:
    """Parse one Via value, with white space wherever the grammar lets it stand."""
    head, _, tail = data.partition(b";")
    if len(head) <= _MOST_REMEMBERED:
        protocol, transport, host, port = _remembered_via_head(head)
    else:
        protocol, transport, host, port = _parse_via_head(head)
    via = Via(transport, host, port, (), protocol)
    via._params = None
    via._tail = tail
    return via


_MOST_REMEMBERED: Final = 64  # bytes: a stranger's long values must not fill the memory


@lru_cache(maxsize=4096)
def _remembered_via_head(head: bytes) -> tuple[bytes, bytes, bytes, int | None]:
    """The same neighbours send again and again."""
    return _parse_via_head(head)


def _parse_via_head(head: bytes) -> tuple[bytes, bytes, bytes, int | None]:
    protocol, slash, rest = head.rpartition(b"/")
    parts = rest.split(None, 1)
    if not slash or len(parts) != 2:
        raise ParseError("Via without protocol and sent-by")
    transport, sent_by = parts
    if protocol != b"SIP/2.0":
        name, _, version = protocol.partition(b"/")
        protocol = name.strip(LWS) + b"/" + version.strip(LWS)
        if not is_token(name.strip(LWS)) or not is_token(version.strip(LWS)):
            raise ParseError("Via protocol is no token")
    if not transport.isupper():
        transport = transport.upper()
    if not is_token(transport):
        raise ParseError("Via transport is no token")
    host, port = _sent_by(sent_by.strip(LWS))
    return protocol, transport, host, port


def _sent_by(data: bytes) -> tuple[bytes, int | None]:
    if has(data, b" ") or has(data, b"\t"):
        data = b":".join(part.strip(LWS) for part in data.rsplit(b":", 1))
    return split_host_port(data)


class NameAddr:
    """A display name, a URI and parameters: From, To, Contact, Route, Path and their like."""

    __slots__ = ("_params", "_tail", "display", "uri")

    def __init__(self, uri: Uri, params: Params = (), display: bytes = b"") -> None:
        self.display = display
        self.uri = uri
        self._params: Params | None = params
        self._tail = b""

    @property
    def params(self) -> Params:
        if self._params is None:
            self._params = parse_params(self._tail)
        return self._params

    @property
    def tag(self) -> bytes | None:
        return self.param(b"tag")

    @property
    def display_text(self) -> bytes:
        """The display name without its quotes."""
        return unquote(self.display)

    def param(self, name: bytes) -> bytes | None:
        """Value of a parameter; b"" for a flag, None where it is absent."""
        for key, value in self.params:
            if key == name:
                return value
        return None

    def has_param(self, name: bytes) -> bool:
        return self.param(name) is not None

    def with_param(self, name: bytes, value: bytes) -> NameAddr:
        """A copy with the parameter set, in its place or at the end."""
        params = self.params
        if any(key == name for key, _ in params):
            params = tuple((key, value if key == name else old) for key, old in params)
        else:
            params = (*params, (name, value))
        return NameAddr(self.uri, params, self.display)

    def serialise(self) -> bytes:
        display = self.display + b" " if self.display else b""
        return b"%b<%b>%b" % (display, self.uri.serialise(), serialise_params(self.params))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameAddr) and self.serialise() == other.serialise()

    def __hash__(self) -> int:
        return hash(self.serialise())


def parse_name_addr(data: bytes) -> NameAddr:
    """Parse name-addr or addr-spec with parameters. Without <>, parameters are the field's, not
    the URI's (s20: "any URI parameters are considered header-parameters")."""
    return _remembered_address(data) if len(data) <= _LONGEST_ADDRESS else parse_address(data)


_LONGEST_ADDRESS: Final = 192  # bytes, of those that are remembered


@lru_cache(maxsize=2048)
def _remembered_address(data: bytes) -> NameAddr:
    """Contacts and Routes come again and again."""
    return parse_address(data)


def parse_address(data: bytes) -> NameAddr:
    """parse_name_addr without its memory, for who has one of his own."""
    display = b""
    if data[:1] == b"<":
        opened = 0
    elif data[:1] == b'"':
        opened = skip_quoted(data, 0)
        display = data[:opened]
        rest = data[opened:].lstrip(LWS)
        if rest[:1] != b"<":
            raise ParseError("display name without <URI>")
        opened = len(data) - len(rest)
    else:
        opened = data.find(b"<")
        if opened < 0:
            return _addr_spec(data)
        display = data[:opened].strip(LWS)
        if not all(is_token(word) for word in display.split()):
            raise ParseError("display name needs quotes")
    closed = data.find(b">", opened)
    if closed < 0:
        raise ParseError("< without >")
    tail = data[closed + 1 :].strip(LWS)
    if tail and tail[:1] != b";":
        raise ParseError("rubbish behind >")
    address = NameAddr(parse_uri(data[opened + 1 : closed]), (), display)
    if tail:
        address._params = None
        address._tail = tail
    return address


def _addr_spec(data: bytes) -> NameAddr:
    text, semicolon, tail = data.partition(b";")
    text = text.strip(LWS)
    if b"?" in text or b"," in text:
        raise ParseError("a URI with ? or , needs <>")
    return NameAddr(parse_uri(text), parse_params(tail) if semicolon else ())


class CSeq:
    """Sequence number and method (s20.16)."""

    __slots__ = ("method", "number")

    def __init__(self, number: int, method: bytes) -> None:
        self.number = number
        self.method = method

    def serialise(self) -> bytes:
        return b"%d %b" % (self.number, self.method)


def parse_cseq(data: bytes) -> CSeq:
    return _remembered_cseq(data) if len(data) <= _MOST_REMEMBERED else _parse_cseq(data)


@lru_cache(maxsize=1024)
def _remembered_cseq(data: bytes) -> CSeq:
    return _parse_cseq(data)


def _parse_cseq(data: bytes) -> CSeq:
    parts = data.split()
    if len(parts) != 2 or not is_token(parts[1]):
        raise ParseError("CSeq is not a number and a method")
    return CSeq(parse_number(parts[0], most=MAX_CSEQ, what="CSeq"), parts[1])


class Credentials:
    """Authorization, or a challenge: scheme and parameters, values unquoted (s20.7, s20.44)."""

    __slots__ = ("params", "scheme")

    def __init__(self, scheme: bytes, params: dict[bytes, bytes]) -> None:
        self.scheme = scheme
        self.params = params

    def param(self, name: bytes) -> bytes | None:
        return self.params.get(name)


Challenge = Credentials


# What nearly all phones send: names of letters, values without escapes.
_PLAIN_PARAMETER: Final = re.compile(
    rb"""[ \t]*([A-Za-z][A-Za-z0-9-]*)=(?:"([^"\\\r\n]*)"|([A-Za-z0-9./+:_-]+))[ \t]*(?:,|$)"""
)


def parse_credentials(data: bytes) -> Credentials:
    """Parse `Digest username="alice", realm=...`; raises DigestError."""
    scheme, space, rest = data.strip(LWS).partition(b" ")
    if not space or not is_token(scheme):
        raise DigestError("credentials without a scheme")
    return Credentials(scheme, _parse_plain_credentials(rest) or _parse_any_credentials(rest))


def _parse_plain_credentials(rest: bytes) -> dict[bytes, bytes] | None:
    """Each match begins where the last one ended: a search would make long rubbish dear."""
    found: dict[bytes, bytes] = {}
    match_at = _PLAIN_PARAMETER.match
    position, end, count = 0, len(rest), 0
    while position < end:
        match = match_at(rest, position)
        if match is None:
            return None
        name, quoted, bare = match.groups()
        found[name.lower()] = quoted or bare or b""
        position = match.end()
        count += 1
    return found if len(found) == count and rest[-1:] != b"," else None


def _parse_any_credentials(rest: bytes) -> dict[bytes, bytes]:
    """Parameters that are spelled in unusual ways, and the words for those that are wrong."""
    found: dict[bytes, bytes] = {}
    try:
        for part in split_values(rest):
            name, equals, value = part.partition(b"=")
            key = name.strip(LWS).lower()
            if not equals or not is_token(key):
                raise DigestError("credentials have a malformed parameter")
            if key in found:
                raise DigestError("credentials have a parameter twice")
            value = value.strip(LWS)
            if value[:1] == b'"' and skip_quoted(value, 0) != len(value):
                raise DigestError("credentials have rubbish behind a quoted string")
            found[key] = unquote(value)
    except ParseError as error:
        raise DigestError(error.message) from error
    return found


def find_comma(data: bytes) -> int:
    """Index of the comma that ends the first value of a list, -1 for the last value."""
    if not has(data, b","):
        return -1
    return find_outside_quotes(data, b",")
