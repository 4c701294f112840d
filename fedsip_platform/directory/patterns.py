"""Checks of a translation's expression, of its hours and of the user that it makes."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from proxy.directory.hours import HoursError, parse_hours
from proxy.directory.patterns import PatternError, check, compile_pattern

from . import names

_GROUP = re.compile(r"\\(.)|\\\Z", re.DOTALL)


def check_pattern(text: str) -> None:
    """Refuse an expression that the proxy would refuse, with its reason."""
    try:
        check(text)
    except (PatternError, UnicodeEncodeError) as error:
        raise ValidationError(
            _("This expression does not work: %(error)s.") % {"error": error}
        ) from error


def check_hours(text: str) -> None:
    """Refuse hours that the proxy would not understand."""
    try:
        parse_hours(text)
    except HoursError as error:
        raise ValidationError(str(error)) from error


def user_template_problem(template: str, pattern: str) -> str | None:
    r"""Why `template` cannot make the user of a SIP URI from a match of `pattern`, or None."""
    groups = -1  # without an expression there is not even \0
    if pattern:
        try:
            groups = compile_pattern(pattern).groups
        except (PatternError, UnicodeEncodeError):
            return None  # told about the expression itself
    for found in _GROUP.finditer(template):
        digit = found.group(1)
        if digit is None or not digit.isascii() or not digit.isdigit():
            return _(r"A backslash is only for groups: \0 to \9.")
        if int(digit) > groups:
            return _("%(group)s names a group that the expression does not have.") % {
                "group": found.group()
            }
    rest = _GROUP.sub("", template)
    if rest:
        try:
            names.check_username(rest)
        except ValidationError as error:
            return str(error.messages[0])
    return None
