"""The state folder: private, locked by one, its files whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.state import StateFolder


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_folders_are_private(state: StateFolder) -> None:
    assert _mode(state.path) == 0o711
    assert {_mode(p) for p in (state.log, state.tls, state.run, state.secrets)} == {0o700}


def test_a_secret_is_made_once_and_only_its_owner_reads_it(state: StateFolder) -> None:
    key = state.secret("cluster.key")
    assert len(bytes.fromhex(key)) == 32
    assert state.secret("cluster.key") == key
    assert _mode(state.secrets / "cluster.key") == 0o600


def test_an_unwritable_folder_is_one_sentence(folder: Path) -> None:
    (folder / "file").write_text("in the way")
    with pytest.raises(Problem, match=r"cannot be written .*FEDSIP_STATE_DIR"):
        StateFolder(folder / "file" / "var").make()


def test_the_second_owner_learns_who_is_the_first(state: StateFolder) -> None:
    state.lock("up")
    second = StateFolder(state.path)
    with pytest.raises(Problem, match=rf"already runs .*process {os.getpid()}: up"):
        second.lock("up")
    assert second.holder() == (os.getpid(), "up")
    state.unlock()
    assert second.holder() is None


def test_kill_9_frees_the_lock(state: StateFolder) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from fedsip_platform.launch.state import StateFolder\n"
        "state = StateFolder(Path(sys.argv[1])); state.lock('up'); print('held', flush=True)\n"
        "time.sleep(3600)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(state.path)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "held\n"
    assert state.holder() == (owner.pid, "up")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert state.holder() is None
    state.lock("up")


def test_what_runs_is_remembered_and_forgotten(state: StateFolder) -> None:
    assert state.running() == {}
    state.write_running({"pid": 7})
    assert state.running() == {"pid": 7}
    state.forget_running()
    assert state.running() == {}
