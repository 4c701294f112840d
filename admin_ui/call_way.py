"""What becomes of a call to a user, as a line to read: what rings, then where it goes."""

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


def way_of(forwards: Sequence[Forward], devices: int) -> list[Step]:
    """The steps of a call that comes now, while so many devices are registered."""
    on = {each.condition: each for each in forwards if each.enabled}
    always = on.get(ForwardWhen.ALWAYS)
    if always is not None:
        return [Step(always.target, _("at once, no phone rings"))]
    no_answer = on.get(ForwardWhen.NO_ANSWER)
    steps = []
    if devices:
        text = ngettext("%(n)d device rings", "%(n)d devices ring", devices) % {"n": devices}
        seconds = _("%(n)d s") % {"n": no_answer.ring_seconds} if no_answer else ""
        steps.append(Step(text, seconds))
        if no_answer:
            steps.append(Step(no_answer.target, _("when nobody answers")))
    else:
        steps.append(Step(_("no device is registered")))
    for condition, words in (
        (ForwardWhen.BUSY, _("when busy")),
        (ForwardWhen.NOT_REGISTERED, _("while no device is registered")),
    ):
        if condition in on:
            steps.append(Step(on[condition].target, words))
    return steps
