"""`./fedsip up`: from a bare checkout to a platform that carries calls, and back to nothing.

The order is the story: look, lock, prepare, start servers, migrate, start processes, tell, watch.
Whatever goes wrong on the way, everything that was started is stopped again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fedsip_platform.launch import (
    certificate,
    compiler,
    control,
    front_end,
    keys,
    listening,
    ports,
    preflight,
    progress,
    relay_compiler,
    report,
    settings_list,
)
from fedsip_platform.launch.postgres import EmbeddedPostgres
from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.processes import all_processes
from fedsip_platform.launch.redis import EmbeddedRedis
from fedsip_platform.launch.state import ROOT, StateFolder
from fedsip_platform.launch.supervisor import Child, Server, Supervisor

DEMO_DOMAIN = "fedsip.local"
TABLE = "table.txt"  # where a detached `up` leaves its table for the one who asked
POLL_SECONDS = 0.1


def up(words: list[str]) -> int:
    """Start everything, say where it is, and stay until told to stop."""
    options = _options(words)
    state = StateFolder.of_environment()
    if options.detach:
        return _detached(state, words)
    for number in (signal.SIGTERM, signal.SIGINT):  # also where a shell had them ignored
        signal.signal(number, _interrupt)
    with ExitStack() as stopping:
        Start(state, options, stopping).run()
    progress.say("fedsip is down.")
    return 0


class Start:
    """One run of `up`; what it started is registered with `stopping` at once."""

    __slots__ = ("_facts", "_options", "_restarts", "_servers", "_state", "_stopping")

    def __init__(
        self, state: StateFolder, options: argparse.Namespace, stopping: ExitStack
    ) -> None:
        self._state = state
        self._options = options
        self._stopping = stopping
        self._servers: dict[str, Server] = {}
        self._restarts: Mapping[str, int] = {}
        self._facts: dict[str, Any] = {"pid": os.getpid(), "phase": "starting", "processes": []}

    def run(self) -> None:
        """The story, in order; returns when the end was asked for."""
        progress.say(f"fedsip starts; its state is in {self._state.path}")
        listens = self._look()
        front_end.prepare()
        relay_compiler.prepare()  # where it cannot be, the table says that Python carries packets
        keys.make(self._state, further_names=[self._options.domain] if self._options.demo else [])
        self._start_servers()
        prepared = self._prepare_database()
        supervisor = self._start_processes(listens)
        if not supervisor.stop_requested:
            self._tell(listens, prepared)
            supervisor.watch()
        progress.say("\nstopping ...")
        self._write("stopping", supervisor.children)

    def _look(self) -> listening.Listening:
        """Everything that can be wrong, before anything is started."""
        preflight.refuse_unknown_names(os.environ, settings_list.names())
        preflight.check_machine_name(socket.gethostname())
        preflight.check_files(os.environ)
        self._state.make()
        self._state.lock("up")
        self._stopping.callback(self._state.unlock)
        control.remove_leftovers(self._state)
        self._stopping.callback(self._state.forget_running)
        os.environ["FEDSIP_STATE_DIR"] = str(self._state.path)
        if os.environ.get("DATABASE_URL"):
            preflight.check_database(os.environ["DATABASE_URL"])
        if os.environ.get("FEDSIP_BROKER_URL"):
            preflight.check_broker(os.environ["FEDSIP_BROKER_URL"])
        listens = listening.from_environment()
        preflight.check_room(self._state.path, is_embedded=not os.environ.get("DATABASE_URL"))
        ports.refuse_taken(listens.ports)
        self._write("starting", [])
        return listens

    def _start_servers(self) -> None:
        if not os.environ.get("DATABASE_URL"):
            with progress.step("PostgreSQL (embedded)"):
                postgres = EmbeddedPostgres(self._state.path)
                self._stopping.callback(postgres.stop)
                os.environ["DATABASE_URL"] = postgres.start()
                self._servers["postgres"] = postgres
        if not os.environ.get("FEDSIP_BROKER_URL"):
            with progress.step("Redis (embedded)"):
                redis = EmbeddedRedis(self._state)
                self._stopping.callback(redis.stop)
                os.environ["FEDSIP_BROKER_URL"] = redis.start()
                self._servers["redis"] = redis

    def _prepare_database(self) -> dict[str, Any]:
        """Migrate, make the first administrator, and the demo when asked for."""
        words = [sys.executable, "-P", str(ROOT / "manage.py"), "prepare", "--json"]
        if self._options.demo:
            words += ["--demo", self._options.domain]
        with progress.step("database"):
            log = self._state.log / "prepare.log"
            with log.open("w") as complaints:
                done = subprocess.run(
                    words, stdout=subprocess.PIPE, stderr=complaints, text=True, check=False
                )
            if done.returncode != 0:
                said = [line for line in log.read_text().splitlines() if line.strip()]
                raise Problem(
                    f"the database could not be prepared: {said[-1] if said else 'no reason'} "
                    f"(see {log})"
                )
        return self._with_passwords(json.loads(done.stdout.splitlines()[-1]))

    def _with_passwords(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """Keep what was made once for the demo, so that the next start can show it again."""
        path = self._state.secrets / "demo.json"
        if prepared.get("demo"):
            known = json.loads(path.read_text()) if path.exists() else {}
            for user in prepared["demo"]["users"]:
                aor = f"{user['username']}@{prepared['demo']['domain']}"
                if user.get("password"):
                    known[aor] = user["password"]
                user["password"] = known.get(aor, "(as you set it)")
            self._state.write_private(path, json.dumps(known))
        return prepared

    def _start_processes(self, listens: listening.Listening) -> Supervisor:
        supervisor = Supervisor(
            all_processes(web_port=listens.web_port, web_address=listens.web_address),
            servers=self._servers,
            logs=self._state.log,
            environment=os.environ,
            on_change=lambda children: self._write(self._facts["phase"], children),
        )
        self._restarts = supervisor.server_restarts
        supervisor.take_signals()
        self._stopping.callback(supervisor.stop)
        supervisor.start(progress.done)
        return supervisor

    def _tell(self, listens: listening.Listening, prepared: dict[str, Any]) -> None:
        shown = Path(os.environ["FEDSIP_TLS_CERT"])
        facts = listens.facts() | prepared
        facts |= {"logs": str(self._state.log), "fingerprint": certificate.fingerprint(shown)}
        facts["runs_as"] = compiler.described()
        facts["media_runs_as"] = relay_compiler.described()
        text = report.after_start(facts)
        self._facts |= {key: facts[key] for key in ("dashboard", "sip", "runs_as", "media_runs_as")}
        if self._options.attached:
            self._state.write_private(self._state.run / TABLE, text)
        else:
            progress.say(text + "\nCtrl-C stops everything.")
        self._facts["phase"] = "serving"
        self._write("serving", None)

    def _write(self, phase: str, children: list[Child] | None) -> None:
        """Keep run/state.json true, for `status`, `down` and the next `up`."""
        self._facts["phase"] = phase
        if children is not None:
            rows = [child.facts() for child in children]
            self._facts["processes"] = self._server_rows() + rows
        for row in self._facts["processes"]:
            row["start_time"] = control.start_time(row["pid"])
        try:
            self._state.write_running(self._facts)
        except OSError as error:  # a disk that is full by now ends nothing that runs
            progress.complain(f"{error}; ./fedsip status shows what was before")

    def _server_rows(self) -> list[dict[str, Any]]:
        rows = []
        for name, server in self._servers.items():
            process = server.process
            alive = process is not None and process.poll() is None
            pid = process.pid if process is not None and alive else None
            state = "ready" if alive else "waiting"
            restarts = self._restarts.get(name, 0)
            rows.append({"name": name, "state": state, "pid": pid, "restarts": restarts})
        return rows


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fedsip up", description="Start everything.")
    parser.add_argument("-d", "--detach", action="store_true", help="go on in the background")
    parser.add_argument(
        "--demo", action="store_true", help="also make a tenant, a domain and two users"
    )
    parser.add_argument("--domain", default=DEMO_DOMAIN, help=f"the demo's domain ({DEMO_DOMAIN})")
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _detached(state: StateFolder, words: list[str]) -> int:
    """Start `up` in its own session, show its progress, and leave it when it serves."""
    state.make()
    (state.run / TABLE).unlink(missing_ok=True)
    kept = [word for word in words if word not in ("-d", "--detach")]
    log = state.log / "up.log"
    with log.open("ab") as output:
        offset = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "fedsip_platform.launch", "up", "--attached", *kept],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while process.poll() is None and not (state.run / TABLE).exists():
            offset = _copy(log, offset)
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
    _copy(log, offset)
    if process.poll() is not None:
        return process.returncode
    progress.say((state.run / TABLE).read_text() + "\n./fedsip down stops everything.")
    (state.run / TABLE).unlink()
    return 0


def _copy(log: Path, offset: int) -> int:
    with log.open("rb") as opened:
        opened.seek(offset)
        new = opened.read()
    sys.stdout.write(new.decode(errors="replace"))
    sys.stdout.flush()
    return offset + len(new)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
