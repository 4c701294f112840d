"""Why calls with other domains were refused, in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from fedsip_platform.federation.models import Refusal

REASONS = {
    "closed": _("the domain is closed to others"),
    "denied": _("a rule denies that domain"),
    "not_listed": _("it is not on the allow list"),
    "no_tls": _("it did not come over TLS"),
    "no_certificate": _("no certificate proved who it is"),
    "never_secure": _("nothing secure leads there"),
    "no_verified_peer": _("none of its servers proved whose it is"),
    "inner": _("it leads to no public address"),
    "method": _("strangers may not send that method"),
    "domain_rate": _("too many calls with that domain"),
    "caller_rate": _("too many calls of one caller"),
    "source_rate": _("too many calls from one address that has proved nothing"),
}


def with_reasons(refusals: Iterable[Refusal]) -> list[Refusal]:
    """The refusals, each with `reason`."""
    shown = list(refusals)
    for refusal in shown:
        refusal.reason = REASONS.get(refusal.why, refusal.why)  # type: ignore[attr-defined]
    return shown
