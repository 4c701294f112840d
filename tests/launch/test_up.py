"""`./fedsip up` as a person types it: the real script, the real processes, on ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.harness.processes import Program
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
FEDSIP = ROOT / "fedsip"
SIP, TLS, WEB, NG = 23100, 23101, 23102, 23103
PROCESSES = {"postgres", "redis", "relay", "proxy", "web", "worker"}

Up = Callable[..., Program]


@pytest.fixture
def settings(settings_from: Callable[[int], dict[str, str]]) -> dict[str, str]:
    return settings_from(SIP)


@pytest.fixture
def up(folder: Path, settings: dict[str, str]) -> Iterator[Up]:
    """`up("--demo")` starts the platform; nothing of it is left after the test."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start(*words: str, **further: str) -> Program:
            nonlocal count
            count += 1
            log = folder / f"up-{count}.log"
            environment = settings | further
            return stack.enter_context(Program([FEDSIP, "up", *words], log=log, env=environment))

        yield start
    _end_everything(folder)


def _fedsip(settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FEDSIP, *words], env=settings, capture_output=True, text=True, check=False
    )


def _of(folder: Path) -> list[psutil.Process]:
    """Every process that has this state folder in its environment or words."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            words = " ".join(process.cmdline())
            if str(folder) in words or str(folder) in process.environ().get("FEDSIP_STATE_DIR", ""):
                found.append(process)
    return found


def _end_everything(folder: Path) -> None:
    for process in _of(folder):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _nothing_is_left(folder: Path) -> None:
    wait_until(lambda: not _of(folder), f"nothing of {folder} runs: {_of(folder)}")


def _running(settings: dict[str, str]) -> dict[str, dict[str, object]]:
    facts = json.loads(_fedsip(settings, "status", "--json").stdout)
    return {process["name"]: process for process in facts["processes"]}


def test_the_whole_life(folder: Path, settings: dict[str, str], up: Up) -> None:
    """Start, look, administer, lose a process, stop."""
    platform = up("--demo")
    platform.awaits(r"Ctrl-C stops everything", within=120)
    said = platform.text()
    assert re.search(rf"Dashboard +https://\S+:{WEB}/", said)
    assert re.search(r"Administrator +admin@fedsip\.local +password [a-z0-9-]{19}", said)
    assert re.search(rf"SIP UDP +\S+:{SIP}\n", said)
    assert re.search(rf"SIP TLS +\S+:{TLS}\n", said)
    assert re.search(r"User name +alice +bob\n", said)
    assert re.search(r"Domain \(SIP server\) +fedsip\.local +fedsip\.local\n", said)

    status = _fedsip(settings, "status")
    assert status.returncode == 0, status.stdout
    assert {name for name, row in _running(settings).items() if row["state"] == "ready"} == (
        PROCESSES
    )

    added = _fedsip(settings, "user", "add", "carol@fedsip.local", "--generate")
    assert added.returncode == 0, added.stderr
    again = _fedsip(settings, "up")
    assert again.returncode == 1
    assert re.search(r"fedsip: fedsip already runs on .*; ./fedsip down stops it\n", again.stderr)

    for name in ("proxy", "redis", "worker"):
        before = _running(settings)[name]["pid"]
        assert isinstance(before, int)
        os.kill(before, signal.SIGKILL)

        def came_back(name: str = name, before: int = before) -> bool:
            row = _running(settings)[name]
            return row["state"] == "ready" and row["pid"] != before and row["restarts"] == 1

        wait_until(came_back, f"{name} is started again")

    platform.process.send_signal(signal.SIGINT)
    assert platform.wait(within=60) == 0
    assert "fedsip is down." in platform.text()
    _nothing_is_left(folder)
    assert _fedsip(settings, "status").returncode == 3


def test_the_second_start_keeps_everything(settings: dict[str, str], up: Up, folder: Path) -> None:
    first = up("--demo")
    first.awaits(r"Ctrl-C stops everything", within=120)
    passwords = re.search(r"Password +(\S+) +(\S+)\n", first.text())
    assert passwords is not None
    first.process.send_signal(signal.SIGTERM)
    assert first.wait(within=60) == 0
    second = up("--demo")
    second.awaits(r"Ctrl-C stops everything", within=120)
    assert passwords[0] in second.text()
    assert "password as set" in second.text()


def test_in_the_background(folder: Path, settings: dict[str, str], up: Up) -> None:
    started = _fedsip(settings, "up", "-d")
    assert started.returncode == 0, started.stderr
    assert "Administrator" in started.stdout
    assert _fedsip(settings, "status").returncode == 0
    assert "proxy.log" in _fedsip(settings, "logs", "proxy", "relay").stdout
    password = re.search(r"password (\S+)", started.stdout)
    assert password is not None
    logs = "".join(path.read_text() for path in (folder / "var" / "log").iterdir())
    assert password[1] not in logs
    assert _fedsip(settings, "down").returncode == 0
    _nothing_is_left(folder)


def test_kill_9_of_the_supervisor_leaves_nothing(
    folder: Path, settings: dict[str, str], up: Up
) -> None:
    platform = up()
    platform.awaits(r"Ctrl-C stops everything", within=120)
    os.kill(platform.process.pid, signal.SIGKILL)
    platform.process.wait()
    _nothing_is_left(folder)
    assert _fedsip(settings, "status").returncode == 3
    second = up()
    second.awaits(r"Ctrl-C stops everything", within=120)


def test_commands_work_while_nothing_runs(settings: dict[str, str], up: Up, folder: Path) -> None:
    before = _fedsip(settings, "tenant", "list")
    assert before.returncode == 1
    assert re.match(r"fedsip: there is no database in \S+ yet; ./fedsip up makes it", before.stderr)
    platform = up()
    platform.awaits(r"Ctrl-C stops everything", within=120)
    platform.process.send_signal(signal.SIGTERM)
    platform.wait(within=60)
    assert _fedsip(settings, "tenant", "add", "acme").returncode == 0
    assert "acme" in _fedsip(settings, "tenant", "list").stdout
    _nothing_is_left(folder)


@pytest.mark.parametrize(
    "reached",
    [
        "var/postgres/data.unfinished",
        "var/postgres/socket",
        "var/log/prepare.log",
        "var/log/web.log",
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_it_starts(
    folder: Path, up: Up, reached: str, number: signal.Signals
) -> None:
    platform = up()
    wait_until((folder / reached).exists, f"{reached} is there")
    platform.process.send_signal(number)
    assert platform.wait(within=60) in (0, 130)
    _nothing_is_left(folder)


@pytest.mark.parametrize(
    ("further", "exit_code", "sentence"),
    [
        ({"FEDSIP_SIP_PROT": "1"}, 2, r"FEDSIP_SIP_PROT is no setting .*mean FEDSIP_SIP_PORT\?"),
        ({"FEDSIP_SIP_PORT": "many"}, 2, r"FEDSIP_SIP_PORT cannot be 'many'"),
        ({"FEDSIP_WEB_PORT": "99999"}, 2, r"FEDSIP_WEB_PORT is '99999'"),
        ({"DATABASE_URL": "mysql://x/y"}, 2, r"DATABASE_URL begins with mysql"),
        (
            {"DATABASE_URL": "postgresql://x@127.0.0.1:23011/y"},
            1,
            r"DATABASE_URL leads to no usable database: .*refused",
        ),
        ({"FEDSIP_BROKER_URL": "redis://127.0.0.1:23012/0"}, 1, r"FEDSIP_BROKER_URL leads to no"),
        ({"FEDSIP_TLS_CERT": "/none", "FEDSIP_TLS_KEY": "/none"}, 2, r"FEDSIP_TLS_CERT names"),
        ({"FEDSIP_STATE_DIR": "/proc/nowhere"}, 1, r"the state folder /proc/nowhere cannot be"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_starts(
    folder: Path,
    settings: dict[str, str],
    further: dict[str, str],
    exit_code: int,
    sentence: str,
) -> None:
    done = _fedsip(settings | further, "up")
    complaints = done.stderr.strip().splitlines()
    assert len(complaints) == 1, done.stderr
    assert re.match(f"fedsip: {sentence}", complaints[0]), complaints[0]
    assert done.returncode == exit_code
    assert not _of(folder)


@pytest.mark.parametrize(
    ("kind", "port", "setting"),
    [
        (socket.SOCK_DGRAM, SIP, "FEDSIP_SIP_PORT"),
        (socket.SOCK_STREAM, SIP, "FEDSIP_SIP_PORT"),
        (socket.SOCK_STREAM, TLS, "FEDSIP_SIP_TLS_PORT"),
        (socket.SOCK_STREAM, WEB, "FEDSIP_WEB_PORT"),
        (socket.SOCK_DGRAM, NG, "FEDSIP_MEDIA_NG"),
    ],
)
def test_a_taken_port_is_named_and_nothing_starts(
    folder: Path, settings: dict[str, str], kind: socket.SocketKind, port: int, setting: str
) -> None:
    with socket.socket(socket.AF_INET, kind) as held:
        held.bind(("127.0.0.1", port))
        if kind is socket.SOCK_STREAM:
            held.listen()
        done = _fedsip(settings, "up")
    assert done.returncode == 1
    expected = rf"port {port} on .* is in use by .*\(process {os.getpid()}\); stop that, or set "
    assert re.search(expected + setting, done.stderr), done.stderr
    assert not _of(folder)
    assert not (folder / "var" / "postgres").exists()


def test_a_process_that_cannot_start_takes_the_others_with_it(
    folder: Path, settings: dict[str, str]
) -> None:
    for name in ("cert.pem", "key.pem"):
        (folder / name).write_text("this is no PEM")
    bad = {
        "FEDSIP_TLS_CERT": str(folder / "cert.pem"),
        "FEDSIP_TLS_KEY": str(folder / "key.pem"),
    }
    done = _fedsip(settings | bad, "up")
    assert done.returncode in (1, 2)
    assert re.search(r"^fedsip: (proxy|web)\b.*", done.stderr, re.MULTILINE)
    _nothing_is_left(folder)


def test_the_script_runs_from_anywhere_through_a_symlink(
    folder: Path, settings: dict[str, str]
) -> None:
    link = folder / "bin"
    link.symlink_to(FEDSIP)
    (folder / "proxy").mkdir()
    (folder / "proxy" / "__init__.py").write_text("raise SystemExit('the wrong proxy')")
    done = subprocess.run(
        [link, "settings"], cwd=folder, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "FEDSIP_SIP_PORT" in done.stdout


def test_an_unknown_word_is_one_line(settings: dict[str, str], up: Up) -> None:
    help_text = _fedsip(settings, "help")
    assert help_text.returncode == 0
    assert "./fedsip up" in help_text.stdout
