"""The calls that go on, found by public id, and by Call-ID and what tells those of one apart.

A Call-ID alone names no call: who has used one may use it again (RFC 3261 s12 knows a dialog by its
Call-ID and both tags). While a call rings it is its passage that tells it apart, then its tags.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .call import Call, tags_of

if TYPE_CHECKING:
    from .protocols import Observed


class CallTable:
    """Each question costs the same however many calls there are, also of one Call-ID."""

    __slots__ = ("_by_id", "_named", "_ringing")

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Call] = OrderedDict()
        self._named: dict[bytes, dict[object, Call]] = {}
        self._ringing: dict[tuple[bytes, bytes, bytes], int] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def values(self) -> Iterator[Call]:
        """All calls, those that were looked at last at the end."""
        return iter(self._by_id.values())

    def get(self, public_id: str) -> Call | None:
        return self._by_id.get(public_id)

    def has_named(self, call_id: bytes) -> bool:
        """Whether any call has that Call-ID."""
        return call_id in self._named

    def is_alone(self, held: Call) -> bool:
        """Whether no other call has its Call-ID."""
        return len(self._named.get(held.call_id, ())) < 2

    def is_ringing(self, call_id: bytes, from_tag: bytes, user: bytes) -> bool:
        """Whether a call that nobody has answered has these."""
        return (call_id, from_tag, user) in self._ringing

    def of(self, call: Observed) -> Call | None:
        """The call that a request is of: the one that it began, or the one whose tags it has.

        An INVITE that began none comes back, and is of the first. Within a dialog it is of the
        first if that one's tags are not known: no 2xx of it has passed yet.
        """
        original = call.original
        named = self._named.get(original.call_id)
        if named is None:
            return None
        held = named.get(call)
        if held is not None:
            return held
        first = next(iter(named.values()))
        if original.to_tag is None:
            return first
        held = named.get(tags_of(original.from_tag, original.to_tag))
        if held is not None:
            return held
        is_its = first.tags is None and first.from_tag in (
            b"",
            original.from_tag,
            original.to_tag,
        )
        return first if is_its else None

    def add(self, held: Call) -> None:
        """One more call; its passage, tags and answer are what they are."""
        self._by_id[held.public_id] = held
        self._named.setdefault(held.call_id, {})[_key(held)] = held
        if held.answered_at is None:
            key = (held.call_id, held.from_tag, held.user)
            self._ringing[key] = self._ringing.get(key, 0) + 1

    def remove(self, held: Call) -> bool:
        """Whether it was one of these."""
        if self._by_id.pop(held.public_id, None) is None:
            return False
        self._forget_key(held)
        if held.answered_at is None:
            self._rings_no_more(held)
        return True

    def answer(self, held: Call, tags: tuple[bytes, bytes], at: float) -> None:
        """It was answered, and its dialog has these tags."""
        if held.answered_at is None:
            self._rings_no_more(held)
        self._forget_key(held)
        held.answered_at, held.tags, held.passage = at, tags, None
        self._named.setdefault(held.call_id, {})[tags] = held
        self.look_at_last(held)

    def look_at_last(self, held: Call) -> None:
        """All others come before it now."""
        self._by_id.move_to_end(held.public_id)

    def _forget_key(self, held: Call) -> None:
        named = self._named.get(held.call_id)
        key = _key(held)
        if named is not None and named.get(key) is held:  # a broken far side gives tags twice
            del named[key]
            if not named:
                del self._named[held.call_id]

    def _rings_no_more(self, held: Call) -> None:
        key = (held.call_id, held.from_tag, held.user)
        left = self._ringing[key] - 1
        if left:
            self._ringing[key] = left
        else:
            del self._ringing[key]


def _key(held: Call) -> object:
    if held.tags is not None:
        return held.tags
    return held.public_id if held.passage is None else held.passage
