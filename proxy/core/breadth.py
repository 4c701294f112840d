"""How many branches a request may have at a time, here and behind us: Max-Breadth (RFC 5393 s5).

Branches that have had no final response share what the request came with, so that a thousand
phones that fork to each other are sixty branches in all and no more. What there is no room for is
tried behind the others, which frees theirs (s5.3.3.1); only where there is none at all it is 440.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proxy.sip.message import Request

MAX_BREADTH: Final = 60
"""Of a request that says nothing, and the most that one may have (s5.3.3)."""


def incoming(request: Request) -> int:
    """What all its branches have together; raises ParseError."""
    said = request.max_breadth
    return MAX_BREADTH if said is None else min(said, MAX_BREADTH)


def shares(room: int, count: int) -> list[int]:
    """The room divided among so many branches, not more than there is room for: all of it, since a
    proxy should not make it smaller without need."""
    each, left = divmod(room, count)
    return [each + 1] * left + [each] * (count - left)
