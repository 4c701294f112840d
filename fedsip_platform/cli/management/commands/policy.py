"""fedsip policy set | list | delete"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import fields, lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.routing import services
from fedsip_platform.routing.models import OutboundPolicy

COLUMNS = {
    "of": gettext_lazy("of"),
    "caller_id": gettext_lazy("caller ID"),
    "classes": gettext_lazy("may call"),
    "allow_regex": gettext_lazy("and"),
    "deny_regex": gettext_lazy("but not"),
}
FIELDS = fields.names(OutboundPolicy)


class Command(BaseCommand):
    help = gettext_lazy("Outbound policies: what users may dial, and as whom.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="set|list|delete")
        setting = speech.verb(verbs, "set", set_policy, help=_("say what somebody may dial"))
        deleting = speech.verb(verbs, "delete", delete, help=_("take a policy away"))
        for one in (setting, deleting):
            one.add_argument(
                "whose", metavar="USER|DOMAIN", help=_("a domain's is for all its users")
            )
        setting.add_argument("field", nargs="+", help=speech.fields_help(FIELDS))
        listing = speech.verb(verbs, "list", list_all, help=_("show policies"))
        listing.add_argument("--domain", help=_("only those of this domain"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def set_policy(options: Mapping[str, Any]) -> None:
    """Say what somebody may dial."""
    domain, user = _whose(options["whose"])
    given = fields.values(OutboundPolicy, options["field"], FIELDS, "field", "classes=national")
    known = OutboundPolicy.objects.filter(domain=domain, user=user).first()
    if known is None:
        policy = services.create_outbound_policy(domain, user, **given)
    else:
        policy = services.update_outbound_policy(known, **given)
    may = speech.text(policy.classes)
    speech.done(
        _("%(policy)s may call: %(may)s.") % {"policy": policy, "may": may},
        rows.of_policy(policy),
        options,
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show all policies, or those of a domain."""
    policies = OutboundPolicy.objects.select_related("domain", "user")
    if options["domain"]:
        policies = policies.filter(domain=lookup.domain(options["domain"]))
    speech.show([rows.of_policy(policy) for policy in policies], COLUMNS, options)


def delete(options: Mapping[str, Any]) -> None:
    """Take a policy away."""
    domain, user = _whose(options["whose"])
    policy = OutboundPolicy.objects.filter(domain=domain, user=user).first()
    if policy is None:
        raise Refused(_("%(whose)s has no policy of its own.") % {"whose": options["whose"]})
    row = rows.of_policy(policy)
    services.delete_outbound_policy(policy)
    speech.done(_("%(of)s has no policy of its own now.") % {"of": row["of"]}, row, options)


def _whose(text: str) -> tuple[Domain, Subscriber | None]:
    if "@" not in text:
        return lookup.domain(text), None
    user = lookup.subscriber(text)
    return user.domain, user
