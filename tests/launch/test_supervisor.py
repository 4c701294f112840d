"""Starting, restarting and stopping real processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fedsip_platform.launch.problem import BAD_SETTING, Problem
from fedsip_platform.launch.processes import ProcessSpec
from fedsip_platform.launch.state import StateFolder
from fedsip_platform.launch.supervisor import READY, STOPPED, WAITING, Child, Supervisor
from tests.harness.waiting import wait_until

READY_THEN_WAIT = "print('ready', flush=True)\nwhile True: signal.pause()"
END_WELL = "signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))\n"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"

Make = Callable[..., Supervisor]


def _spec(name: str, program: str, *, stop_seconds: float = 10.0) -> ProcessSpec:
    words = (sys.executable, "-c", "import signal, sys\n" + program)
    return ProcessSpec(name, words, r"^ready$", stop_seconds=stop_seconds)


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.fixture
def make(state: StateFolder, environment: dict[str, str]) -> Iterator[Make]:
    made: list[Supervisor] = []

    def build(*specs: ProcessSpec, on_change: Callable[[list[Child]], Any] | None = None) -> Any:
        supervisor = Supervisor(
            specs,
            servers={},
            logs=state.log,
            environment=environment,
            on_change=on_change or (lambda _children: None),
        )
        made.append(supervisor)
        return supervisor

    yield build
    for supervisor in made:
        supervisor.stop()


def _watched(supervisor: Supervisor) -> threading.Thread:
    thread = threading.Thread(target=supervisor.watch, daemon=True)
    thread.start()
    return thread


def test_start_returns_when_all_are_ready(make: Make) -> None:
    supervisor = make(_spec("one", READY_THEN_WAIT), _spec("two", READY_THEN_WAIT))
    said: list[str] = []
    supervisor.start(lambda name, _seconds: said.append(name))
    assert sorted(said) == ["one", "two"]
    assert {child.state for child in supervisor.children} == {READY}


def test_stop_lets_each_say_goodbye_and_leaves_none(make: Make) -> None:
    supervisor = make(_spec("one", END_WELL + READY_THEN_WAIT))
    supervisor.start(lambda _name, _seconds: None)
    [child] = supervisor.children
    assert child.process is not None
    pid = child.process.pid
    supervisor.stop()
    assert child.said() == "ready\nbye\n"
    assert child.state == STOPPED
    assert not _is_alive(pid)


def test_the_deaf_are_killed_with_their_children(make: Make) -> None:
    program = (
        DEAF + "import subprocess\n"
        "inner = subprocess.Popen(['sleep', '3600']); print(inner.pid, flush=True)\n"
    )
    supervisor = make(_spec("deaf", program + READY_THEN_WAIT, stop_seconds=0.1))
    supervisor.start(lambda _name, _seconds: None)
    [child] = supervisor.children
    inner = int(child.said().split()[0])
    assert _is_alive(inner)
    supervisor.stop()
    wait_until(lambda: not _is_alive(inner), "the child of the deaf is gone")


@pytest.mark.parametrize(
    ("program", "expected", "exit_code"),
    [
        ("sys.exit('FEDSIP_SIP_PORT must be a number')", "FEDSIP_SIP_PORT must be a number", 1),
        ("print('FEDSIP_X is wrong'); sys.exit(2)", "two: FEDSIP_X is wrong", BAD_SETTING),
    ],
)
def test_one_that_cannot_start_fails_the_start_with_its_words(
    make: Make, program: str, expected: str, exit_code: int
) -> None:
    supervisor = make(_spec("one", READY_THEN_WAIT), _spec("two", program))
    with pytest.raises(Problem) as raised:
        supervisor.start(lambda _name, _seconds: None)
    assert expected in raised.value.message
    assert raised.value.exit_code == exit_code


def test_what_dies_comes_back(make: Make) -> None:
    supervisor = make(_spec("one", READY_THEN_WAIT))
    supervisor.start(lambda _name, _seconds: None)
    [child] = supervisor.children
    assert child.process is not None
    first = child.process.pid
    thread = _watched(supervisor)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not _is_alive(first), "the process is dead")
    supervisor.wake()  # as SIGCHLD does where signals are taken
    wait_until(
        lambda: child.restarts == 1 and child.state == READY, "the process was started again"
    )
    assert child.process.pid != first
    supervisor.request_stop()
    thread.join()


def test_what_a_dead_one_leaves_is_ended_before_it_comes_back(make: Make) -> None:
    program = (
        "import subprocess\n"
        "inner = subprocess.Popen(['sleep', '3600']); print(inner.pid, flush=True)\n"
    )
    supervisor = make(_spec("one", program + READY_THEN_WAIT))
    supervisor.start(lambda _name, _seconds: None)
    [child] = supervisor.children
    inner = int(child.said().split()[0])
    assert child.process is not None
    child.process.kill()
    child.process.wait()
    assert _is_alive(inner)
    supervisor.tend(child, now=0.0)
    assert child.state == WAITING
    wait_until(lambda: not _is_alive(inner), "the child of the dead is gone")


def test_a_disk_without_room_ends_nothing(
    make: Make, capfd: pytest.CaptureFixture[str], state: StateFolder
) -> None:
    full = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(state.run / "state.json"))]

    def refuse(children: list[Child]) -> None:
        if children[0].state is WAITING and full:
            raise full.pop()

    supervisor = make(_spec("one", READY_THEN_WAIT), on_change=refuse)
    supervisor.start(lambda _name, _seconds: None)
    [child] = supervisor.children
    thread = _watched(supervisor)
    assert child.process is not None
    child.process.kill()
    wait_until(lambda: child.process is None or child.process.poll() is not None, "it is dead")
    supervisor.wake()
    wait_until(lambda: child.restarts == 1 and child.state == READY, "it was started again")
    supervisor.request_stop()
    thread.join()
    assert "No space left on device" in capfd.readouterr().err


def test_what_dies_at_once_is_given_longer_and_longer_rests(make: Make) -> None:
    supervisor = make(_spec("one", READY_THEN_WAIT))
    supervisor.start(lambda _name, _seconds: None)
    [child] = supervisor.children
    rests: list[float] = []
    now = 0.0
    for _ in range(8):
        assert child.process is not None
        child.process.kill()
        child.process.wait()
        supervisor.tend(child, now=now)
        assert child.state == WAITING
        rests.append(child.restart_at - now)
        now = child.restart_at
        supervisor.tend(child, now=now)
    assert rests == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_kill_9_of_the_supervisor_ends_its_children(
    state: StateFolder, environment: dict[str, str]
) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from fedsip_platform.launch.processes import ProcessSpec\n"
        "from fedsip_platform.launch.supervisor import Supervisor\n"
        "words = (sys.executable, '-c', 'import signal; print(\"ready\", flush=True)\\n'\n"
        "         'while True: signal.pause()')\n"
        "s = Supervisor([ProcessSpec('one', words, 'ready')], servers={}, logs=Path(sys.argv[1]),\n"
        "               environment=os.environ, on_change=lambda children: None)\n"
        "s.start(lambda name, seconds: None)\n"
        "print(s.children[0].process.pid, flush=True)\n"
        "s.watch()\n"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(state.log)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    assert _is_alive(pid)
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not _is_alive(pid), "the child has ended")


def test_a_grown_log_is_turned_over_without_the_writer_noticing(
    make: Make, state: StateFolder
) -> None:
    supervisor = make(_spec("one", READY_THEN_WAIT))
    log = state.log / "one.log"
    for text in ("first", "second", "third", "fourth"):
        log.write_text(text)
        supervisor.rotate_logs(size=1)
    kept = [log.with_name(f"one.log.{number}").read_text() for number in (1, 2, 3)]
    assert kept == ["fourth", "third", "second"]
    assert log.read_text() == ""
    assert not log.with_name("one.log.4").exists()
