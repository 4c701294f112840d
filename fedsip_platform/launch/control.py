"""`status`, `down` and `logs`: what is done to a platform that another process runs."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from fedsip_platform.launch import report
from fedsip_platform.launch.problem import NOT_RUNNING, REFUSED, Problem
from fedsip_platform.launch.state import StateFolder

DOWN_SECONDS = 90.0
POLL_SECONDS = 0.05


def status(words: list[str]) -> int:
    """Show what runs. Exit code 0: all serve; 1: something does not; 3: nothing runs."""
    parser = argparse.ArgumentParser(prog="fedsip status", description="Show what runs.")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(words)
    facts = current(StateFolder.of_environment())
    if options.json:
        print(json.dumps(facts))
    elif facts["phase"] == "down":
        print("fedsip is not running. ./fedsip up starts it.")
    else:
        print(f"fedsip is {facts['phase']} (process {facts['pid']}).\n")
        print(report.status(facts))
    if facts["phase"] == "down":
        return NOT_RUNNING
    is_well = all(process["state"] == "ready" for process in facts["processes"])
    return 0 if is_well and facts["phase"] == "serving" else REFUSED


def down(words: list[str]) -> int:
    """Stop what runs, and return when it has ended."""
    argparse.ArgumentParser(prog="fedsip down", description="Stop every process.").parse_args(words)
    state = StateFolder.of_environment()
    holder = state.holder()
    if holder is None:
        print("fedsip is not running.")
        return 0
    pid, purpose = holder
    born = start_time(pid)
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError as error:
        raise Problem(f"process {pid} ({purpose}) belongs to another user; use sudo") from error
    except ProcessLookupError:
        born = None
    print("stopping ...", flush=True)
    deadline = time.monotonic() + DOWN_SECONDS
    while state.holder() == holder or (born is not None and start_time(pid) == born):
        if time.monotonic() > deadline:
            raise Problem(f"process {pid} ({purpose}) does not end; see {state.log}")
        time.sleep(POLL_SECONDS)
    print("fedsip is down.")
    return 0


def logs(words: list[str]) -> int:
    """Show the ends of the logs by the machine's own `tail`."""
    parser = argparse.ArgumentParser(prog="fedsip logs", description="Show the logs.")
    parser.add_argument("name", nargs="*", help="proxy, relay, web, worker, beat, postgres, redis")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as they grow")
    parser.add_argument("-n", "--lines", type=int, default=20, help="lines of each (20)")
    options = parser.parse_args(words)
    folder = StateFolder.of_environment().log
    known = {path.stem: path for path in sorted(folder.glob("*.log"))}
    unknown = [name for name in options.name if name not in known]
    if unknown or not known:
        there = ", ".join(known) or "none yet"
        raise Problem(
            f"there is no log of {' or '.join(unknown) or 'anything'}; there are: {there}"
        )
    chosen = [str(known[name]) for name in options.name or known]
    tail = ["tail", "-n", str(options.lines), *(["-F"] if options.follow else []), *chosen]
    os.execvp(tail[0], tail)  # noqa: S606


def current(state: StateFolder) -> dict[str, Any]:
    """What is written about the running platform, if it still runs; else phase `down`."""
    holder = state.holder()
    facts = state.running()
    if holder is None or facts.get("pid") != holder[0]:
        starting = holder is not None and holder[1] == "up"
        return {
            "phase": "starting" if starting else "down",
            "pid": holder[0] if starting and holder else None,
            "processes": [],
        }
    return facts


def remove_leftovers(state: StateFolder) -> None:
    """End what an earlier, killed supervisor left: normally nothing, the kernel told it to end."""
    for process in state.running().get("processes", []):
        if process.get("pid") and _start_time(process["pid"]) == process.get("start_time"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process["pid"], signal.SIGKILL)
            while _start_time(process["pid"]) == process["start_time"]:
                time.sleep(POLL_SECONDS)
    state.forget_running()


def start_time(pid: int | None) -> int | None:
    """When a process started, in clock ticks: with its number, this names it for good."""
    return _start_time(pid) if pid else None


def _start_time(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])
