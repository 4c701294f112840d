"""Routing: a domain's rules in the order in which they are tried, and their editor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from admin_ui import forms
from admin_ui.confirm import ask_first
from admin_ui.frame import Place, tenant_page
from admin_ui.rehearsal import rehearsed
from admin_ui.routing_frame import about, list_address
from fedsip_platform.audit.models import Entry
from fedsip_platform.calls import queries
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory import history, rule_order, services
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.routing import effect

MOST_SHOWN = 100
HITS_COUNTED = timedelta(days=7)
EDITOR = "rule-form"
"""The id of the form that writes a rule."""


@require_GET
@tenant_page("routing")
def rules(request: HttpRequest) -> HttpResponse:
    """The rules of one domain; `?dialled=` rehearses a call."""
    place = about(request, "routing")
    domain = place["domain"]
    tried = rehearsed(request.GET, domain) if domain is not None else {}
    context = _context(request.place, **place, **tried)
    return render(request, "admin_ui/routing/rules.html", context)


@tenant_page("routing")
def new(request: HttpRequest, domain_key: UUID) -> HttpResponse:
    """Write a rule for a domain."""
    place: Place = request.place
    chosen = place.scope.visible(Domain.objects.select_related("tenant"))
    domain = get_object_or_404(chosen, public_id=domain_key)
    form = forms.RuleForm(request.POST or None, instance=Translation(domain=domain))
    return _edited(
        request,
        form,
        lambda: forms.attempt(form, lambda given: services.create_translation(domain, **given)),
        _("The rule is in force."),
        heading=_("New rule"),
    )


@tenant_page("routing")
def rule(request: HttpRequest, key: UUID) -> HttpResponse:
    """Change a rule."""
    found = _find(request.place, key)
    form = forms.RuleForm(request.POST or None, instance=found)
    changed = lambda given: services.update_translation(found, **forms.changed(form))  # noqa: E731
    return _edited(
        request,
        form,
        lambda: forms.attempt(form, changed),
        _("Saved; the rule is in force."),
        heading=_("Rule"),
        rule=found,
    )


@require_POST
@tenant_page("routing")
def switch(request: HttpRequest, key: UUID) -> HttpResponse:
    """Turn a rule on or off; the same again undoes it."""
    found = _find(request.place, key)
    services.update_translation(found, enabled=not found.enabled)
    text = _("The rule is on.") if found.enabled else _("The rule is off; calls pass it by.")
    undo = reverse("rule-switch", args=[request.place.tenant.slug, key])
    messages.success(request, text, extra_tags=f"undo:{undo}")
    return redirect(_list_address(request.place, found.domain))


@tenant_page("routing")
def delete(request: HttpRequest, key: UUID) -> HttpResponse:
    """Ask, then delete."""
    found = _find(request.place, key)
    back = _list_address(request.place, found.domain)
    return ask_first(
        request,
        lambda: services.delete_translation(found),
        done=_("The rule is deleted."),
        to=back,
        heading=_("Delete this rule"),
        consequence=_("From the next call on, calls pass to the rule behind it."),
        button=_("Delete the rule"),
        back=back,
        undo=lambda: _bringing_back(request.place, found.domain, key),
    )


def _bringing_back(place: Place, domain: Domain, key: UUID) -> str:
    entries = history.of_domain(domain, place.scope.visible(Entry.objects.all()), rule=key)
    deleted = entries.latest("pk")
    return reverse("rule-restore", args=[place.tenant.slug, domain.public_id, deleted.public_id])


@require_POST
@tenant_page("routing")
def order(request: HttpRequest, domain_key: UUID) -> HttpResponse:
    """`rule` many times: the new order after one was moved; or `move` and `by` of a button."""
    domain = get_object_or_404(
        request.place.scope.visible(Domain.objects.select_related("tenant")), public_id=domain_key
    )
    shown = list(_ordered(domain))
    wanted = _wanted(shown, request.POST)
    moved = _moved([rule.pk for rule in shown], [rule.pk for rule in wanted])
    if moved is not None:
        at = [rule.pk for rule in wanted].index(moved)
        before = wanted[at - 1] if at else None
        after = wanted[at + 1] if at + 1 < len(wanted) else None
        rule_order.place(wanted[at], before=before, after=after)
    if request.headers.get("HX-Request") == "true":
        context = _context(request.place, domain)
        return render(request, "admin_ui/routing/rule_list.html", context)
    return redirect(_list_address(request.place, domain))


def _edited(
    request: HttpRequest,
    form: forms.RuleForm,
    write: Callable[[], Translation | None],
    done: str,
    **shown: Any,
) -> HttpResponse:
    """The editor. `try` rehearses a call and `effect` looks back, both with the rule as it is
    typed; else it is written, once the person has seen which calls would go elsewhere."""
    place: Place = request.place  # type: ignore[attr-defined]
    posted, domain = request.POST, form.instance.domain
    context: dict[str, Any] = {**shown, "form": form, "domain": domain}
    if request.method == "POST" and "try" not in posted and form.is_valid():
        calls = place.scope.visible(CallRecord.objects.all())
        found = effect.of_rule(form.instance, calls, now=timezone.now())
        seen = _digest(form)
        if "effect" not in posted and (not found.amount or posted.get("seen") == seen):
            if write() is not None:
                messages.success(request, f"{done} {_looked_back(found)}".strip())
                return redirect(_list_address(place, domain))
        else:
            context |= {"effect": found, "seen": seen, "is_asked": "effect" not in posted}
    return render(request, "admin_ui/routing/rule.html", {**context, **_tried(request, form)})


def _tried(request: HttpRequest, form: forms.RuleForm) -> dict[str, Any]:
    """A call that is rehearsed beside the editor: with what was typed where that makes a rule."""
    domain = form.instance.domain
    if not request.place.may_change:  # type: ignore[attr-defined]
        return rehearsed(request.GET, domain)
    if not request.POST.get("dialled"):
        return rehearsed({}, domain, of_form=EDITOR)
    if not form.is_valid():
        return {**rehearsed({}, domain, of_form=EDITOR), "is_incomplete": True}
    return rehearsed(request.POST, domain, draft=form.instance, of_form=EDITOR)


def _digest(form: forms.RuleForm) -> str:
    """Of what was typed: what a person has seen is the effect of this and of nothing else."""
    return sha256(repr(sorted(form.cleaned_data.items())).encode()).hexdigest()


def _looked_back(found: effect.Effect) -> str:
    if not found.calls:
        return ""
    if not found.amount:
        return ngettext(
            "The call of the last 30 days would have gone where it went.",
            "All %(n)s calls of the last 30 days would have gone where they went.",
            found.calls,
        ) % {"n": intcomma(found.calls)}
    return ngettext(
        "%(n)s call of the last 30 days would have gone elsewhere.",
        "%(n)s calls of the last 30 days would have gone elsewhere.",
        found.amount,
    ) % {"n": intcomma(found.amount)}


def _context(place: Place, domain: Domain | None, **more: Any) -> dict[str, Any]:
    shown = list(_ordered(domain)) if domain is not None else []
    weights = Counter[int]()
    for rule in shown:
        weights[rule.priority] += rule.weight
    calls = place.scope.visible(CallRecord.objects.all())
    hits = queries.calls_by_rule(
        calls, [rule.pk for rule in shown], since=timezone.now() - HITS_COUNTED
    )
    verdicts = {verdict["id"]: verdict for verdict in more.get("verdicts", ())}
    for rule in shown:
        rule.hits = hits.get(rule.pk, 0)
        rule.all_weights = weights[rule.priority]
        rule.verdict = verdicts.get(str(rule.public_id))
    return {**more, "domain": domain, "rules": shown, "most": MOST_SHOWN}


def _ordered(domain: Domain) -> Any:
    chosen = domain.translations.select_related("domain__tenant")
    return chosen.order_by("priority", "pk")[:MOST_SHOWN]


def _wanted(shown: list[Translation], posted: Any) -> list[Translation]:
    by_key = {str(rule.public_id): rule for rule in shown}
    if posted.get("move") in by_key:
        moving = by_key[posted["move"]]
        others = [rule for rule in shown if rule is not moving]
        step = -1 if posted.get("by") == "up" else 1
        at = max(0, shown.index(moving) + step)
        return [*others[:at], moving, *others[at:]]
    keys = posted.getlist("rule")
    if set(keys) != set(by_key) or len(keys) != len(shown):
        return shown  # somebody else changed the list meanwhile: show it as it is
    return [by_key[key] for key in keys]


def _moved(before: list[int], after: list[int]) -> int | None:
    """Which one was taken out and put elsewhere: without it both orders are the same."""
    differing = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    for candidate in differing[0] if differing else ():
        if [x for x in before if x != candidate] == [x for x in after if x != candidate]:
            return candidate
    return None


def _find(place: Place, key: UUID) -> Translation:
    chosen = place.scope.visible(Translation.objects.select_related("domain__tenant"))
    return get_object_or_404(chosen, public_id=key)


def _list_address(place: Place, domain: Domain) -> str:
    return list_address("routing", place.tenant.slug, domain)
