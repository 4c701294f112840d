"""What mypyc takes without a word and gets wrong: found in the sources, long before a build.

A name that two `except` clauses of a function give to errors of different classes has, compiled,
the class of the first one. Where that is a class of ours, an error of the other raises TypeError
in the moment in which it is caught.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from proxy import native

SOURCES = [name for name in native.sources() if name.endswith(".py")]


def names_of_two_kinds(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    ours = set(_classes_of_ours(tree))
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first: dict[str, str] = {}
        for clause in ast.walk(function):
            if not isinstance(clause, ast.ExceptHandler) or clause.name is None:
                continue
            kind = ast.unparse(clause.type) if clause.type is not None else ""
            before = first.setdefault(clause.name, kind)
            if before != kind and before in ours:
                yield f"{function.name}: {clause.name} is {before} and {kind}"


def _classes_of_ours(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom) and (
            node.level or (node.module or "").partition(".")[0] in ("proxy", "media")
        ):
            yield from (one.asname or one.name for one in node.names)


@pytest.mark.parametrize("name", SOURCES)
def test_a_caught_error_has_a_name_of_its_own(name: str) -> None:
    assert list(names_of_two_kinds((native.ROOT / name).read_text())) == []


def test_two_kinds_are_found() -> None:
    clauses = "def f():\n try: g()\n except A as e: pass\n except B as e: pass\n"
    assert list(names_of_two_kinds("from .errors import A\n" + clauses)) == ["f: e is A and B"]
    assert list(names_of_two_kinds("from outside import A\n" + clauses)) == []
