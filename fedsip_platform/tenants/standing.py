"""How users stand: online, offline, never registered, failing to sign in, disabled."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from fedsip_platform.calls.models import FailedSignIn
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding

WORDS = ("online", "offline", "never", "failing", "disabled")
FAILING = timedelta(days=1)


def of_users(word: str) -> Q:
    """The users of which this holds."""
    its = Binding.objects.filter(subscriber=OuterRef("pk"))
    signed_in = Exists(location.current(its))
    match word:
        case "online":
            return Q(signed_in)
        case "offline":
            return Q(~signed_in, enabled=True)
        case "never":
            return Q(~Exists(its))
        case "failing":
            since = timezone.now() - FAILING
            failed = FailedSignIn.objects.filter(aor=OuterRef("aor"), last_at__gte=since)
            return Q(Exists(failed))
        case _:
            return Q(enabled=False)
