"""One deadline a key; replaced and cleared ones never come up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.deadlines import DeadlineQueue


def test_in_order() -> None:
    queue: DeadlineQueue[str] = DeadlineQueue()
    for key, when in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        queue.set(key, when)
    assert queue.next_deadline() == 1.0
    assert queue.pop_due(2.0) == ["a", "b"]
    assert queue.pop_due(2.0) == []
    assert len(queue) == 1
    assert queue.next_deadline() == 3.0


def test_replaced_and_cleared() -> None:
    queue: DeadlineQueue[str] = DeadlineQueue()
    queue.set("a", 5.0)
    queue.set("a", 5.0)
    queue.set("a", 1.0)
    queue.set("b", 2.0)
    queue.clear("b")
    queue.clear("never set")
    assert queue.pop_due(10.0) == ["a"]
    assert queue.next_deadline() is None
    assert len(queue) == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.none() | st.floats(0, 100), st.booleans()), max_size=300
    )
)
def test_the_same_as_a_dict(steps: list[tuple[int, float | None, bool]]) -> None:
    queue: DeadlineQueue[int] = DeadlineQueue()
    plain: dict[int, float] = {}
    for key, when, pop in steps:
        if when is None:
            queue.clear(key)
            plain.pop(key, None)
        elif pop:
            due = queue.pop_due(when)
            assert sorted(due) == sorted(one for one, at in plain.items() if at <= when)
            assert [plain[one] for one in due] == sorted(plain[one] for one in due)
            plain = {one: at for one, at in plain.items() if at > when}
        else:
            queue.set(key, when)
            plain[key] = when
        assert len(queue) == len(plain)
        assert queue.next_deadline() == min(plain.values(), default=None)
