"""The commands of NG as values, and their dictionaries.

Names are those of rtpengine's documentation. Peers spell keys and flags with spaces or hyphens
("address family", "address-family"); inside they have hyphens. Flags may stand in their own key
("rtcp-mux": ["offer"]), in the `flags` list ("rtcp-mux-offer"), as "key=value" in that list, or in
one string ("rtpp-flags"): all come out the same. What is not known is kept in `others` and means
nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from media.ng.bencode import Document, Value
from media.ng.codecs import FLAGS, CodecChoice, parse_codecs
from media.ng.errors import NgError

_LISTS = (b"rtcp-mux", b"replace", b"SDES", b"OSRTP")
_TEXTS = (b"ICE", b"DTLS", b"transport-protocol", b"address-family", b"media-address", b"label")
_IDENTITY = (b"command", b"sdp", b"call-id", b"from-tag", b"to-tag", b"via-branch")
_OWN = frozenset(
    (
        *_IDENTITY,
        *_LISTS,
        *_TEXTS,
        b"flags",
        b"codec",
        b"direction",
        b"received-from",
        b"rtpp-flags",
    )
)
_ON_THE_WIRE = {b"address-family": b"address family"}  # as Kamailio and OpenSIPS spell it
_DEFAULT_LIST_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Options:
    """What may go with an offer or an answer; empty means not given."""

    ice: bytes = b""
    dtls: bytes = b""
    transport_protocol: bytes = b""
    address_family: bytes = b""
    media_address: bytes = b""
    label: bytes = b""
    received_from: bytes = b""
    direction: tuple[bytes, ...] = ()
    rtcp_mux: tuple[bytes, ...] = ()
    replace: tuple[bytes, ...] = ()
    sdes: tuple[bytes, ...] = ()
    osrtp: tuple[bytes, ...] = ()
    codec: CodecChoice = field(default_factory=CodecChoice)
    flags: tuple[bytes, ...] = ()
    others: tuple[tuple[bytes, Value], ...] = ()

    def has(self, flag: bytes) -> bool:
        return flag in self.flags

    def document(self) -> Document:
        """The keys of these options, without those that say nothing."""
        found: Document = dict(self.others)
        for key, text in zip(_TEXTS, self._texts(), strict=True):
            if text:
                found[_ON_THE_WIRE.get(key, key)] = text
        for key, words in (
            (b"direction", self.direction),
            (b"rtcp-mux", self.rtcp_mux),
            (b"replace", self.replace),
            (b"SDES", self.sdes),
            (b"OSRTP", self.osrtp),
            (b"flags", self.flags),
        ):
            if words:
                found[key] = list(words)
        if self.codec:
            found[b"codec"] = self.codec.document()
        if self.received_from:
            family = b"IP6" if b":" in self.received_from else b"IP4"
            found[b"received-from"] = [family, self.received_from]
        return found

    def _texts(self) -> tuple[bytes, ...]:
        return (
            self.ice,
            self.dtls,
            self.transport_protocol,
            self.address_family,
            self.media_address,
            self.label,
        )


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there."""

    def document(self) -> Document:
        return {b"command": b"ping"}


@dataclass(frozen=True, slots=True)
class Offer:
    """An SDP offer of the side with `from_tag`; in a dialog `to_tag` names the other side."""

    call_id: bytes
    from_tag: bytes
    sdp: bytes
    to_tag: bytes = b""
    via_branch: bytes = b""
    options: Options = field(default_factory=Options)

    def document(self) -> Document:
        return self.options.document() | _identity(b"offer", self) | {b"sdp": self.sdp}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the side with `to_tag` to the offer of the side with `from_tag`."""

    call_id: bytes
    from_tag: bytes
    to_tag: bytes
    sdp: bytes
    via_branch: bytes = b""
    options: Options = field(default_factory=Options)

    def document(self) -> Document:
        return self.options.document() | _identity(b"answer", self) | {b"sdp": self.sdp}


@dataclass(frozen=True, slots=True)
class Delete:
    """End a call, or of a forked one only the branch or the side that is named.

    `delay` in seconds; None leaves it to the relay. `fatal`: an unknown call is an error.
    """

    call_id: bytes
    from_tag: bytes = b""
    to_tag: bytes = b""
    via_branch: bytes = b""
    delay: int | None = None
    fatal: bool = False

    def document(self) -> Document:
        found = _identity(b"delete", self)
        if self.delay is not None:
            found[b"delete-delay"] = self.delay
        if self.fatal:
            found[b"flags"] = [b"fatal"]
        return found


@dataclass(frozen=True, slots=True)
class Query:
    """Statistics of a running call."""

    call_id: bytes
    from_tag: bytes = b""
    to_tag: bytes = b""
    via_branch: bytes = b""

    def document(self) -> Document:
        return _identity(b"query", self)


@dataclass(frozen=True, slots=True)
class ListCalls:
    """Call-IDs of at most `limit` calls."""

    limit: int = _DEFAULT_LIST_LIMIT

    def document(self) -> Document:
        return {b"command": b"list", b"limit": self.limit}


Command = Ping | Offer | Answer | Delete | Query | ListCalls


def parse_command(document: Document) -> Command:
    """The command in a dictionary; NgError with words that may be answered."""
    keys = {key.replace(b" ", b"-"): value for key, value in document.items()}
    match keys.get(b"command"):
        case b"ping":
            return Ping()
        case b"offer":
            return _parse_offer(keys)
        case b"answer":
            return _parse_answer(keys)
        case b"delete":
            return _parse_delete(keys)
        case b"query":
            return Query(
                _needed(keys, b"call-id", "call-id"),
                _text(keys, b"from-tag"),
                _text(keys, b"to-tag"),
                _text(keys, b"via-branch"),
            )
        case b"list":
            limit = _integer(keys, b"limit")
            return ListCalls(_DEFAULT_LIST_LIMIT if limit is None else limit)
        case None:
            raise NgError('Dictionary contains no key "command"')
        case _:
            raise NgError("Unrecognized command")


def ok(**fields: Value) -> Document:
    """A good answer; an underscore in a name stands for a hyphen."""
    return {b"result": b"ok"} | {
        name.replace("_", "-").encode(): value for name, value in fields.items()
    }


def pong() -> Document:
    return {b"result": b"pong"}


def error(reason: str) -> Document:
    return {b"result": b"error", b"error-reason": reason.encode()}


def error_of(answer: Document) -> str | None:
    """The reason when this answer is an error or no answer at all, else None."""
    match answer.get(b"result"):
        case b"ok" | b"pong":
            return None
        case b"error":
            reason = answer.get(b"error-reason", b"")
            return reason.decode(errors="replace") if isinstance(reason, bytes) else "no reason"
        case b"load limit":
            return "load limit"
        case _:
            return "not an answer"


def parse_options(keys: Document) -> Options:
    """All that is not identity; `keys` with hyphens."""
    keys = dict(keys)
    flags = _unfold_flags(keys)
    received = _words(keys.get(b"received-from"))
    return Options(
        ice=_text(keys, b"ICE"),
        dtls=_text(keys, b"DTLS"),
        transport_protocol=_text(keys, b"transport-protocol"),
        address_family=_text(keys, b"address-family"),
        media_address=_text(keys, b"media-address"),
        label=_text(keys, b"label"),
        received_from=received[-1] if received else b"",
        direction=_words(keys.get(b"direction")),
        rtcp_mux=_words(keys.get(b"rtcp-mux")),
        replace=_hyphened(_words(keys.get(b"replace"))),
        sdes=_words(keys.get(b"SDES")),
        osrtp=_words(keys.get(b"OSRTP")),
        codec=parse_codecs(keys.get(b"codec")),
        flags=flags,
        others=tuple((key, value) for key, value in keys.items() if key not in _OWN),
    )


def _unfold_flags(keys: Document) -> tuple[bytes, ...]:
    """Move what stands in the flag list but has a key of its own to that key."""
    flags = []
    spoken = _text(keys, b"rtpp-flags").split()
    for flag in (*_hyphened(_words(keys.get(b"flags"))), *spoken):
        name, equals, value = flag.partition(b"=")
        if equals:
            if name in (b"direction", b"rtcp-mux", b"replace", b"received-from", b"SDES", b"OSRTP"):
                keys[name] = [*_words(keys.get(name)), value]
            elif name not in _IDENTITY:
                keys.setdefault(name, value)
            continue
        for key in _LISTS:
            if flag.startswith(key + b"-"):
                keys[key] = [*_words(keys.get(key)), flag[len(key) + 1 :]]
                break
        else:
            if not _unfold_codec(keys, flag):
                flags.append(flag)
    return tuple(flags)


def _unfold_codec(keys: Document, flag: bytes) -> bool:
    """True for a flag such as codec-strip-PCMU, which is then in the dictionary `codec`."""
    for prefix, word in FLAGS:
        if flag.startswith(prefix):
            codec = keys.get(b"codec")
            known = codec if isinstance(codec, dict) else {}
            keys[b"codec"] = {**known, word: [*_words(known.get(word)), flag[len(prefix) :]]}
            return True
    return False


def _parse_offer(keys: Document) -> Offer:
    return Offer(
        call_id=_needed(keys, b"call-id", "call-id"),
        from_tag=_needed(keys, b"from-tag", "from-tag"),
        sdp=_needed(keys, b"sdp", "SDP body"),
        to_tag=_text(keys, b"to-tag"),
        via_branch=_text(keys, b"via-branch"),
        options=parse_options(keys),
    )


def _parse_answer(keys: Document) -> Answer:
    return Answer(
        call_id=_needed(keys, b"call-id", "call-id"),
        from_tag=_needed(keys, b"from-tag", "from-tag"),
        to_tag=_needed(keys, b"to-tag", "to-tag"),
        sdp=_needed(keys, b"sdp", "SDP body"),
        via_branch=_text(keys, b"via-branch"),
        options=parse_options(keys),
    )


def _parse_delete(keys: Document) -> Delete:
    return Delete(
        call_id=_needed(keys, b"call-id", "call-id"),
        from_tag=_text(keys, b"from-tag"),
        to_tag=_text(keys, b"to-tag"),
        via_branch=_text(keys, b"via-branch"),
        delay=_integer(keys, b"delete-delay"),
        fatal=b"fatal" in _words(keys.get(b"flags")),
    )


def _identity(command: bytes, message: Offer | Answer | Delete | Query) -> Document:
    found: Document = {b"command": command, b"call-id": message.call_id}
    for key, text in (
        (b"from-tag", message.from_tag),
        (b"to-tag", message.to_tag),
        (b"via-branch", message.via_branch),
    ):
        if text:
            found[key] = text
    return found


def _needed(keys: Document, key: bytes, name: str) -> bytes:
    text = _text(keys, key)
    if not text:
        raise NgError(f"No {name} in message")
    return text


def _text(keys: Document, key: bytes) -> bytes:
    value = keys.get(key, b"")
    return value if isinstance(value, bytes) else b""


def _integer(keys: Document, key: bytes) -> int | None:
    value = keys.get(key)
    if isinstance(value, bytes):
        return int(value) if value.isdigit() and len(value) < 10 else None
    return value if isinstance(value, int) and value >= 0 else None


def _words(value: Value | None) -> tuple[bytes, ...]:
    if isinstance(value, bytes):
        return (value,) if value else ()
    if isinstance(value, list):
        return tuple(one for one in value if isinstance(one, bytes))
    return ()


def _hyphened(words: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(word.replace(b" ", b"-") for word in words)
