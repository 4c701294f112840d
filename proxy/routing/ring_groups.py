"""Ring groups: one name that rings several users, all at once or one after the other.

Members' own forwards are not followed: a colleague's voicemail must not take the group's calls.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.core.request_context import Reject
from proxy.core.target_set import EVEN_EVERYWHERE, FULL_Q, Outcome, Stage, Target, TargetSet

if TYPE_CHECKING:
    from proxy.directory.model import RingGroup
    from proxy.sip.uri import Aor

Contacts = Callable[["Aor"], list[Target]]
"""The registered contacts of a member; raises Reject when there are none."""


def ring(
    group: RingGroup,
    targets: TargetSet,
    contacts: Contacts,
    fall_back: Callable[[], Coroutine[Any, Any, list[Stage]]],
) -> None:
    """Target the members, then the fallback."""
    if group.strategy == "in_order":
        for member in group.members:
            targets.add_later(
                Stage(after=EVEN_EVERYWHERE, expand=partial(_member, group, member, contacts))
            )
    else:
        targets.ring_seconds = float(group.ring_seconds)
        for member in group.members:
            for target in _reachable(contacts, member):
                targets.add(replace(target, q=FULL_Q))
    if group.fallback:
        targets.add_later(Stage(after=EVEN_EVERYWHERE, expand=lambda outcome: fall_back()))


def _reachable(contacts: Contacts, member: Aor) -> list[Target]:
    try:
        return contacts(member)
    except Reject:
        return []


async def _member(
    group: RingGroup, member: Aor, contacts: Contacts, outcome: Outcome
) -> list[Stage]:
    return [Stage(contacts(member), EVEN_EVERYWHERE, float(group.ring_seconds))]
