"""Keeps a set of processes running: starts, watches, restarts with back-off, stops in order.

One thread, no asyncio: it sleeps until a child ends, a signal comes or a deadline passes. Every
child gets SIGTERM from the kernel when this process dies, whatever kills it (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fedsip_platform.launch import progress
from fedsip_platform.launch.postgres import PostgresError
from fedsip_platform.launch.problem import BAD_SETTING, Problem
from fedsip_platform.launch.processes import ProcessSpec

READY_SECONDS = 60.0
FIRST_BACK_OFF = 0.5
LONGEST_BACK_OFF = 30.0
CALM_SECONDS = 60.0  # after this time of serving, the next death starts from the first back-off
LOOK_SECONDS = 0.1  # how often logs are looked at while something is not ready
REST_SECONDS = 5.0
LOG_SIZE = 10_000_000
LOG_COPIES = 3
STARTING, READY, WAITING, STOPPED = "starting", "ready", "waiting", "stopped"


class Server(Protocol):
    """An embedded server: EmbeddedPostgres and EmbeddedRedis are such."""

    @property
    def process(self) -> subprocess.Popen[bytes] | None: ...
    def start(self) -> str: ...
    def stop(self) -> None: ...


class Child:
    """One process and its history."""

    __slots__ = (
        "back_off",
        "environment",
        "log",
        "offset",
        "process",
        "restart_at",
        "restarts",
        "since",
        "spec",
        "state",
    )

    def __init__(self, spec: ProcessSpec, log: Path, environment: Mapping[str, str]) -> None:
        self.spec = spec
        self.log = log
        self.environment = dict(environment) | dict(spec.environment)
        self.process: subprocess.Popen[bytes] | None = None
        self.offset = 0  # where this run's lines begin in the log
        self.state = STOPPED
        self.since = 0.0
        self.restart_at = 0.0
        self.restarts = 0
        self.back_off = FIRST_BACK_OFF

    def start(self, *, now: float) -> None:
        """Start the program with its output appended to the log."""
        with self.log.open("ab") as log:
            self.offset = log.tell()
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *self.spec.words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                cwd="/",
                start_new_session=True,
            )
        self.state = STARTING
        self.since = now

    def said(self) -> str:
        """What it has written since its last start."""
        with self.log.open("rb") as log:
            log.seek(self.offset)
            return log.read().decode(errors="replace")

    def last_line(self) -> str:
        """The line that most likely tells why it ended."""
        lines = [line for line in self.said().splitlines() if line.strip()]
        return lines[-1].strip() if lines else "it said nothing"

    def facts(self) -> dict[str, Any]:
        """What `status` shows."""
        pid = self.process.pid if self.process is not None else None
        return {"name": self.spec.name, "state": self.state, "pid": pid, "restarts": self.restarts}


class Supervisor:
    """Runs the children until `stop_requested`, then stops them."""

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        *,
        servers: Mapping[str, Server],
        logs: Path,
        environment: Mapping[str, str],
        on_change: Callable[[list[Child]], None],
    ) -> None:
        self.children = [Child(spec, logs / f"{spec.name}.log", environment) for spec in specs]
        self.stop_requested = False
        self.server_restarts = dict.fromkeys(servers, 0)
        self._servers = servers
        self._logs = logs
        self._on_change = on_change
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_reader, selectors.EVENT_READ)

    def take_signals(self) -> None:
        """SIGTERM, SIGINT and SIGHUP ask for the end; SIGCHLD only wakes the loop."""
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self.request_stop())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def start(self, said_ready: Callable[[str, float], None]) -> None:
        """Start all at once and return when each serves; a Problem when one does not."""
        began = time.monotonic()
        for child in self.children:
            child.start(now=began)
        self._on_change(self.children)
        while any(child.state is not READY for child in self.children):
            self._sleep(LOOK_SECONDS)
            if self.stop_requested:
                return
            now = time.monotonic()
            for child in self.children:
                if child.state is STARTING:
                    self._refuse_failed_start(child, now=now)
                    if self._look_for_ready(child, now=now):
                        said_ready(child.spec.name, now - began)

    def watch(self) -> None:
        """Restart whatever ends, until the end is asked for."""
        while not self.stop_requested:
            self._tend_servers()
            for child in self.children:
                with _going_on():
                    self.tend(child, now=time.monotonic())
            with _going_on():
                self.rotate_logs()
            self._sleep(self._next_look(now=time.monotonic()))

    def stop(self) -> None:
        """Ask each to end, in reverse order of start; kill what does not. All are gone after."""
        for child in reversed(self.children):
            self._stop_one(child)
        self._on_change(self.children)

    def request_stop(self) -> None:
        """Ask `start` or `watch` to return; any thread may."""
        self.stop_requested = True
        self.wake()

    def wake(self) -> None:
        """Have `watch` look again now."""
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._wake_writer, b"!")

    def _sleep(self, seconds: float) -> None:
        if self.stop_requested or not self._selector.select(max(0.0, seconds)):
            return
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake_reader, 512):
                pass

    def _refuse_failed_start(self, child: Child, *, now: float) -> None:
        code = child.process.poll() if child.process is not None else None
        name = child.spec.name
        if code == BAD_SETTING:
            said = child.last_line().removeprefix(f"fedsip {name}: ")
            raise Problem(f"{name}: {said}", exit_code=BAD_SETTING)
        if code is not None:
            raise Problem(f"{name} ended at once: {child.last_line()} (see {child.log})")
        if now - child.since > READY_SECONDS:
            raise Problem(f"{name} was not ready within {READY_SECONDS:.0f} s; see {child.log}")

    def _look_for_ready(self, child: Child, *, now: float) -> bool:
        if not re.search(child.spec.ready, child.said(), re.MULTILINE):
            return False
        child.state = READY
        child.since = now
        self._on_change(self.children)
        return True

    def tend(self, child: Child, *, now: float) -> None:
        """Restart one child if it ended and has rested; see whether a restarted one serves."""
        if child.state is WAITING:
            if now >= child.restart_at:
                child.restarts += 1
                child.restart_at = now + child.back_off  # where it cannot even be started
                child.start(now=now)
                self._on_change(self.children)
            return
        if child.process is not None and child.process.poll() is not None:
            _end_session(child.process.pid)  # beat of a killed worker would go on beside the next
            if child.state is READY and now - child.since > CALM_SECONDS:
                child.back_off = FIRST_BACK_OFF
            child.state = WAITING
            child.restart_at = now + child.back_off
            child.back_off = min(child.back_off * 2, LONGEST_BACK_OFF)
            self._on_change(self.children)
        elif child.state is STARTING:
            self._look_for_ready(child, now=now)

    def _tend_servers(self) -> None:
        for name, server in self._servers.items():
            if server.process is not None and server.process.poll() is None:
                continue
            try:
                server.start()
            except (Problem, PostgresError, OSError) as problem:
                progress.complain(f"{problem}; trying again")
                continue
            self.server_restarts[name] += 1
            with _going_on():
                self._on_change(self.children)

    def _next_look(self, *, now: float) -> float:
        if any(child.state is STARTING for child in self.children):
            return LOOK_SECONDS
        waits = [child.restart_at - now for child in self.children if child.state is WAITING]
        return min([REST_SECONDS, *waits])

    def _stop_one(self, child: Child) -> None:
        process, child.process = child.process, None
        child.state = STOPPED
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(child.spec.stop_seconds)
        _end_session(process.pid)
        process.wait()

    def rotate_logs(self, *, size: int = LOG_SIZE) -> None:
        """Copy and truncate what has grown: the writers append, so they need not know."""
        for log in self._logs.glob("*.log"):
            if log.stat().st_size < size:
                continue
            for number in range(LOG_COPIES - 1, 0, -1):
                older = log.with_name(f"{log.name}.{number}")
                if older.exists():
                    older.rename(log.with_name(f"{log.name}.{number + 1}"))
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
            for child in self.children:
                if child.log == log:
                    child.offset = 0


def _end_session(pid: int) -> None:
    """Kill what a child that ended, or is deaf, may have left: children of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def _going_on() -> Iterator[None]:
    """A full disk or a fork that fails is told, and ends nothing that runs."""
    try:
        yield
    except OSError as error:
        progress.complain(f"{error}; going on")
