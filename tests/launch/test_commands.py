"""Words of ./fedsip before there is a platform, and with a reader that has had enough."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from fedsip_platform.launch.state import ROOT

LAUNCHER = [sys.executable, "-P", "-m", "fedsip_platform.launch"]


def fedsip(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One command on a state folder that is not there yet."""
    return subprocess.run(
        [*LAUNCHER, *words],
        env=environment() | {"FEDSIP_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
    )


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FEDSIP_")}
    kept.pop("DATABASE_URL", None)
    return kept | {"PYTHONPATH": str(ROOT)}


def test_a_word_that_is_none_is_named_before_all_else(tmp_path: Path) -> None:
    refused = fedsip(tmp_path, "usr", "list")
    assert (refused.returncode, refused.stderr) == (
        1,
        "fedsip: there is no command usr; did you mean user? ./fedsip help lists them\n",
    )
    there = fedsip(tmp_path, "user", "list")
    assert there.returncode == 1
    assert "there is no database in" in there.stderr
    assert not (tmp_path / "state").exists()


def test_help_needs_no_platform(tmp_path: Path) -> None:
    helped = fedsip(tmp_path, "user", "add", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "ADDRESS" in helped.stdout
    assert not (tmp_path / "state").exists()


def test_a_reader_that_goes_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stdout:
        ended = subprocess.run(
            [*LAUNCHER, "settings"],
            env=environment() | {"FEDSIP_STATE_DIR": str(tmp_path)},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, "")
