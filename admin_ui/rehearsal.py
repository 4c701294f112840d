"""“Try it”: what a page of rules shows of a call that is not placed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from admin_ui import forms
from admin_ui.dns_tree import tree_of
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.federation import shown as shown_forms
from fedsip_platform.routing import trying

MOST_RULES = 100


def rehearsed(
    given: Mapping[str, Any], domain: Domain, *, draft: Translation | None = None, of_form: str = ""
) -> dict[str, Any]:
    """Context of a page that tries a call of what a person gave, nothing where nothing is dialled.

    `draft` is a rule that is being written: it counts as it is in memory. `of_form` is the id of
    the form on the page that the fields belong to, where they stand outside of it.
    """
    if "dialled" not in given:
        return {"trial_form": forms.TrialForm(of_form=of_form)}
    form = forms.TrialForm(given, of_form=of_form)
    trial = forms.attempt(form, lambda typed: _try(domain, typed, draft))
    if trial is None:
        return {"trial_form": form}
    servers = [tree_of(shown_forms.of_located(located)) for located in trial.located]
    return {
        "trial_form": form,
        "trial": trial,
        "is_lost": bool(trial.status or (servers and all(each.error for each in servers))),
        "verdicts": list(trying.shown_verdicts(trial, most=MOST_RULES)),
        "dialled": trial.dialled.serialise().decode(),
        "made": trial.request_uri.serialise().decode(),
        "servers": servers,
    }


def _try(domain: Domain, typed: dict[str, Any], draft: Translation | None) -> trying.Trial:
    return trying.try_call(
        domain,
        _name(typed["caller"], domain),
        typed["dialled"],
        user_agent=typed["user_agent"],
        at=typed["at"] or timezone.now(),
        draft=draft,
    )


def _name(caller: str, domain: Domain) -> str:
    name, _at, host = caller.strip().lower().partition("@")
    if host not in ("", domain.name):
        raise ServiceError("caller", _("Give a user of %(domain)s.") % {"domain": domain})
    return name
