"""A dictionary in less room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.directory.row_index import RowIndex
from proxy.sip.uri import Aor


@given(st.lists(st.tuples(st.sampled_from(["set", "pop", "get"]), st.integers(-3, 12))))
def test_like_a_dictionary(steps: list[tuple[str, int]]) -> None:
    index = RowIndex()
    like: dict[int, Aor] = {}
    for at, (step, number) in enumerate(steps):
        aor = Aor(b"%d" % at)
        if step == "set":
            index.set(number, aor)
            like[number] = aor
        elif step == "pop":
            assert index.pop(number) == like.pop(number, None)
        assert index.get(number) == like.get(number)
        assert len(index) == len(like)
    assert list(index) == [like[number] for number in sorted(like)]
