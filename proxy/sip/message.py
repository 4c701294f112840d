"""Request and Response: a start line, headers with lazily parsed typed fields, a body.

A typed field (`via`, `to`, `cseq`...) is parsed when it is first asked for and kept until the
headers change. `copy()` shares the raw lines and what was parsed, and is therefore cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, TypeVar

from .errors import ParseError
from .fields import CSeq, NameAddr, Via, parse_address, parse_cseq, parse_name_addr, parse_via
from .headers import Headers, Line
from .lines import has, value_of
from .scan import LWS, parse_number
from .status import reason_of
from .uri import Uri, parse_uri

Field = TypeVar("Field")
HeaderPairs = Iterable[tuple[bytes, bytes]]

_ABSENT: Final = object()
_LONGEST_LINE: Final = 200  # bytes, of those that are remembered
_MAX_FORWARDS: Final = 255
_MAX_BREADTH: Final = 2**32 - 1
_MAX_SECONDS: Final = 2**32 - 1


class Message:
    """What requests and responses have in common."""

    __slots__ = ("_cache", "_fields", "_version", "body", "headers")

    def __init__(self, headers: Headers, body: bytes) -> None:
        self.headers = headers
        self._fields: dict[bytes, bytes] | None = None
        self.body = body
        self._cache: dict[bytes, object] = {}
        self._version = headers.version

    def fields(self) -> dict[bytes, bytes]:
        """The last line of each name; for a message that was parsed, as it came."""
        if self._fields is None:
            return dict(self.headers.lines)
        return self._fields

    def came_with(self, fields: dict[bytes, bytes]) -> None:
        """Keep what `fields` says, for a message that was parsed."""
        self._fields = fields

    def _cached(self, name: bytes, make: Callable[[Message], Field]) -> Field:
        cache = self._cache
        if self._version != self.headers.version:
            cache.clear()
            self._version = self.headers.version
        value = cache.get(name, _ABSENT)
        if value is _ABSENT:
            value = cache[name] = make(self)
        return value  # type: ignore[return-value]

    @property
    def via(self) -> Via:
        """The topmost Via."""
        return self._cached(b"via", _top_via)

    @property
    def vias(self) -> list[Via]:
        return [parse_via(value) for value in self.headers.values(b"via")]

    @property
    def from_(self) -> NameAddr:
        return self._cached(b"from", _from)

    @property
    def to(self) -> NameAddr:
        return self._cached(b"to", _to)

    @property
    def from_tag(self) -> bytes | None:
        return self.from_.tag

    @property
    def to_tag(self) -> bytes | None:
        return self.to.tag

    @property
    def call_id(self) -> bytes:
        return self._cached(b"call-id", _call_id)

    @property
    def cseq(self) -> CSeq:
        return self._cached(b"cseq", _cseq)

    @property
    def max_forwards(self) -> int | None:
        return self._cached(b"max-forwards", _max_forwards)

    @property
    def max_breadth(self) -> int | None:
        """Branches that it may have at a time (RFC 5393 s5.3.1)."""
        return self._cached(b"max-breadth", _max_breadth)

    @property
    def expires(self) -> int | None:
        """Seconds of the Expires field; None when absent or malformed (s20.19)."""
        value = self.headers.first(b"expires")
        if value is None or not value.isdigit():
            return None
        digits = value.lstrip(b"0")
        return int(digits or b"0") if len(digits) < 10 else min(int(digits[:11]), _MAX_SECONDS)

    @property
    def content_type(self) -> bytes | None:
        """type/subtype in lower case, without parameters."""
        value = self.headers.first(b"content-type")
        return None if value is None else value.partition(b";")[0].strip(LWS).lower()

    @property
    def contacts(self) -> list[NameAddr]:
        """All Contact values; empty for `*`, see is_star_contact."""
        return self._cached(b"contact", _contacts)

    @property
    def is_star_contact(self) -> bool:
        return self.headers.all(b"contact") == [b"*"]

    @property
    def routes(self) -> list[NameAddr]:
        return self._cached(b"route", _routes)

    @property
    def record_routes(self) -> list[NameAddr]:
        return _addresses(self, b"record-route")

    @property
    def paths(self) -> list[NameAddr]:
        return _addresses(self, b"path")

    def option_tags(self, name: bytes) -> frozenset[bytes]:
        """Lower-cased option tags of Supported, Require, Proxy-Require and their like."""
        return frozenset(value.lower() for value in self.headers.values(name))

    def prime(self) -> None:
        """Parse what everybody asks for, without a search for each. Raises ParseError, also for a
        required field that is not there."""
        cache, fields = self._cache, self.fields()
        if self._version != self.headers.version:  # stamp_source has changed the Via
            cache.clear()
            self._version = self.headers.version
        try:
            cache[b"from"] = _address_of_line(fields[b"from"])
            cache[b"to"] = _address_of_line(fields[b"to"])
            cache[b"call-id"] = value_of(fields[b"call-id"])
            cache[b"cseq"] = parse_cseq(value_of(fields[b"cseq"]))
        except KeyError as error:
            raise ParseError(f"no {error.args[0].decode()} field") from None

    def put_top_via(self, via: Via) -> None:
        """Another Via in the place of the topmost one; what was parsed of the rest stays."""
        is_fresh = self._version == self.headers.version
        self.headers.replace_first_value(b"via", via.serialise())
        if is_fresh:
            self._version = self.headers.version
            self._cache[b"via"] = via

    def _share(self, copy: Message) -> None:
        if self._version == self.headers.version:
            copy._cache = self._cache.copy()


class Request(Message):
    """A request. Setting `uri` rewrites the start line."""

    __slots__ = ("_uri", "_uri_raw", "method")

    def __init__(
        self,
        method: bytes,
        uri: Uri | bytes,
        headers: Headers | HeaderPairs = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(_as_headers(headers), body)
        self.method = method
        self._uri: Uri | None
        if isinstance(uri, bytes):
            self._uri, self._uri_raw = None, uri
        else:
            self._uri, self._uri_raw = uri, uri.serialise()

    @property
    def uri_raw(self) -> bytes:
        return self._uri_raw

    @property
    def uri(self) -> Uri:
        if self._uri is None:
            self._uri = parse_uri(self._uri_raw)
        return self._uri

    @uri.setter
    def uri(self, uri: Uri) -> None:
        self._uri = uri
        self._uri_raw = uri.serialise()

    def copy(self) -> Request:
        copy = Request(self.method, self._uri_raw, Headers(self.headers.lines.copy()), self.body)
        copy._uri = self._uri
        self._share(copy)
        return copy

    def response(
        self,
        status: int,
        reason: bytes | None = None,
        *,
        to_tag: bytes | None = None,
        headers: HeaderPairs = (),
    ) -> Response:
        """A response with what s8.2.6 copies. `to_tag` is added unless the To has a tag."""
        lines: list[Line] = []
        for line in self.headers.lines:
            name = line[0]
            if name in _COPIED or (name == b"timestamp" and status == 100):
                if name == b"to" and to_tag is not None and self.to_tag is None:
                    line = (name, line[1] + b";tag=" + to_tag)
                lines.append(line)
        response = Response(status, reason, Headers(lines))
        for name, value in headers:
            response.headers.append(name, value)
        return response


_COPIED: Final = frozenset((b"via", b"from", b"to", b"call-id", b"cseq"))


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: bytes | None = None,
        headers: Headers | HeaderPairs = (),
        body: bytes = b"",
    ) -> None:
        super().__init__(_as_headers(headers), body)
        self.status = status
        self.reason = reason_of(status) if reason is None else reason

    def copy(self) -> Response:
        copy = Response(self.status, self.reason, Headers(self.headers.lines.copy()), self.body)
        self._share(copy)
        return copy


def ack_for(request: Request, response: Response) -> Request:
    """The ACK of a client transaction for a non-2xx final response (s17.1.1.3)."""
    return _same_hop(request, b"ACK", response.headers.first(b"to"))


def cancel_for(request: Request) -> Request:
    """The CANCEL for a request that was sent (s9.1)."""
    return _same_hop(request, b"CANCEL", None)


def _same_hop(request: Request, method: bytes, to: bytes | None) -> Request:
    headers = Headers()
    own = request.headers
    via = own.values(b"via")
    headers.append(b"via", via[0])
    for value in own.all(b"route"):
        headers.append(b"route", value)
    headers.append(b"max-forwards", b"70")
    headers.append(b"from", own.first(b"from") or b"")
    headers.append(b"to", to or own.first(b"to") or b"")
    headers.append(b"call-id", request.call_id)
    headers.append(b"cseq", b"%d %b" % (request.cseq.number, method))
    copy = Request(method, request.uri_raw, headers)
    return copy


def _address_of_line(line: bytes) -> NameAddr:
    """From or To: the same line stands in all messages of a call."""
    if len(line) > _LONGEST_LINE:
        return parse_address(value_of(line))
    return _remembered_line(line)


@lru_cache(maxsize=1024)  # it is for the few messages that set a call up, close to each other
def _remembered_line(line: bytes) -> NameAddr:
    return parse_address(value_of(line))


def _as_headers(headers: Headers | HeaderPairs) -> Headers:
    if isinstance(headers, Headers):
        return headers
    made = Headers()
    for name, value in headers:
        made.append(name, value)
    return made


def _required(message: Message, name: bytes) -> bytes:
    value = message.headers.first(name)
    if value is None:
        raise ParseError(f"no {name.decode()} field")
    return value


def _top_via(message: Message) -> Via:
    value = _required(message, b"via")
    if has(value, b","):
        value = message.headers.values(b"via")[0]
    return parse_via(value)


def _from(message: Message) -> NameAddr:
    return parse_name_addr(_required(message, b"from"))


def _to(message: Message) -> NameAddr:
    return parse_name_addr(_required(message, b"to"))


def _call_id(message: Message) -> bytes:
    return _required(message, b"call-id")


def _cseq(message: Message) -> CSeq:
    return parse_cseq(_required(message, b"cseq"))


def _max_forwards(message: Message) -> int | None:
    return _number(message, b"max-forwards", most=_MAX_FORWARDS, what="Max-Forwards")


def _max_breadth(message: Message) -> int | None:
    return _number(message, b"max-breadth", most=_MAX_BREADTH, what="Max-Breadth")


def _number(message: Message, name: bytes, *, most: int, what: str) -> int | None:
    value = message.headers.first(name)
    return None if value is None else parse_number(value, most=most, what=what)


def _contacts(message: Message) -> list[NameAddr]:
    if message.is_star_contact:
        return []
    return _addresses(message, b"contact")


def _routes(message: Message) -> list[NameAddr]:
    return _addresses(message, b"route")


def _addresses(message: Message, name: bytes) -> list[NameAddr]:
    return [parse_name_addr(value) for value in message.headers.values(name)]
