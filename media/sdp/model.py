"""A session description as the relay sees it (RFC 8866): its lines, and a few of them understood.

Every line is kept as it came, with its own ending, so that what nobody touches goes out
byte-identical and in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

IP4 = b"IP4"
IP6 = b"IP6"
ZERO = {IP4: b"0.0.0.0", IP6: b"::"}  # RFC 3264 s8.4: hold
DIRECTIONS = (b"sendrecv", b"sendonly", b"recvonly", b"inactive")
_DISCARD = 9
_WANT_NOTHING = (b"sendonly", b"inactive")
ICE_ATTRIBUTES = frozenset(
    (
        b"candidate",
        b"remote-candidates",
        b"end-of-candidates",
        b"ice-ufrag",
        b"ice-pwd",
        b"ice-options",
        b"ice-lite",
        b"ice-pacing",
        b"ice-mismatch",
    )
)
_STATIC_CLOCK_RATES = dict.fromkeys(range(25, 35), 90_000) | {
    6: 16_000,
    10: 44_100,
    11: 44_100,
    14: 90_000,
    16: 11_025,
    17: 22_050,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `kind` "=" `value`, and how it ended."""

    kind: bytes
    value: bytes
    ending: bytes = b"\r\n"

    @property
    def attribute(self) -> bytes:
        """The attribute's name, empty when the line is none."""
        return self.value.partition(b":")[0] if self.kind == b"a" else b""


@dataclass(frozen=True, slots=True)
class Connection:
    """Network type IN, a family and an address: of c=, and the end of o= and a=rtcp."""

    family: bytes
    address: bytes

    @property
    def is_zero(self) -> bool:
        """The old way to say hold (RFC 3264 s8.4)."""
        return self.address in (b"0.0.0.0", b"::", b"0:0:0:0:0:0:0:0")

    @property
    def host(self) -> str | None:
        """The address in canonical text; None for a name, rubbish or the zero address."""
        return _host(self.family, self.address)


@lru_cache(maxsize=4096)
def _host(family: bytes, address: bytes) -> str | None:
    """Phones say the same few addresses again and again; reading one takes 3 µs."""
    text = address.partition(b"/")[0].decode("ascii", "replace")
    try:
        found = IPv6Address(text) if family == IP6 else IPv4Address(text)
    except ValueError:
        return None
    return None if found.is_unspecified or found.is_multicast else str(found)


@dataclass(frozen=True, slots=True)
class Origin:
    """o=, of which the relay knows the two last words."""

    before: bytes
    connection: Connection


@dataclass(frozen=True, slots=True)
class Media:
    """One media section; `lines` begins with its m= line."""

    lines: tuple[Line, ...]
    kind: bytes
    port: int
    protocol: bytes
    formats: tuple[bytes, ...]
    connection: Connection | None

    def attribute(self, name: bytes) -> bytes | None:
        return attribute(self.lines, name)

    @property
    def is_disabled(self) -> bool:
        """Port 0: refused, removed, or usable only inside a bundle (RFC 3264 s6, RFC 9143)."""
        return self.port == 0

    @property
    def is_relayed(self) -> bool:
        """Datagrams the relay can carry; MSRP and BFCP over TCP are left to the two sides."""
        words = self.protocol.upper().split(b"/")
        return words[0] in (b"RTP", b"UDP", b"UDPTL")

    @property
    def is_rtp(self) -> bool:
        return self.is_relayed and b"RTP" in self.protocol.upper().split(b"/")

    @property
    def is_secure(self) -> bool:
        return b"SAVP" in self.protocol.upper()

    @property
    def offers_mux(self) -> bool:
        return self.attribute(b"rtcp-mux") is not None

    def extension(self, uri: bytes) -> int:
        """The number of that RTP header extension; 0 where it is not offered."""
        return next((number for number, one in self.extensions().items() if one == uri), 0)

    def extensions(self) -> dict[int, bytes]:
        """The RTP header extensions that it offers, by number (RFC 8285 s5)."""
        words = (line.value[7:].split() for line in self.lines if line.attribute == b"extmap")
        found = ((one[0].partition(b"/")[0], one[1]) for one in words if len(one) > 1)
        return {int(number): uri for number, uri in found if number.isdigit() and len(number) < 5}

    @property
    def sources(self) -> tuple[int, ...]:
        """The SSRCs that its sender names (RFC 5576)."""
        words = (line.value[5:].split() for line in self.lines if line.attribute == b"ssrc")
        named = [one[0] for one in words if one and one[0].isdigit() and len(one[0]) < 11]
        return tuple(dict.fromkeys(int(one) & 0xFFFFFFFF for one in named))

    @property
    def rtcp(self) -> tuple[int, Connection | None] | None:
        """Port and address of a=rtcp (RFC 3605); None when there is none that can be read."""
        words = (self.attribute(b"rtcp") or b"").split()
        if not words or not words[0].isdigit() or len(words[0]) > 5 or int(words[0]) > 65_535:
            return None
        if len(words) == 4:
            return int(words[0]), Connection(words[2], words[3])
        return int(words[0]), None

    @property
    def payload_types(self) -> frozenset[int]:
        return frozenset(int(one) for one in self.formats if _is_payload_type(one))

    def clock_rates(self) -> dict[int, int]:
        """Hertz of the RTP timestamps of each payload type of the section."""
        rates = {number: _STATIC_CLOCK_RATES.get(number, 8_000) for number in self.payload_types}
        for line in self.lines:
            if line.attribute == b"rtpmap":
                number, _, encoding = line.value[7:].partition(b" ")
                rate = encoding.partition(b"/")[2].partition(b"/")[0].strip()
                if _is_payload_type(number) and rate.isdigit():
                    rates[int(number)] = int(rate[:9]) or 8_000
        return rates


@dataclass(frozen=True, slots=True)
class Session:
    """A whole description: `lines` are those before the first media section."""

    lines: tuple[Line, ...]
    origin: Origin
    connection: Connection | None
    media: tuple[Media, ...]

    @property
    def ending(self) -> bytes:
        """How lines end here, for lines that are added."""
        return self.lines[0].ending

    def attribute_of(self, media: Media, name: bytes) -> bytes | None:
        """The section's own attribute, else the session's."""
        found = media.attribute(name)
        return found if found is not None else attribute(self.lines, name)

    def connection_of(self, media: Media) -> Connection | None:
        """The section's own c=, else the session's (RFC 8866 s5.7)."""
        return media.connection or self.connection

    def direction_of(self, media: Media) -> bytes:
        """sendrecv, sendonly, recvonly or inactive as the sender of the description means it."""
        for lines in (media.lines, self.lines):
            for line in lines:
                if line.kind == b"a" and line.value in DIRECTIONS:
                    return line.value
        return b"sendrecv"

    def groups(self, semantics: bytes) -> list[list[bytes]]:
        """Names (a=mid) of the sections of each group of that kind (RFC 5888)."""
        words = (line.value[6:].split() for line in self.lines if line.attribute == b"group")
        return [names for first, *names in filter(None, words) if first == semantics]

    @property
    def bundled(self) -> frozenset[bytes]:
        """Names of the sections that its sender puts on one transport (RFC 9143)."""
        return frozenset(name for names in self.groups(b"BUNDLE") for name in names)

    def is_held(self, media: Media) -> bool:
        """True when the section's sender wants no media: zero address, sendonly or inactive."""
        return self.is_held_by_address(media) or self.direction_of(media) in _WANT_NOTHING

    def is_held_by_address(self, media: Media) -> bool:
        """As in RFC 2543: by the zero address, whatever the direction says. Beside ICE and port 9
        it only says that there are no candidates yet, or that another section has them
        (RFC 8829 s5.2.1)."""
        connection = self.connection_of(media)
        has_ice = self.attribute_of(media, b"ice-ufrag") is not None
        is_empty = has_ice and media.port in (0, _DISCARD)
        return connection is not None and connection.is_zero and not is_empty


def _is_payload_type(word: bytes) -> bool:
    """Whether it fits into the seven bits that an RTP packet has for it."""
    return word.isdigit() and len(word) < 4 and int(word) < 128


def attribute(lines: tuple[Line, ...], name: bytes) -> bytes | None:
    """Value of the first attribute of that name; b"" for a flag, None when absent."""
    for line in lines:
        if line.kind == b"a":
            found, _, value = line.value.partition(b":")
            if found == name:
                return value
    return None
