"""Session descriptions (RFC 8866): parse, rewrite, serialise. Pure."""

from media.sdp.codecs import Allowed, choose, first_codec
from media.sdp.errors import ParseError
from media.sdp.model import Connection, Line, Media, Origin, Session
from media.sdp.parse import parse
from media.sdp.rewrite import MediaRewrite, Rewrite, rewrite
from media.sdp.serialise import serialise

__all__ = [
    "Allowed",
    "Connection",
    "Line",
    "Media",
    "MediaRewrite",
    "Origin",
    "ParseError",
    "Rewrite",
    "Session",
    "choose",
    "first_codec",
    "parse",
    "rewrite",
    "serialise",
]
