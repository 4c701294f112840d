"""Changed rules come in force at once, without the loop being held up on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.directory import rule_changes
from proxy.directory.model import Translation
from proxy.directory.store import Directory
from proxy.directory.translate import Facts

RULE = Translation(1, 1, b"example.com", match_regex="^1")


def seen(directory: Directory, domain_id: int = 1) -> set[bytes]:
    """What rules make of 1000."""
    facts = Facts(b"", b"", b"1000", b"")
    found = directory.rules_of(domain_id).candidates(facts, lambda: 0.0, 10_000)
    return {rule.tran_user for rule in found}


def many(made: bytes, domain_id: int = 1) -> list[Translation]:
    return [replace(RULE, translation_id=n, domain_id=domain_id, tran_user=made)
            for n in range(500)]  # fmt: skip


async def test_no_call_sees_half_of_a_change() -> None:
    directory = Directory()
    await rule_changes.put_in_force(directory, many(b"old"), [])
    turns = []
    change = asyncio.create_task(rule_changes.put_in_force(directory, many(b"new"), []))
    while not change.done():
        turns.append(seen(directory))
        await asyncio.sleep(0)
    assert {frozenset(one) for one in turns} == {frozenset([b"old"]), frozenset([b"new"])}
    assert len(turns) > 10


async def test_rules_move_and_go() -> None:
    directory = Directory()
    await rule_changes.put_in_force(directory, many(b"x"), [])
    await rule_changes.put_in_force(directory, many(b"y", domain_id=2)[:400], range(400, 500))
    assert (seen(directory), seen(directory, 2)) == (set(), {b"y"})
    assert directory.counts == (0, 0, 400)
    await rule_changes.put_in_force(directory, [], range(400))
    assert directory.all_rules == []
    assert directory.counts == (0, 0, 0)


@pytest.mark.parametrize("amount", [1, 200])
async def test_what_re2_refuses_is_logged(amount: int, caplog: pytest.LogCaptureFixture) -> None:
    directory = Directory()
    rows = [replace(RULE, translation_id=n, match_regex="(") for n in range(amount)]
    await rule_changes.put_in_force(directory, rows, [])
    assert len(caplog.messages) == amount
    assert caplog.messages[0] == (
        "translation never matches rule=0 domain=example.com reason=missing ): ("
    )


rows = st.builds(
    replace,
    st.just(RULE),
    translation_id=st.integers(1, 120),
    domain_id=st.integers(1, 3),
    tran_user=st.sampled_from([b"a", b"b", b"c"]),
)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.lists(rows, max_size=90), st.sets(st.integers(1, 120)))))
def test_many_at_once_are_the_same_as_few(
    changes: list[tuple[list[Translation], set[int]]],
) -> None:
    at_once, directory = Directory(), Directory()
    for given_rows, gone in changes:
        changed = {row.translation_id: row for row in given_rows if row.translation_id not in gone}
        directory.put_translations(changed.values(), gone)
        asyncio.run(rule_changes.put_in_force(at_once, list(changed.values()), list(gone)))
        for domain_id in (1, 2, 3):
            assert at_once.rules_of(domain_id).rows == directory.rules_of(domain_id).rows
        assert at_once.counts == directory.counts
