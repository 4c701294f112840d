"""Django's commands, with the running platform's database or a short-lived one of their own."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import django
from django.core import management

from fedsip_platform.launch import postgres, preflight, settings_list
from fedsip_platform.launch.postgres import EmbeddedPostgres
from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.state import StateFolder

OURS = Path(__file__).resolve().parents[1] / "cli" / "management"


def run(words: list[str]) -> int:
    """Run one of Django's commands; it ends the process itself when it fails."""
    preflight.refuse_unknown_names(os.environ, settings_list.names())
    state = StateFolder.of_environment()
    os.environ["FEDSIP_STATE_DIR"] = str(state.path)
    if {"-h", "--help"} & set(words):
        os.environ.update(settings_list.BARE | os.environ)  # help asks for nothing
    with ExitStack() as stopping:
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = _embedded_url(state, words, stopping)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fedsip_platform.settings")
        django.setup()  # the apps' commands are not known before
        _refuse_unknown_command(words[0], management.get_commands())
        management.execute_from_command_line(["fedsip", *words])
    return 0


def _refuse_unknown_command(word: str, known: Collection[str]) -> None:
    if word in known:
        return
    near = difflib.get_close_matches(word, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise Problem(f"there is no command {word}; {meant}./fedsip help lists them")


def _embedded_url(state: StateFolder, words: list[str], stopping: ExitStack) -> str:
    """The running platform's database; without one, start it for this command alone."""
    holder = state.holder()
    if holder is not None and holder[1] == "up":
        url = postgres.running_url(state.path)
        if url is None:
            raise Problem("fedsip is just starting or stopping; try again in a moment")
        return url
    if not postgres.data_folder(state.path).exists():
        folders = [str(OURS), *management.__path__]
        _refuse_unknown_command(words[0], set(chain(*map(management.find_commands, folders))))
        raise Problem(
            f"there is no database in {state.path} yet; ./fedsip up makes it (or set DATABASE_URL)"
        )
    state.make()
    state.lock(" ".join(words[:2]))
    stopping.callback(state.unlock)
    server = EmbeddedPostgres(state.path)
    stopping.callback(server.stop)
    return server.start()
