"""Puts changed rules in force without making calls wait: a little at a time, the loop in between.

A few changes go right into the rules that are in force. For many (an import, a domain that is
deleted) each domain's rules are made anew beside those in force and take their place when they are
complete, so that no call ever sees half of a change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from .model import Translation
from .rules import Rules
from .store import Directory

log = logging.getLogger(__name__)

_AT_ONCE: Final = 50
"""Rules that are put in place before other work gets its turn: some 5 ms."""

Item = TypeVar("Item")


async def put_in_force(
    directory: Directory, rows: Sequence[Translation], gone: Sequence[int]
) -> None:
    """Change rules; numbers in `gone` were deleted."""
    if len(rows) + len(gone) <= _AT_ONCE:
        for domain_id in directory.put_translations(rows, gone):
            await _compile(directory.rules_of(domain_id))
        return
    fresh: dict[int, Rules] = {}
    for domain_id, after in directory.translations_after(rows, gone).items():
        fresh[domain_id] = Rules()
        for some in _slices(after.values()):
            for row in some:
                fresh[domain_id].put(row)
            await asyncio.sleep(0)
        await _compile(fresh[domain_id])
    directory.replace_rules(fresh)
    for numbers in _slices(gone):
        directory.note_rules((), numbers)
        await asyncio.sleep(0)
    for some in _slices(rows):
        directory.note_rules(some, ())
        await asyncio.sleep(0)


async def load(directory: Directory, rows: Iterable[Translation]) -> None:
    """Rules for a directory that is not in force yet; `compile_all` has to follow."""
    for some in _slices(rows):
        directory.put_translations(some)
        await asyncio.sleep(0)


async def compile_all(directory: Directory) -> None:
    for rules in directory.all_rules:
        await _compile(rules)


async def _compile(rules: Rules) -> None:
    for refused in rules.compiling():
        for rule, reason in refused:
            log.warning(
                "translation never matches rule=%d domain=%s reason=%s",
                rule.translation_id,
                rule.from_domain.decode(),
                reason,
            )
        await asyncio.sleep(0)


def _slices(items: Iterable[Item]) -> Iterator[list[Item]]:
    source = iter(items)
    while some := list(islice(source, _AT_ONCE)):
        yield some
