"""The NG control protocol: bencode, messages, framing. Pure; shared with the proxy.

A request is a value (`Offer`, `Answer`, `Delete`, `Query`, `ListCalls`, `Ping`); its `document()`
goes through `serialise_frame(cookie, document)` into a datagram. An answer is the dictionary of
`parse_frame(datagram)`; `error_of(answer)` gives its reason when it is an error.
"""

from media.ng.bencode import Document, Value
from media.ng.codecs import CodecChoice
from media.ng.errors import NgError
from media.ng.framing import Frame, parse_cookie, parse_frame, serialise_frame
from media.ng.messages import (
    Answer,
    Command,
    Delete,
    ListCalls,
    Offer,
    Options,
    Ping,
    Query,
    error,
    error_of,
    ok,
    parse_command,
    pong,
)

__all__ = [
    "Answer",
    "CodecChoice",
    "Command",
    "Delete",
    "Document",
    "Frame",
    "ListCalls",
    "NgError",
    "Offer",
    "Options",
    "Ping",
    "Query",
    "Value",
    "error",
    "error_of",
    "ok",
    "parse_command",
    "parse_cookie",
    "parse_frame",
    "pong",
    "serialise_frame",
]
