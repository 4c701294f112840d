"""What becomes of a call to a user, as lines to read: what rings, then where it goes; and what
happens instead when that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fedsip_platform.routing.models import Forward, ForwardWhen


@dataclass(frozen=True, slots=True)
class Step:
    """Something rings or takes the call, under a condition."""

    what: str
    when: str = ""


def way_of(forwards: Sequence[Forward], devices: int) -> list[list[Step]]:
    """A line of steps for a call that comes now, while so many devices are registered, and one for
    each other condition."""
    on = {each.condition: each for each in forwards if each.enabled}
    always = on.get(ForwardWhen.ALWAYS)
    if always is not None:
        return [[Step(always.target, _("at once, no phone rings"))]]
    if not devices:
        return [_unreachable(on.get(ForwardWhen.NOT_REGISTERED))]
    lines = [_ringing(on.get(ForwardWhen.NO_ANSWER), devices), _busy(on.get(ForwardWhen.BUSY))]
    if ForwardWhen.NOT_REGISTERED in on:
        target = on[ForwardWhen.NOT_REGISTERED].target
        lines.append([Step(_("while no device is registered")), Step(target)])
    return lines


def _unreachable(elsewhere: Forward | None) -> list[Step]:
    rest = Step(_("the call ends at once")) if elsewhere is None else Step(elsewhere.target)
    return [Step(_("no device is registered")), rest]


def _busy(elsewhere: Forward | None) -> list[Step]:
    rest = Step(_("the caller hears so")) if elsewhere is None else Step(elsewhere.target)
    return [Step(_("when busy")), rest]


def _ringing(no_answer: Forward | None, devices: int) -> list[Step]:
    rings = ngettext("%(n)d device rings", "%(n)d devices ring", devices) % {"n": devices}
    if no_answer is None:
        return [Step(rings), Step(_("until somebody answers or the caller gives up"))]
    return [
        Step(rings, _("for %(n)d s") % {"n": no_answer.ring_seconds}),
        Step(no_answer.target, _("when nobody answers")),
    ]
