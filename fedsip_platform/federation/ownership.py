"""Whose a domain is: its owner publishes a TXT record that only this platform could have asked for.

What the record says is made of the domain's and the tenant's name with a key of ours, so nothing is
kept to compare with, and what was published for one tenant proves nothing for another.
"""

from __future__ import annotations

from django.utils import timezone

from fedsip_platform import sealing
from fedsip_platform.audit import log
from fedsip_platform.directory.models import Domain

from . import dns_records
from .dns_records import Checked, Record

LABEL = "_fedsip-verify"
PURPOSE = "domain ownership"


def record(domain: Domain) -> Record:
    """What the owner is to publish."""
    mark = sealing.mark(f"{domain.tenant.public_id} {domain.name}", PURPOSE)
    return Record(f"{LABEL}.{domain.name}", "TXT", f"fedsip={mark}")


def check(domain: Domain) -> Checked:
    """Ask the DNS for the record, and note when it was there last; waits for the answer."""
    [checked] = dns_records.check([record(domain)])
    if checked.state == "published":
        if domain.ownership_proved_at is None:
            log.record("prove ownership of", domain)
        domain.ownership_proved_at = timezone.now()
        Domain.objects.filter(pk=domain.pk).update(ownership_proved_at=domain.ownership_proved_at)
    return checked
