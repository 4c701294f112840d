"""Where a password comes from: asked for, read from standard input, or made and shown once."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory.passwords import generated


def add_options(parser: argparse.ArgumentParser) -> None:
    """The two ways beside asking."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--password-stdin", action="store_true", help=_("read it from standard input")
    )
    ways.add_argument("--generate", action="store_true", help=_("make one and show it once"))


def add_option(parser: argparse.ArgumentParser, what: str) -> None:
    """The one way beside asking, for a password that others have given."""
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help=_("read %(what)s from standard input") % {"what": what},
    )


def of_others(options: Mapping[str, Any], *, asked: bool) -> str | None:
    """A password that others have given: read, or asked for where it is wanted and a person is
    there; None without one."""
    if options["password_stdin"]:
        return _from_stdin()
    if asked and sys.stdin.isatty():
        return getpass.getpass(_("Password of the account: "))
    return None


def chosen(options: Mapping[str, Any]) -> tuple[str, bool]:
    """The password, and whether it was made here and must be shown."""
    if options["password_stdin"]:
        return _from_stdin(), False
    if options["generate"] or not sys.stdin.isatty():
        return generated(), True
    first = getpass.getpass("Password (empty: make one): ")
    if not first:
        return generated(), True
    if getpass.getpass("The same again: ") != first:
        raise Refused(_("the two passwords differ; nothing was done."))
    return first, False


def _from_stdin() -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Refused(_("there was no password on standard input."))
    return line
