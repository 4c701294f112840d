"""A domain's policies in a few words, as lists say them, with more in their tips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import platform_policy

CALLS = {
    "open": gettext_lazy("all domains"),
    "verified_tls": gettext_lazy("proved domains"),
    "allow_list": gettext_lazy("listed domains"),
    "closed": gettext_lazy("no other domain"),
}
SOUND = {
    "always": gettext_lazy("relayed"),
    "auto": gettext_lazy("relayed if needed"),
    "never": gettext_lazy("never relayed"),
}


def note_policies(domains: Sequence[Domain]) -> None:
    """Give each its `policy_words`: pairs of words and what they are about."""
    platform = platform_policy.of_platform()
    for domain in domains:
        domain.policy_words = _of(domain, platform)  # type: ignore[attr-defined]


def _of(domain: Domain, platform: platform_policy.Both) -> list[tuple[Any, Any]]:
    to, from_ = platform_policy.in_force(domain, platform)
    calls = CALLS[to] if to == from_ else _("to: %s, from: %s") % (CALLS[to], CALLS[from_])
    sound = _("Sound and picture: %s") % domain.get_media_policy_display()
    return [
        (_("TLS only") if domain.require_tls else _("TLS or not"), _("How phones register")),
        (calls, _("Calls with other domains: %s") % to.label),
        (SOUND[domain.media_policy], sound),
    ]
