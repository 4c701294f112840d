"""What rules and policies may write into messages: header fields that are none of the protocol's
own, and texts of one line. Pure; for those who enter a rule and the proxy that applies it.
"""

from __future__ import annotations

import re
from typing import Final

PROTECTED_HEADERS: Final = frozenset(
    (
        *("accept", "authorization", "call-id", "contact", "content-encoding", "content-length"),
        *("content-type", "cseq", "date", "expires", "from", "identity", "max-forwards"),
        *("min-expires", "p-asserted-identity", "p-preferred-identity", "path"),
        *("proxy-authenticate", "proxy-authorization", "proxy-require", "record-route", "require"),
        *("route", "service-route", "supported", "timestamp", "to", "unsupported", "via"),
        "www-authenticate",
        *("b", "c", "e", "f", "i", "k", "l", "m", "t", "v", "y"),
    )
)
"""Fields that decide where a message goes, to which transaction it belongs, what the sides agree on
or who sent it, in lower case, with their short forms."""

_ENDS_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_one_line(text: str) -> bool:
    """Whether there is no line end and no other control character in it. Any other character may
    stand in a quoted display name (RFC 3261 s25.1), spaces of every width among them."""
    return _ENDS_LINE.search(text) is None
