"""fedsip invitation add | list | withdraw"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.people import services
from fedsip_platform.people.models import Invitation
from fedsip_platform.tenants.models import Role

COLUMNS = {
    "email": gettext_lazy("to"),
    "tenant": gettext_lazy("tenant"),
    "role": gettext_lazy("role"),
    "user": gettext_lazy("user"),
    "expires_at": gettext_lazy("until"),
}


class Command(BaseCommand):
    help = gettext_lazy("Letters that let people join a tenant, or make a SIP user their own.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="add|list|withdraw")
        adding = speech.verb(verbs, "add", add, help=_("invite somebody; the link is shown once"))
        listing = speech.verb(verbs, "list", list_all, help=_("show who has not come yet"))
        ending = speech.verb(verbs, "withdraw", withdraw, help=_("make a letter worthless"))
        for parsed in (adding, ending):
            parsed.add_argument("email", metavar="E-MAIL")
        for parsed in (adding, ending, listing):
            required = parsed is not listing
            parsed.add_argument(
                "--tenant", metavar="SLUG", required=required, help=_("which tenant")
            )
        adding.add_argument("--role", choices=Role.values, default="", help=_("what she may do"))
        adding.add_argument(
            "--user", metavar="ADDRESS", help=_("the SIP user that becomes her own")
        )
        adding.add_argument(
            "--url", required=True, help=_("where the dashboard is: https://sip.example.com:8443")
        )

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Invite somebody."""
    if not options["role"] and not options["user"]:
        raise Refused(_("say --role, --user or both: what the invitation is to."))
    invitation, link = services.invite(
        lookup.tenant(options["tenant"]),
        options["email"],
        options["role"],
        subscriber=lookup.subscriber(options["user"]) if options["user"] else None,
        base_url=options["url"],
    )
    sentence = _("%(email)s is invited; the letter has this link:\n%(link)s") % {
        "email": invitation.email,
        "link": link,
    }
    speech.done(sentence, _row(invitation) | {"link": link}, options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show invitations that nobody has accepted."""
    found = Invitation.objects.filter(accepted_at=None).select_related("tenant", "subscriber")
    if options["tenant"]:
        found = found.filter(tenant=lookup.tenant(options["tenant"]))
    speech.show([_row(each) for each in found.order_by("-id")], COLUMNS, options)


def withdraw(options: Mapping[str, Any]) -> None:
    """Make a letter worthless."""
    tenant, email = lookup.tenant(options["tenant"]), options["email"].strip().lower()
    found = Invitation.objects.filter(tenant=tenant, email=email, accepted_at=None).first()
    if found is None:
        raise Refused(
            _("nobody waits to join %(tenant)s as %(email)s; ./fedsip invitation list")
            % {"tenant": tenant, "email": email}
        )
    row = _row(found)
    services.withdraw(found)
    speech.done(_("the invitation of %(email)s is withdrawn.") % {"email": email}, row, options)


def _row(invitation: Invitation) -> dict[str, Any]:
    return {
        "email": invitation.email,
        "tenant": invitation.tenant.slug,
        "role": invitation.role,
        "user": None if invitation.subscriber is None else invitation.subscriber.aor,
        "expires_at": invitation.expires_at,
    }
