"""How routing's things are said in templates: addresses short, health and classes in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fedsip_platform.directory.models import Domain
from fedsip_platform.routing.checks import CLASSES
from fedsip_platform.routing.models import Gateway, OutboundPolicy, registration_of

register = template.Library()

NO_ANSWER = 408


@dataclass(frozen=True, slots=True)
class Health:
    """How the proxies find a gateway."""

    colour: str
    words: str
    since: datetime | None = None


@register.filter
def health(gateway: Gateway) -> Health:
    """Alive where every proxy finds it so."""
    if not gateway.enabled:
        return Health("", _("off"))
    found = list(gateway.health.all())
    if not found:
        return Health("", _("not asked yet"))
    dead = [each for each in found if not each.is_alive]
    since = max(each.changed_at for each in dead or found)
    if not dead:
        times = [each.round_trip_ms for each in found if each.round_trip_ms is not None]
        return Health("good", _("answers in %(n)d ms") % {"n": max(times, default=0)}, since)
    if len(dead) == len(found):
        return Health("bad", _("does not answer"), since)
    text = ngettext("%(n)d proxy gets no answer", "%(n)d proxies get no answer", len(dead))
    return Health("warn", text % {"n": len(dead)}, since)


@register.filter
def registration(gateway: Gateway) -> Health:
    """How it stands with it, where its trunk registers."""
    found = registration_of(gateway)
    if found is None:
        return Health("", _("not registered yet"))
    if found.is_in_force(now=timezone.now()):
        return Health("good", _("registered"), found.changed_at)
    if found.status == NO_ANSWER:
        return Health("bad", _("does not answer our registration"), found.changed_at)
    said = {"status": found.status, "reason": found.reason}
    words = _("refuses our registration (%(status)s %(reason)s)") % said
    return Health("bad", words, found.changed_at)


@register.filter
def own(address: str, domain: Domain) -> str:
    """An address as people of that domain say it."""
    return address.removesuffix(f"@{domain.name}")


@register.filter
def classes(policy: OutboundPolicy) -> list[Any]:
    """What may be called, in words."""
    return [label for name, label in CLASSES if name in policy.classes]


@register.filter
def may_all(policy: OutboundPolicy) -> bool:
    """Whether no kind of number is left out."""
    return {name for name, _label in CLASSES} <= set(policy.classes)
