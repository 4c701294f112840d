"""When the proxy is compiled, when that is used, and what is said where it cannot be."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from fedsip_platform.launch import compiler
from fedsip_platform.launch.problem import Problem
from proxy import native

BROKEN = "def f(a: int) -> str:\n    return a\n"
A_CLASS = "class A:\n    pass\n"
NEEDS_IT = """\
from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.sip.a import A


@dataclass(slots=True)
class C:
    a: A
"""
"""The fields of a compiled dataclass are classes, not words: this one is not there yet."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one module in each place that is compiled."""
    root = tmp_path / "checkout"
    for name in ("proxy/sip/a.py", "proxy/sip/transaction/b.py", "proxy/core/c.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("X = 1\n")
    return root


@pytest.fixture
def built(checkout: Path, tmp_path: Path) -> Path:
    """What looks like a finished build of the checkout."""
    folder = tmp_path / "native"
    folder.mkdir()
    (folder / native.MARK).write_text(native.fingerprint(checkout) + "\n")
    return folder


def test_every_module_that_is_compiled_is_there() -> None:
    assert all((native.ROOT / name).is_file() for name in native.sources())
    assert "proxy/core/transaction_layer.py" in native.sources()
    assert "proxy/routing/route.py" in native.sources()
    assert "proxy/directory/load.py" not in native.sources()


@pytest.mark.parametrize("name", [one for one in native.sources() if one.endswith(".py")])
def test_fields_of_compiled_dataclasses_are_imported_at_run_time(name: str) -> None:
    tree = ast.parse((native.ROOT / name).read_bytes())
    blocks = [one for one in tree.body if isinstance(one, ast.If)]
    for_types = {
        alias.asname or alias.name
        for block in blocks
        for one in block.body
        if ast.unparse(block.test) == "TYPE_CHECKING" and isinstance(one, ast.ImportFrom)
        for alias in one.names
    }
    fields = [
        field.annotation
        for one in tree.body
        if isinstance(one, ast.ClassDef) and "dataclass" in map(_called, one.decorator_list)
        for field in one.body
        if isinstance(field, ast.AnnAssign)
    ]
    outermost = [one.value if isinstance(one, ast.Subscript) else one for one in fields]
    assert not for_types & {ast.unparse(one) for one in outermost}


def _called(decorator: ast.expr) -> str:
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)


def test_nothing_is_used_where_nothing_was_built(tmp_path: Path, checkout: Path) -> None:
    assert native.state(tmp_path / "native", checkout) == native.PURE


def test_a_build_of_these_sources_is_used(built: Path, checkout: Path) -> None:
    assert native.state(built, checkout) == native.COMPILED
    assert compiler.prepare(built, checkout) == ""


@pytest.mark.parametrize("name", ["proxy/sip/a.py", "proxy/core/c.py"])
def test_a_build_of_other_sources_is_not(built: Path, checkout: Path, name: str) -> None:
    (checkout / name).write_text("X = 2\n")
    assert native.state(built, checkout) == native.STALE


def test_a_new_module_makes_a_build_stale(built: Path, checkout: Path) -> None:
    (checkout / "proxy/core/d.py").write_text("")
    assert native.state(built, checkout) == native.STALE


def test_a_machine_without_a_compiler_is_told(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    said = compiler.prepare(tmp_path / "native", checkout)
    assert said == "there is no C compiler; on Debian: apt-get install gcc libc6-dev python3-dev"


@pytest.mark.e2e
def test_what_cannot_be_imported_is_not_installed(
    tmp_path: Path, checkout: Path, built: Path
) -> None:
    (checkout / "media").mkdir()
    (checkout / "proxy/sip/a.py").write_text(A_CLASS)
    (checkout / "proxy/core/c.py").write_text(NEEDS_IT)
    before = (built / native.MARK).read_text()
    with pytest.raises(Problem):
        compiler.prepare(built, checkout)
    said = (tmp_path / compiler.LOG).read_text()
    assert said.startswith("proxy.core.c cannot be imported first")
    assert said.count("cannot be imported first") == 1
    assert (built / native.MARK).read_text() == before


@pytest.mark.e2e
def test_what_does_not_compile_is_left_as_it_was(
    tmp_path: Path, checkout: Path, built: Path
) -> None:
    (checkout / "media").mkdir()
    (checkout / "proxy/sip/a.py").write_text(BROKEN)
    before = (built / native.MARK).read_text()
    with pytest.raises(Problem) as raised:
        compiler.prepare(built, checkout)
    assert raised.value.message.startswith("the proxy cannot be compiled and runs as it is")
    assert 'expected "str"' in (tmp_path / compiler.LOG).read_text()
    assert (built / native.MARK).read_text() == before
    assert native.state(built, checkout) == native.STALE


def test_by_a_setting_plain_python_is_used_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDSIP_PURE", "on")
    assert compiler.described() == "plain Python, as FEDSIP_PURE says"
    before = list(sys.meta_path)
    assert native.choose(pure=True) == native.PURE
    assert sys.meta_path == before


def test_nothing_that_is_compiled_is_imported_before_it_is_chosen() -> None:
    code = (
        "import sys, proxy.__main__ as main; from proxy import native;"
        "names = [one[:-3].replace('/', '.') for one in native.sources()];"
        "print(*[one for one in names if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=native.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
