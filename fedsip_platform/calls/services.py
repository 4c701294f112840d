"""What people do about calls and sources: end a call, lift a block, block, allow."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform import changes
from fedsip_platform.audit import log
from fedsip_platform.changes import ServiceError

from .models import HangUp, LiveCall
from .sources import AllowedSource, BlockedSource, BlockReason

MANUAL_BLOCK = timedelta(days=30)
_LONGEST_BLOCK = timedelta(days=3650)


@transaction.atomic
def hang_up(call: LiveCall, *, by: str) -> None:
    """Have the call's proxy say BYE to both sides; a call that only rings is cancelled. The call
    leaves the live list when that is done, within a second."""
    _, is_new = HangUp.objects.get_or_create(
        public_id=call.public_id, defaults={"node_id": call.node_id, "requested_by": by}
    )
    if is_new:
        log.record("hang up", call)


def blocked(blocks: QuerySet[BlockedSource] | None = None) -> QuerySet[BlockedSource]:
    """Those that are ignored now."""
    chosen = BlockedSource.objects.all() if blocks is None else blocks
    return chosen.filter(lifted_at=None, blocked_until__gt=timezone.now())


def lift(block: BlockedSource) -> None:
    """Have every proxy listen to an address again, within a second."""
    block.lifted_at = timezone.now()
    changes.save(block, ["lifted_at"])


def block(address: str, *, evidence: str = "", lasting: timedelta = MANUAL_BLOCK) -> BlockedSource:
    """Have every proxy ignore an address for so long; raises ServiceError."""
    if not timedelta(0) < lasting <= _LONGEST_BLOCK:
        raise ServiceError("lasting", _("Give a time between a second and ten years."))
    normal = normal_address(address)
    now = timezone.now()
    made = BlockedSource.objects.filter(address=normal).first() or BlockedSource(address=normal)
    made.reason, made.evidence = BlockReason.MANUAL, evidence
    made.last_seen_at, made.blocked_until, made.lifted_at = now, now + lasting, None
    return changes.save(made)


def allow(network: str, note: str = "") -> AllowedSource:
    """Never block this network, nor limit it; raises ServiceError."""
    return changes.save(AllowedSource(network=normal_network(network), note=note))


def note_allowed(source: AllowedSource, note: str) -> AllowedSource:
    """Say why a network is allowed."""
    return changes.change(source, {"note": note})


def disallow(source: AllowedSource) -> None:
    """Treat a network like any other."""
    changes.delete(source)


def normal_address(text: str) -> str:
    """The one form of an address; raises ServiceError."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError as error:
        raise ServiceError("address", _("%(text)s is no IP address.") % {"text": text}) from error


def normal_network(text: str) -> str:
    """The one form of a network, of an address the network of it alone; raises ServiceError."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError as error:
        reason = _("%(text)s is no network; give one such as 192.0.2.0/24.") % {"text": text}
        raise ServiceError("network", reason) from error
