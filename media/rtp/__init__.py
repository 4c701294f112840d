"""RTP and RTCP as far as a relay reads them. Pure."""

from media.rtp.demux import DTLS, RTCP, RTP, STUN, TURN, UNKNOWN, ZRTP, kind_of
from media.rtp.errors import ParseError
from media.rtp.history import History
from media.rtp.stats import Hearsay, Reception, mean_opinion_score

__all__ = [
    "DTLS",
    "RTCP",
    "RTP",
    "STUN",
    "TURN",
    "UNKNOWN",
    "ZRTP",
    "Hearsay",
    "History",
    "ParseError",
    "Reception",
    "kind_of",
    "mean_opinion_score",
]
