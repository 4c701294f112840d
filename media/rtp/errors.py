"""The one error of the RTP and RTCP parsers."""

from __future__ import annotations


class ParseError(Exception):
    """Bytes that are no RTP or RTCP packet."""
