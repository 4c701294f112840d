"""`./fedsip WORDS`: the launcher's own words here, all others to Django's commands."""

from __future__ import annotations

import os
import signal
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

PIPE_CLOSED = 128 + signal.SIGPIPE  # as of programs that the signal ends
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

What is served:
  tenant         tenants: add, list, disable, enable; their limits
  usage          a tenant's limits, and how much of each is used
  domain         domains and their policies
  dns            the DNS records by which others find a domain, and whether they are published
  checks         what a domain's DNS and certificate are like
  user           SIP users: add, list, disable, enable, delete; passwords
  registrations  who is registered from where; drop a registration

Where calls go:
  rule           translations: where the calls of a domain's users go
  translate      what would become of a call, rule by rule, without placing it
  locate         how a SIP address is found: questions, servers, who answers
  alias          further names and numbers of users and ring groups
  forward        where calls to a user go instead: always, busy, no_answer, not_registered
  group          ring groups
  trunk          carriers, their gateways and whether they live
  policy         what users may dial, and as whom
  federation     which other domains ours call and are called by; what was refused

What happens:
  health         whether proxies, relays, the domains' DNS and certificates are well
  node           proxies, and the media relays that they reach
  calls          calls that go on and have ended; hang up
  trace          the SIP messages of one call, as a ladder
  blocks         addresses that are ignored for a while, and networks that never are
  audit          who changed what

People and programs:
  admin          people who sign in to the dashboard: make them, new password
  people         who looks after a tenant, in which role
  phone          the phone of somebody in the dashboard, whom she calls often, passes
  invitation     letters that let people join a tenant, or make a SIP user their own
  token          API tokens
  webhook        addresses that are told what happens
  origin         web sites whose pages may telephone through the platform

Moving in and out:
  import         domains, users and rules of OpenSIPS, Kamailio or federated-sip
  export         a domain's rules, users or itself as CSV or JSON
  job            long work: imports and exports

Every command explains itself with --help. The README tells the story.
"""


def main(words: list[str]) -> int:
    """Run one command; a Problem becomes one line and an exit code."""
    if not words or words[0] in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0
    run = OWN_WORDS.get(words[0])
    try:
        code = run(words[1:]) if run else commands.run(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read has had enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
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
