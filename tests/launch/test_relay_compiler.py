"""When the relay is compiled, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedsip_platform.launch import relay_compiler
from media.forward import library


def compiler(folder: Path, script: str) -> str:
    """A C compiler of the test's own; its last argument but one is where it is to write."""
    made = folder / "cc"
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o755)
    return str(made)


WRITES = 'while [ "$1" != -o ]; do shift; done; echo library >"$2"'


def test_it_is_compiled_once_and_what_was_before_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "relay"
    folder.mkdir()
    (folder / "forward-0123456789abcdef.so").write_text("of other sources")
    monkeypatch.setenv("CC", compiler(tmp_path, WRITES))
    assert relay_compiler.prepare(folder) == ""
    assert [path.name for path in folder.iterdir()] == [library.of(folder).name]
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    assert relay_compiler.prepare(folder) == ""


def test_a_machine_without_a_compiler_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    assert relay_compiler.prepare(tmp_path / "relay") == (
        "there is no C compiler for the relay; on Debian: apt-get install gcc libc6-dev"
    )


def test_what_the_compiler_says_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "relay"
    monkeypatch.setenv("CC", compiler(tmp_path, "echo stdint.h is missing >&2; exit 1"))
    assert relay_compiler.prepare(folder) == (
        "the relay cannot be compiled and runs as it is "
        f"(everything said: {folder / relay_compiler.LOG})"
    )
    assert (folder / relay_compiler.LOG).read_text() == "stdint.h is missing\n"
    assert not library.of(folder).exists()


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CC", compiler(tmp_path, WRITES))
    assert relay_compiler.prepare(tmp_path / "file") == (
        f"the relay cannot be compiled into {tmp_path / 'file'}: File exists"
    )


@pytest.mark.parametrize("engine", ["python", "auto"])
def test_what_runs_is_told(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDSIP_MEDIA_ENGINE", engine)
    expected = "plain Python, as FEDSIP_MEDIA_ENGINE says"
    if engine == "auto":
        is_built = library.of().exists()
        expected = "native" if is_built else "plain Python: ./fedsip build makes it faster"
    assert relay_compiler.described() == expected
