"""How commands speak: tables for people, JSON for programs, one sentence for every error."""

from __future__ import annotations

import argparse
import datetime
import getpass
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import get_commands
from django.db import DatabaseError, OperationalError, ProgrammingError
from django.utils import translation
from django.utils.translation import gettext as _

from fedsip_platform.audit import actor
from fedsip_platform.audit.actor import Actor
from fedsip_platform.audit.models import Via
from fedsip_platform.changes import ServiceError
from fedsip_platform.launch import report

REFUSED = 1
UNWELL = 1
OWN_APP = "fedsip_platform.cli"
LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")

Verb = Callable[[Mapping[str, Any]], None]
Row = Mapping[str, Any]

# Django's own options; they work, and only crowd the help of an administrator's command.
DJANGO_OPTIONS = {
    "--version",
    "--verbosity",
    "--settings",
    "--pythonpath",
    "--traceback",
    "--no-color",
    "--force-color",
    "--skip-checks",
}


class Refused(Exception):
    """What was asked cannot be done; the message is one sentence."""


def verb(verbs: Any, name: str, run: Verb, *, help: str) -> argparse.ArgumentParser:
    """One verb of a word, which `act` will run; every verb speaks JSON."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help, description=help)
    parser.add_argument("--json", action="store_true", help=_("for programs"))
    parser.set_defaults(run=run)
    return parser


def fields_help(names: Iterable[str]) -> str:
    """What `--help` says of `field=value`."""
    return _("field=value; fields: %(fields)s") % {"fields": ", ".join(names)}


def columns_help(names: Iterable[str]) -> str:
    """What `--help` says of a file with these columns."""
    return _("with the columns %(columns)s") % {"columns": ", ".join(names)}


def act(options: Mapping[str, Any]) -> None:
    """Run the chosen verb; an error ends the command with its sentence and exit code 1."""
    try:
        with (
            translation.override(language(os.environ)),
            actor.acting(Actor(f"{getpass.getuser()} at the command line", Via.CLI)),
        ):
            options["run"](options)
    except (Refused, ServiceError) as error:
        _end(str(error))
    except ValidationError as error:
        _end(" ".join(error.messages))
    except ProgrammingError as error:
        if "does not exist" not in str(error):
            raise
        _end(_("the database has no tables of this version yet; ./fedsip up or ./fedsip migrate"))
    except OperationalError as error:
        _end(_("the database cannot be reached: %(why)s") % {"why": _one_line(error)})
    except DatabaseError as error:
        _end(_("the database refused: %(why)s") % {"why": _one_line(error)})


@contextmanager
def terminal_language(words: Sequence[str]) -> Iterator[None]:
    """Speak the language of the terminal while one of our own commands is read: its `--help`."""
    if words and get_commands().get(words[0]) == OWN_APP:
        with translation.override(language(os.environ)):
            yield
    else:
        yield


def language(environment: Mapping[str, str]) -> str:
    """The language of the terminal (POSIX: LC_ALL, LC_MESSAGES, LANG), if it is one of ours."""
    said = next(filter(None, (environment.get(name) for name in LOCALES)), "")
    wanted = said.partition(".")[0].replace("_", "-").lower()
    try:
        return translation.get_supported_language_variant(wanted)
    except LookupError:
        return str(settings.LANGUAGE_CODE)


def show(rows: Sequence[Row], columns: Mapping[str, str], options: Mapping[str, Any]) -> None:
    """Rows as a table under these titles (key: title), or all they hold as JSON."""
    if options["json"]:
        print(json.dumps([dict(row) for row in rows], default=_plain))
        return
    if not rows:
        print(_("(none)"))
        return
    cells = [[str(title).upper() for title in columns.values()]]
    cells += [[text(row[key]) for key in columns] for row in rows]
    print(report.table(cells, indent=""))


def show_one(row: Row, options: Mapping[str, Any]) -> None:
    """One thing with all it holds, a line for each."""
    if options["json"]:
        print(json.dumps(dict(row), default=_plain))
        return
    print(report.table([[key, text(value)] for key, value in row.items()], indent=""))


def done(sentence: str, row: Row, options: Mapping[str, Any]) -> None:
    """What was done: a sentence, or the thing itself as JSON."""
    print(json.dumps(dict(row), default=_plain) if options["json"] else sentence)


def end_as_unwell() -> NoReturn:
    """All was told, and it is not as it should be: exit code 1, for scripts that look at that."""
    sys.exit(UNWELL)


def confirm(question: str, options: Mapping[str, Any]) -> None:
    """Ask before something is lost; `--yes` answers, and without a terminal nothing is done."""
    if options["yes"]:
        return
    if not sys.stdin.isatty():
        raise Refused(_("%(question)s Say --yes to do it.") % {"question": question})
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused(_("nothing was done."))


def text(value: Any) -> str:
    """A value as people read it in a table."""
    match value:
        case None:
            return "-"
        case bool():
            return "on" if value else "off"
        case list():
            return ", ".join(text(each) for each in value) or "-"
        case datetime.datetime():
            return value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        case _:
            return str(value) or "-"


def _plain(value: Any) -> str:
    match value:
        case datetime.datetime():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form here")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _end(sentence: str) -> None:
    print(f"fedsip: {sentence}", file=sys.stderr)
    sys.exit(REFUSED)
