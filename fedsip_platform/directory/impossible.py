"""A rule does what it does in the proxy, by the same function, before it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _

from proxy.directory.samples import samples
from proxy.directory.translate import TranslationError, apply, escaped_user
from proxy.sip.uri import SipUri

from .proxy_rows import rule_row

if TYPE_CHECKING:
    from .models import Translation


def refuse(rule: Translation) -> None:
    """Raise ValidationError for a rule whose fields are fine, but that makes a SIP URI of none of
    the calls that it is for."""
    row = rule_row(rule, rule.domain)
    host = (rule.request_domain or rule.domain.name).encode()
    users = samples(rule.match_regex) if rule.match_regex else ["0" * (rule.tran_strip + 1)]
    said: dict[str, Any] = {}
    for user in users:
        try:
            apply(row, SipUri(b"sip", escaped_user(user.encode()), host))
        except TranslationError as error:
            said = said or {"dialled": _short(user), "why": error.why}
        else:
            return
    if said:
        field = next((name for name in _MAKERS if getattr(rule, name)), NON_FIELD_ERRORS)
        reason = _("Whoever is dialled, %(dialled)s for one, this makes no SIP address: %(why)s.")
        raise ValidationError({field: reason % said})


_MAKERS = ("tran_user", "tran_strip", "match_regex")
_LONGEST_SHOWN = 40


def _short(user: str) -> str:
    return user if len(user) <= _LONGEST_SHOWN else f"{user[:_LONGEST_SHOWN]}..."
