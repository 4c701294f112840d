"""Compiles the relay's packet path in C, where there is a C compiler (`./fedsip build`)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from fedsip_platform.launch import progress
from fedsip_platform.launch.problem import Problem
from media.forward import library
from media.settings import PYTHON

_OPTIONS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-pthread")


def prepare(folder: Path = library.FOLDER) -> str:
    """Compile unless it is done; returns why it was not possible, or "". Raises Problem."""
    made = library.of(folder)
    if made.exists():
        return ""
    compiler = (os.environ.get("CC") or "cc").split()
    if shutil.which(compiler[0]) is None:
        return "there is no C compiler for the relay; on Debian: apt-get install gcc libc6-dev"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = made.with_suffix(f".{os.getpid()}")
    with progress.step("compiling the relay"):
        words = [*compiler, *_OPTIONS, "-o", str(unfinished), str(library.SOURCE)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        unfinished.unlink(missing_ok=True)
        log = folder / "build.log"
        log.write_text(done.stdout + done.stderr)
        raise Problem(f"the relay cannot be compiled and runs as it is (everything said: {log})")
    unfinished.rename(made)
    for old in folder.glob("forward-*.so"):
        if old != made:
            old.unlink()
    return ""


def described() -> str:
    """How the relay runs when it is started next, for `up` and `status`."""
    if os.environ.get("FEDSIP_MEDIA_ENGINE", "") == PYTHON:
        return "plain Python, as FEDSIP_MEDIA_ENGINE says"
    if library.of().exists():
        return "native"
    return "plain Python: ./fedsip build makes it faster"
