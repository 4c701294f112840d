"""fedsip federation allow | deny | list | forget | refusals"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api.federation import RefusalViewSet
from fedsip_platform.cli import filtering, lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.federation import services
from fedsip_platform.federation.models import Direction, FederationRule, Refusal

COLUMNS = {
    "domain": gettext_lazy("domain"),
    "pattern": gettext_lazy("other domain"),
    "direction": gettext_lazy("direction"),
    "allow": gettext_lazy("allowed"),
    "verified": gettext_lazy("verified"),
    "trusted": gettext_lazy("trusted"),
    "enabled": gettext_lazy("enabled"),
    "note": gettext_lazy("note"),
}
REFUSAL_FILTERS = {name: each for name, each in RefusalViewSet.filters.items() if name != "domain"}
REFUSAL_COLUMNS = {
    "day": gettext_lazy("day"),
    "domain": gettext_lazy("domain"),
    "peer": gettext_lazy("other domain"),
    "direction": gettext_lazy("direction"),
    "why": gettext_lazy("why"),
    "amount": gettext_lazy("times"),
    "last_at": gettext_lazy("last"),
}


class Command(BaseCommand):
    help = gettext_lazy("Which other domains ours call and are called by.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="allow|deny|list|forget|refusals")
        allowing = speech.verb(verbs, "allow", allow, help=_("let calls with another domain pass"))
        _takes_rule(allowing)
        allowing.add_argument(
            "--unverified", action="store_true", help=_("it need not prove itself by a certificate")
        )
        allowing.add_argument(
            "--trusted", action="store_true", help=_("tell it, and believe it, who calls")
        )
        _takes_rule(speech.verb(verbs, "deny", deny, help=_("refuse calls with another domain")))
        listing = speech.verb(verbs, "list", list_all, help=_("show the rules"))
        listing.add_argument("domain", nargs="?", help=_("only of this domain of ours"))
        forgetting = speech.verb(verbs, "forget", forget, help=_("delete the rules for a domain"))
        _takes_domains(forgetting)
        refused = speech.verb(verbs, "refusals", refusals, help=_("show what was refused, by day"))
        refused.add_argument("domain", nargs="?", help=_("only of this domain of ours"))
        filtering.add_options(refused, REFUSAL_FILTERS)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def _takes_domains(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domain", help=_("our domain"))
    parser.add_argument("pattern", metavar="OTHER", help=_("example.org, *.example.org or *"))


def _takes_rule(parser: argparse.ArgumentParser) -> None:
    _takes_domains(parser)
    parser.add_argument("--direction", choices=Direction.values, default=Direction.BOTH)
    parser.add_argument("--note", default="")


def allow(options: Mapping[str, Any]) -> None:
    """Let calls with another domain pass."""
    _put(options, allow=True, verified=not options["unverified"], trusted=options["trusted"])


def deny(options: Mapping[str, Any]) -> None:
    """Refuse calls with another domain."""
    _put(options, allow=False, trusted=False)


def _put(options: Mapping[str, Any], **fields: Any) -> None:
    domain = lookup.domain(options["domain"])
    fields |= {"note": options["note"], "enabled": True}
    known = domain.federation_rules.filter(
        pattern=options["pattern"].lower(), direction=options["direction"]
    ).first()
    if known is None:
        where = {"direction": options["direction"]}
        rule = services.create_rule(domain, options["pattern"], **where, **fields)
    else:
        rule = services.update_rule(known, **fields)
    speech.done(f"{rule}.", rows.of_federation_rule(rule), options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show the rules."""
    found = FederationRule.objects.select_related("domain")
    if options["domain"]:
        found = found.filter(domain=lookup.domain(options["domain"]))
    speech.show([rows.of_federation_rule(rule) for rule in found], COLUMNS, options)


def forget(options: Mapping[str, Any]) -> None:
    """Delete what a domain says of another."""
    domain = lookup.domain(options["domain"])
    found = list(domain.federation_rules.filter(pattern=options["pattern"].lower()))
    if not found:
        raise Refused(
            _("%(domain)s has no rule for %(pattern)s.")
            % {"domain": domain, "pattern": options["pattern"]}
        )
    for rule in found:
        services.delete_rule(rule)
    sentence = _("%(domain)s says nothing of %(pattern)s any more.") % {
        "domain": domain,
        "pattern": options["pattern"],
    }
    speech.done(sentence, {"domain": domain.name, "deleted": len(found)}, options)


def refusals(options: Mapping[str, Any]) -> None:
    """Show what was refused, by day."""
    found = Refusal.objects.select_related("domain")
    if options["domain"]:
        found = found.filter(domain=lookup.domain(options["domain"]))
    found = filtering.apply(REFUSAL_FILTERS, options, found)
    speech.show([rows.of_refusal(each) for each in found[:1000]], REFUSAL_COLUMNS, options)
