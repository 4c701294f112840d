"""`./fedsip run NAME`: one process in the foreground, for containers and service managers.

`prepare` makes keys, certificate, tables and the first administrator, once, before the others.
"""

from __future__ import annotations

import argparse
import os
import sys

from fedsip_platform.launch import keys, listening, preflight, settings_list
from fedsip_platform.launch.problem import BAD_SETTING, Problem
from fedsip_platform.launch.processes import all_processes
from fedsip_platform.launch.state import ROOT, StateFolder

NAMES = ("web", "proxy", "relay", "worker")


def run(words: list[str]) -> int:
    """Become that process; its signals and its exit code are then ours."""
    parser = argparse.ArgumentParser(prog="fedsip run", description=__doc__)
    parser.add_argument("name", choices=[*NAMES, "prepare"])
    options = parser.parse_args(words)
    preflight.refuse_unknown_names(os.environ, settings_list.names())
    preflight.check_files(os.environ)
    for name in ("DATABASE_URL", "FEDSIP_BROKER_URL"):
        if not os.environ.get(name) and options.name != "relay":
            raise Problem(f"{name} must be set for a process of its own", exit_code=BAD_SETTING)
    state = StateFolder.of_environment()
    state.make()
    keys.make(state, further_names=[])
    if options.name == "prepare":
        manage = [sys.executable, "-P", str(ROOT / "manage.py"), "prepare"]
        os.execv(manage[0], manage)  # noqa: S606
    listens = listening.from_environment()
    specs = all_processes(web_port=listens.web_port, web_address=listens.web_address)
    [spec] = [spec for spec in specs if spec.name == options.name]
    os.execv(spec.words[0], spec.words)  # noqa: S606
