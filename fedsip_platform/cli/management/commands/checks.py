"""fedsip checks list | show | run | certificates"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.federation import checks
from fedsip_platform.federation.models import CheckState, DomainCheck

COLUMNS = {
    "domain": gettext_lazy("domain"),
    "state": gettext_lazy("state"),
    "checked_at": gettext_lazy("checked"),
    "problems": gettext_lazy("problems"),
}


class Command(BaseCommand):
    help = gettext_lazy(
        "What the DNS and the certificate of our domains are like; checked each six hours."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="list|show|run|certificates")
        listing = speech.verb(verbs, "list", list_all, help=_("the last check of each domain"))
        listing.add_argument("--state", choices=CheckState.values, help=_("only in this state"))
        for name, run, what in (
            ("show", show, _("the last check of one, with what changed")),
            ("run", run_now, _("check one now")),
        ):
            speech.verb(verbs, name, run, help=what).add_argument("domain", metavar="DOMAIN")

        what = _("the certificate that each domain's callers see")
        speech.verb(verbs, "certificates", list_certificates, help=what)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show the last check of each domain."""
    made = DomainCheck.objects.filter(checked_at__isnull=False)
    found = made.select_related("domain").order_by("domain__name")
    if options["state"]:
        found = found.filter(state=options["state"])
    speech.show([_row(each) for each in found], COLUMNS, options)


def show(options: Mapping[str, Any]) -> None:
    """Show the last check of one domain."""
    domain = lookup.domain(options["domain"])
    found = DomainCheck.objects.filter(domain=domain).first()
    if found is None or found.checked_at is None:
        raise Refused(
            _("%(domain)s was not checked yet; ./fedsip checks run %(domain)s") % {"domain": domain}
        )
    _tell(found, options)


def run_now(options: Mapping[str, Any]) -> None:
    """Check one domain now."""
    for made in checks.check([lookup.domain(options["domain"])], ask_hops=True):
        _tell(made, options)


def list_certificates(options: Mapping[str, Any]) -> None:
    """Show the certificate that each domain's callers see."""
    seen = DomainCheck.objects.select_related("domain").exclude(certificate={})
    found = [{"domain": each.domain.name, **each.certificate} for each in seen]
    columns = {
        "domain": _("domain"),
        "expires_at": _("until"),
        "issuer": _("issuer"),
        "names": _("names"),
    }
    speech.show(found, columns, options)


def _tell(check: DomainCheck, options: Mapping[str, Any]) -> None:
    if options["json"]:
        more = {name: getattr(check, name) for name in ("records", "located", "authorities")}
        speech.show_one(_row(check) | more, options)
        return
    print(f"{check.domain}: {check.state}, checked {speech.text(check.checked_at)}")
    for problem in check.problems:
        print(f"- {problem}")
    for at in check.authorities:
        wrong = [each for each in at["records"] if each["state"] != "published"]
        said = ", ".join(f"{each['kind']} {each['name']} {each['state']}" for each in wrong)
        print(f"{at['server']} ({at['address'] or 'no address'}): {said or 'has all of them'}")
    if check.changes:
        print(f"changed {speech.text(check.changed_at)}:")
        for each in check.changes:
            print(f"- {each}")


def _row(check: DomainCheck) -> dict[str, Any]:
    return {
        "domain": check.domain.name,
        "state": check.state,
        "problems": check.problems,
        "changes": check.changes,
        "certificate": check.certificate,
        "checked_at": check.checked_at,
        "changed_at": check.changed_at,
    }
