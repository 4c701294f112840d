"""Whose a domain is: its owner publishes a TXT record that only this platform could have asked for.

What the record says is made of the domain's and the tenant's name with a key of ours, so nothing is
kept to compare with, and what was published for one tenant proves nothing for another. Until the
proof, or an operator's word, proxies do not know the domain: calls to it go to where the DNS says,
and a tenant that adds a name of somebody else keeps nobody from anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform import sealing
from fedsip_platform.audit import log
from fedsip_platform.changes import Conflict
from fedsip_platform.directory import names, services
from fedsip_platform.directory.models import Domain
from fedsip_platform.tenants.models import Tenant

from . import dns_records
from .dns_records import Checked, Record

LABEL = "_fedsip-verify"
PURPOSE = "domain ownership"


def record(domain: Domain) -> Record:
    """What the owner is to publish."""
    return _record(domain.tenant, domain.name)


def check(domain: Domain, others: Sequence[Record] = ()) -> list[Checked]:
    """Ask the DNS for some other records and the proof, which comes last, at the same time, and
    note when the proof was there last; waits for the answers."""
    asked = dns_records.check([*others, record(domain)])
    if asked[-1].state == "published":
        _note(domain)
    return asked


def check_all(domains: Sequence[Domain]) -> None:
    """Look for the proofs of several domains at the same time."""
    asked = dns_records.check_all([[record(domain)] for domain in domains])
    for domain, [checked] in zip(domains, asked, strict=True):
        if checked.state == "published":
            _note(domain)


def add_domain(tenant: Tenant, name: str, **policy: Any) -> Domain:
    """Make a domain. What another tenant added and never proved gives way to its proven owner.

    Raises ServiceError as `services.create_domain` does; where only a proof is lacking, its
    sentence has the record to publish.
    """
    claimed = _claimed(tenant, name)
    if claimed is None:
        return services.create_domain(tenant, name, **policy)
    wanted = _record(tenant, claimed.name)
    [checked] = dns_records.check([wanted])
    if checked.state != "published":
        raise Conflict(
            "name",
            _(
                "Another tenant has added this domain without proving it. If it is yours, "
                "publish this record and add it again: %(wanted)s"
            )
            % {"wanted": wanted},
        )
    with transaction.atomic():
        services.delete_domain(claimed)
        made = services.create_domain(tenant, name, **policy)
        _note(made)
    return made


def _claimed(tenant: Tenant, name: str) -> Domain | None:
    """Another tenant's domain of that name, if nothing says that it is that tenant's."""
    try:
        normal = names.normal_domain(name)
    except ValidationError:
        return None  # the service says what is wrong with it
    found = Domain.objects.exclude(tenant=tenant).filter(name=normal).first()
    return None if found is None or found.is_served else found


def _record(tenant: Tenant, name: str) -> Record:
    mark = sealing.mark(f"{tenant.public_id} {name}", PURPOSE)
    return Record(f"{LABEL}.{name}", "TXT", f"fedsip={mark}")


def _note(domain: Domain) -> None:
    if domain.ownership_proved_at is None:
        log.record("prove ownership of", domain)
    domain.ownership_proved_at = timezone.now()
    Domain.objects.filter(pk=domain.pk).update(ownership_proved_at=domain.ownership_proved_at)
