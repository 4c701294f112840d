"""The SIP core: messages, fields, digest and transactions. Pure: no sockets, no clock."""

from .codec import parse, serialise
from .errors import DigestError, ParseError, SipError, TransactionError
from .fields import CSeq, NameAddr, Via, parse_cseq, parse_name_addr, parse_via
from .framing import StreamFramer
from .headers import Headers
from .message import Request, Response, ack_for, cancel_for
from .timers import TimerSettings
from .uri import Aor, OtherUri, SipUri, TelUri, Uri, canonical_aor, parse_uri

__all__ = [
    "Aor",
    "CSeq",
    "DigestError",
    "Headers",
    "NameAddr",
    "OtherUri",
    "ParseError",
    "Request",
    "Response",
    "SipError",
    "SipUri",
    "StreamFramer",
    "TelUri",
    "TimerSettings",
    "TransactionError",
    "Uri",
    "Via",
    "ack_for",
    "cancel_for",
    "canonical_aor",
    "parse",
    "parse_cseq",
    "parse_name_addr",
    "parse_uri",
    "parse_via",
    "serialise",
]
