"""Django's commands, with the running platform's database or a short-lived one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack

from fedsip_platform.launch import postgres, preflight, settings_list
from fedsip_platform.launch.postgres import EmbeddedPostgres
from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.state import ROOT, StateFolder


def run(words: list[str]) -> int:
    """manage.py WORDS; its exit code is ours."""
    preflight.refuse_unknown_names(os.environ, settings_list.names())
    state = StateFolder.of_environment()
    os.environ["FEDSIP_STATE_DIR"] = str(state.path)
    with ExitStack() as stopping:
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = _embedded_url(state, words, stopping)
        manage = [sys.executable, "-P", str(ROOT / "manage.py"), *words]
        return subprocess.run(manage, check=False).returncode


def _embedded_url(state: StateFolder, words: list[str], stopping: ExitStack) -> str:
    """The running platform's database; without one, start it for this command alone."""
    holder = state.holder()
    if holder is not None and holder[1] == "up":
        url = postgres.running_url(state.path)
        if url is None:
            raise Problem("fedsip is just starting or stopping; try again in a moment")
        return url
    if not (state.path / "postgres" / "data").exists():
        raise Problem(
            f"there is no database in {state.path} yet; ./fedsip up makes it (or set DATABASE_URL)"
        )
    state.make()
    state.lock(" ".join(words[:2]))
    stopping.callback(state.unlock)
    server = EmbeddedPostgres(state.path)
    stopping.callback(server.stop)
    return server.start()
