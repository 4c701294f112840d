"""What leads to a user, ring group or domain goes with it: no call follows a name that nobody has
any more, or that somebody else is given later.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from fedsip_platform.directory.models import Domain, Subscriber

from . import services
from .models import RingGroup


@receiver(pre_delete, sender=Subscriber)
@receiver(pre_delete, sender=RingGroup)
def take_away_what_leads_there(instance: Subscriber | RingGroup, origin: Any, **_: Any) -> None:
    if origin is instance or not isinstance(origin, Model):  # not one of a domain that goes whole
        aor = instance.aor if isinstance(instance, Subscriber) else str(instance)
        services.forget_destination(instance.domain.tenant_id, aor)


@receiver(pre_delete, sender=Domain)
def take_away_what_leads_into(instance: Domain, **_: Any) -> None:
    services.forget_destinations_of(instance)
