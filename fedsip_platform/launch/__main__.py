"""`./fedsip WORDS`: the launcher's own words here, all others to Django's commands."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fedsip_platform.launch import (
    build,
    commands,
    control,
    foreground,
    progress,
    settings_list,
    testing,
    up,
)
from fedsip_platform.launch.postgres import PostgresError
from fedsip_platform.launch.problem import REFUSED, Problem

INTERRUPTED = 130

OWN_WORDS: dict[str, Callable[[list[str]], int]] = {
    "up": up.up,
    "down": control.down,
    "status": control.status,
    "logs": control.logs,
    "run": foreground.run,
    "settings": settings_list.show,
    "build": build.build,
    "test": testing.test,
}

HELP = """\
fedsip: a hosted, federated SIP platform

  ./fedsip up [--demo] [-d]      start everything (-d: in the background)
  ./fedsip status | down | logs  what runs; stop it; what it says
  ./fedsip run web|proxy|relay|worker|prepare   one process, for containers
  ./fedsip build                 compile the proxy; the dashboard's pages (`up` makes these itself)
  ./fedsip settings              every setting, with its default
  ./fedsip test [--fast]         the test suite

  ./fedsip tenant ...            add, list, disable, enable tenants
  ./fedsip domain ...            add, list, show, set, delete domains
  ./fedsip user ...              add, list, disable, enable, delete users; set passwords
  ./fedsip registrations ...     who is registered from where; drop a registration
  ./fedsip admin ...             people who may sign in to the dashboard
  ./fedsip blocks list           addresses that are blocked

Every command explains itself with --help. The README tells the story.
"""


def main(words: list[str]) -> int:
    """Run one command; a Problem becomes one line and an exit code."""
    if not words or words[0] in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0
    run = OWN_WORDS.get(words[0])
    try:
        return run(words[1:]) if run else commands.run(words)
    except Problem as problem:
        progress.complain(problem.message)
        return problem.exit_code
    except PostgresError as problem:
        progress.complain(str(problem))
        return REFUSED
    except KeyboardInterrupt:
        progress.complain("stopped")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
