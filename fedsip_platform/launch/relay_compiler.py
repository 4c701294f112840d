"""Compiles the relay's packet path in C where there is a C compiler: `./fedsip build`, and `up`,
which it keeps waiting for less than a second."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from fedsip_platform.launch import compiler, progress
from media.forward import library
from media.settings import PYTHON

LOG = "build.log"
_OPTIONS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-pthread")


def prepare(folder: Path = library.FOLDER) -> str:
    """Compile unless it is done; returns why it was not possible, or ""."""
    made = library.of(folder)
    if made.exists():
        return ""
    words = compiler.c_compiler()
    if not words:
        return "there is no C compiler for the relay; on Debian: apt-get install gcc libc6-dev"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as text, progress.step("compiling the relay"):
            problem = _compile(words, Path(text) / made.name, made)
    except OSError as error:
        return f"the relay cannot be compiled into {folder}: {error.strerror}"
    if problem:
        log = folder / LOG
        log.write_text(problem)
        return f"the relay cannot be compiled and runs as it is (everything said: {log})"
    for old in folder.glob("forward-*.so"):
        if old != made:
            old.unlink()
    return ""


def _compile(compiler_words: list[str], unfinished: Path, made: Path) -> str:
    words = [*compiler_words, *_OPTIONS, "-o", str(unfinished), str(library.SOURCE)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stdout + done.stderr or "nothing was said"
    unfinished.rename(made)
    return ""


def described() -> str:
    """How the relay runs when it is started next, for `up` and `status`."""
    if os.environ.get("FEDSIP_MEDIA_ENGINE", "") == PYTHON:
        return "plain Python, as FEDSIP_MEDIA_ENGINE says"
    if library.of().exists():
        return "native"
    return "plain Python: ./fedsip build makes it faster"
