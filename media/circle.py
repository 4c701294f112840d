"""Does what a port passes on come back to it, by way of other ports of this relay? Pure.

Two sides who each name a port of the relay as their own would have it send one packet to itself
for ever. Ports of the relay may be named all the same: a call that comes round through us has one
call's port as a side of the other, and its chain of ports ends at a phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from media.forward.rule import Address, ForwardRule

_LONGEST: Final = 32
"""Ports in a chain; a longer one is taken for a circle."""


def leads_back(start: ForwardRule, rule_at: Callable[[Address], ForwardRule | None]) -> bool:
    """Whether packets that come to a rule's port come there again. `rule_at` gives the rule of the
    port where a packet for an address comes to; None where that is not ours."""
    seen: set[Address] = set()
    waiting = [start]
    while waiting:
        rule = waiting.pop()
        for destination in destinations(rule):
            following = rule_at(destination)
            if following is None:
                continue
            if following.local == start.local or len(seen) > _LONGEST:
                return True
            if following.local not in seen:
                seen.add(following.local)
                waiting.append(following)
    return False


def destinations(rule: ForwardRule) -> Iterator[Address]:
    """Everywhere that a rule sends to."""
    for one in (rule, *rule.others):
        for destination in (one.destination, one.rtcp_destination):
            if destination is not None:
                yield destination
