"""fedsip dns DOMAIN"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, speech
from fedsip_platform.federation import dns_records, shown


class Command(BaseCommand):
    help = gettext_lazy(
        "The DNS records by which others find a domain, and whether they are published."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("domain", help=_("one of ours, such as example.com"))
        parser.add_argument("--host", default="", help=_("name of the SIP servers"))
        parser.add_argument(
            "--address", action="append", default=[], help=_("their address; repeat")
        )
        parser.add_argument("--no-check", action="store_true", help=_("ask the DNS nothing"))
        parser.add_argument("--json", action="store_true", help=_("for programs"))
        parser.set_defaults(run=tell)

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def tell(options: Any) -> None:
    """Print records in zone-file form, each with what the DNS has."""
    domain = lookup.domain(options["domain"])
    site = dns_records.this_site(host=options["host"], addresses=options["address"])
    wanted = dns_records.records(domain.name, site)
    if options["no_check"]:
        checked = [dns_records.Checked(record, "unknown") for record in wanted]
    else:
        checked = dns_records.check(wanted)
    missing = 0 if options["no_check"] else sum(each.state != "published" for each in checked)
    if options["json"]:
        speech.show([shown.of_dns_record(each) for each in checked], {}, options)
    else:
        _show(checked, missing, site, is_checked=not options["no_check"])
    if missing:
        speech.end_as_unwell()


def _show(
    checked: list[dns_records.Checked], missing: int, site: dns_records.Site, *, is_checked: bool
) -> None:
    for each in checked:
        print(each.record)
        if each.state != "published" and is_checked:
            there = f": {', '.join(each.found)}" if each.found else ""
            print(f";   {each.state}{there}")
    if not site.addresses:
        print("; no address is known: say --address, or start the proxy")
    if is_checked:
        print(f"; {missing} of {len(checked)} are not as they should be" if missing else
              "; all of this is published")  # fmt: skip
