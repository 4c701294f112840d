"""The audit log in words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from admin_ui.field_words import label_of

register = template.Library()

KINDS = {
    "tenant": gettext_lazy("tenant"),
    "domain": gettext_lazy("domain"),
    "user": gettext_lazy("user"),
    "alias": gettext_lazy("alias"),
    "forward": gettext_lazy("forward"),
    "trunk": gettext_lazy("trunk"),
    "gateway": gettext_lazy("gateway"),
    "webhook": gettext_lazy("webhook"),
    "delivery": gettext_lazy("delivery"),
    "token": gettext_lazy("token"),
    "invitation": gettext_lazy("invitation"),
    "job": gettext_lazy("job"),
    "binding": gettext_lazy("device"),
    "livecall": gettext_lazy("call"),
    "allowedsource": gettext_lazy("allowed network"),
    "blockedsource": gettext_lazy("blocked address"),
    "person": gettext_lazy("person"),
    "translation": gettext_lazy("rule"),
    "ringgroup": gettext_lazy("ring group"),
    "outboundpolicy": gettext_lazy("dialling policy"),
    "federationrule": gettext_lazy("rule for a domain"),
    "allowedorigin": gettext_lazy("web site"),
    "membership": gettext_lazy("person"),
}
ACTIONS = {
    "create": gettext_lazy("made the"),
    "change": gettext_lazy("changed the"),
    "delete": gettext_lazy("deleted the"),
    "prove ownership of": gettext_lazy("proved ownership of the"),
    "own": gettext_lazy("gave to a person, or took back, the"),
    "test": gettext_lazy("sent a test to the"),
    "start": gettext_lazy("started the"),
    "hang up": gettext_lazy("hung up the"),
    "sign in": gettext_lazy("signed in:"),
    "sign out": gettext_lazy("signed out the"),
    "add second factor": gettext_lazy("set up a second factor:"),
    "remove second factor": gettext_lazy("took off a second factor:"),
    "act for": gettext_lazy("came to act for the"),
    "act no more": gettext_lazy("left the"),
}
MOST_NAMES = 4
LONGEST = 300


@register.filter
def kind_in_words(kind: str) -> Any:
    """What people call a kind of thing."""
    return KINDS.get(kind, kind)


@register.filter
def action_in_words(action: str) -> Any:
    """What was done."""
    return ACTIONS.get(action, action)


@register.filter
def field_in_words(name: str, kind: str) -> Any:
    """A field of a kind of thing, as its form calls it."""
    return label_of(kind, name)


@register.filter
def value_in_words(value: Any) -> str:
    """A value as it stands, and a word where there is none."""
    match value:
        case None | "" | []:
            return _("none")
        case bool():
            return _("yes") if value else _("no")
        case list():
            return ", ".join(str(each) for each in value)[:LONGEST]
        case _:
            return str(value)[:LONGEST]


@register.filter
def names_of_changes(changes: dict[str, Any], kind: str) -> str:
    """The fields that changed, or how many where they are many."""
    names = [str(label_of(kind, name)) for name in changes]
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return _("%(n)d fields") % {"n": len(names)}
