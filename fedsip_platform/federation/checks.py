"""Checks of hosted domains: whether their DNS and our certificate are as others need them.

The result is kept with what changed since the check before. What has become worse is told to the
tenant's webhooks (`domain.check_failed`), and by letter where all was well before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import conf
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform import mail
from fedsip_platform.directory.models import Domain
from fedsip_platform.live import models as live
from fedsip_platform.tenants.models import Person, Role
from fedsip_platform.webhooks import services as webhooks
from fedsip_platform.webhooks.models import Event
from proxy.locate.rfc3263 import LocateError
from proxy.settings import ProxySettings

from . import certificates, dns_records, locating, ownership, shown
from .certificates import Held
from .dns_records import Checked, Record
from .models import CheckState, DomainCheck

logger = logging.getLogger(__name__)

_STATES = {
    "published": gettext_lazy("published"),
    "missing": gettext_lazy("missing"),
    "different": gettext_lazy("different"),
    "unknown": gettext_lazy("unknown"),
    "not asked": gettext_lazy("not asked"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What one check has found."""

    records: list[dict[str, Any]]
    certificate: dict[str, Any]
    problems: list[str]
    is_certain: bool
    """Whether the DNS answered all questions and the certificate could be read."""

    @property
    def state(self) -> str:
        """Problems count even where not all could be asked."""
        if self.problems:
            return CheckState.FAILING
        return CheckState.FINE if self.is_certain else CheckState.UNKNOWN


def want(domain: Domain) -> None:
    """Note that somebody asks for a check; a worker makes it (tasks/checks.py)."""
    DomainCheck.objects.update_or_create(domain=domain, defaults={"wanted_at": timezone.now()})


def check(domains: Sequence[Domain], *, ask_hops: bool = False) -> list[DomainCheck]:
    """Check these domains now and keep the results; waits for the DNS.

    `ask_hops` also asks who answers where the DNS leads, and for the proof of ownership anew.
    """
    ownership.check_all([domain for domain in domains if ask_hops or not domain.is_served])
    site = dns_records.this_site()
    settings = ProxySettings.from_env()
    wanted = [dns_records.records(domain.name, site) for domain in domains]
    checked = dns_records.check_all(wanted)
    now = timezone.now()
    kept = []
    for domain, to_publish, records in zip(domains, wanted, checked, strict=True):
        held = certificates.served(domain.name, settings)
        with translation.override(conf.settings.LANGUAGE_CODE):  # compared with earlier ones
            made = keep(domain, found_of(domain.name, records, held, now), now)
        if made is not None and ask_hops:
            located = locating.locate(locating.read_uri(domain.name), ask_hops=True)
            made.located = shown.of_located(located)
            made.authorities = _at_authorities(domain, to_publish)
            made.save(update_fields=["located", "authorities"])
        kept.append(made)
    return [each for each in kept if each is not None]


def _at_authorities(domain: Domain, to_publish: list[Record]) -> list[dict[str, Any]]:
    """What each of the zone's own servers has of them and of the proof; none where the zone has
    no servers."""
    wanted = [*to_publish, ownership.record(domain)]
    try:
        asked = dns_records.check_at_authorities(domain.name, wanted)
    except LocateError as error:
        logger.info("no servers of the zone domain=%s: %s", domain.name, error)
        return []
    return [shown.of_server(each) for each in asked]


def found_of(domain: str, checked: list[Checked], held: Held | None, now: datetime) -> Found:
    """What the answers mean."""
    problems = [_problem(each) for each in checked if each.state in ("missing", "different")]
    if held is not None:
        problems += held.problems(domain, now)
    return Found(
        [shown.of_dns_record(each) for each in checked],
        {} if held is None else held.as_json(),
        problems,
        held is not None and all(each.state != "unknown" for each in checked),
    )


def changes_between(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """What is no longer as it was with records, in sentences."""
    states = {_name(each): each["state"] for each in before}
    changed = [
        _("%(record)s: %(before)s, now %(now)s")
        % {
            "record": _name(each),
            "before": _STATES[states.get(_name(each), "not asked")],
            "now": _STATES[each["state"]],
        }
        for each in after
        if states.get(_name(each)) != each["state"]
    ]
    names = {_name(each) for each in after}
    return changed + [
        _("%(name)s: no longer needed") % {"name": name} for name in states if name not in names
    ]


@transaction.atomic
def keep(domain: Domain, found: Found, now: datetime) -> DomainCheck | None:
    """Keep a result, note what changed, and tell what became worse. None: the domain is gone."""
    try:
        with transaction.atomic():
            kept, _is_new = DomainCheck.objects.select_for_update().get_or_create(domain=domain)
    except IntegrityError:
        return None
    is_first = kept.checked_at is None
    earlier = list(kept.problems)
    gone = [
        _("No longer: %(problem)s") % {"problem": each}
        for each in earlier
        if each not in found.problems
    ]
    changed = [] if is_first else changes_between(kept.records, found.records) + gone
    if is_first or changed or found.problems != earlier:
        kept.changes, kept.changed_at = changed, now
    kept.state, kept.checked_at, kept.problems = found.state, now, found.problems
    kept.records, kept.certificate = found.records, found.certificate
    kept.wanted_at = None
    kept.save()
    live.publish("check", kept.state, tenant=domain.tenant, key=str(domain.public_id))
    if set(found.problems) - set(earlier):
        webhooks.publish(domain.tenant, Event.CHECK_FAILED, _event(kept))
        if not earlier and not is_first:
            _write_letters(kept)
    return kept


def _write_letters(kept: DomainCheck) -> None:
    roles = (Role.OWNER, Role.ADMIN)
    people = Person.objects.filter(
        memberships__tenant=kept.domain.tenant, memberships__role__in=roles, is_active=True
    )
    for person in people:
        mail.send("federation/mail/check_failed", person.email, {"check": kept})


def _event(kept: DomainCheck) -> dict[str, Any]:
    return {
        "domain": kept.domain.name,
        "problems": kept.problems,
        "changes": kept.changes,
        "checked_at": kept.checked_at.isoformat(),
    }


def _problem(checked: Checked) -> str:
    record = checked.record
    if checked.state == "missing":
        return _("%(kind)s of %(name)s is missing: %(value)s") % {
            "kind": record.kind,
            "name": record.name,
            "value": record.value,
        }
    there = ", ".join(checked.found)
    return _("%(kind)s of %(name)s is %(there)s instead of %(value)s") % {
        "kind": record.kind,
        "name": record.name,
        "there": there,
        "value": record.value,
    }


def _name(record: dict[str, Any]) -> str:
    return _("%(kind)s of %(name)s (%(value)s)") % record
