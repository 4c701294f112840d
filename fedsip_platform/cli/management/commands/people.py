"""fedsip people list | show | users | role | remove | sessions | sign-out"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.usersessions.models import UserSession
from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.people import services, sessions
from fedsip_platform.tenants.models import Membership, Role

COLUMNS = {
    "email": gettext_lazy("person"),
    "tenant": gettext_lazy("tenant"),
    "role": gettext_lazy("role"),
    "last_sign_in_at": gettext_lazy("last here"),
}
SESSION_COLUMNS = {
    "id": gettext_lazy("session"),
    "address": gettext_lazy("from"),
    "user_agent": gettext_lazy("browser"),
    "created_at": gettext_lazy("since"),
    "last_seen_at": gettext_lazy("last seen"),
}


class Command(BaseCommand):
    help = gettext_lazy(
        "People who look after tenants. `admin add` makes them, `invitation add` asks them."
    )
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="list|show|role|remove|...")
        listing = speech.verb(verbs, "list", list_all, help=_("show who has which role"))
        listing.add_argument("--tenant", metavar="SLUG", help=_("only of this tenant"))
        changing = speech.verb(verbs, "role", set_role, help=_("give somebody a role"))
        removing = speech.verb(verbs, "remove", remove, help=_("take somebody out of a tenant"))
        for parsed in (
            *(changing, removing),
            speech.verb(verbs, "show", show, help=_("one person with all her roles")),
            speech.verb(verbs, "users", users, help=_("the SIP users that are her own")),
            speech.verb(verbs, "sessions", list_sessions, help=_("where she is signed in")),
            ending := speech.verb(verbs, "sign-out", sign_out, help=_("end one of her sessions")),
        ):
            parsed.add_argument("email", metavar="E-MAIL", help=_("as she signs in"))
        ending.add_argument(
            "session", type=int, metavar="SESSION", help=_("as `sessions` shows it")
        )
        for parsed in (changing, removing):
            parsed.add_argument("--tenant", metavar="SLUG", required=True, help=_("which tenant"))
        changing.add_argument("role", choices=Role.values, help=_("what she may do there"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show everybody's roles."""
    found = Membership.objects.select_related("person", "tenant")
    if options["tenant"]:
        found = found.filter(tenant=lookup.tenant(options["tenant"]))
    speech.show([_row(each) for each in found], COLUMNS, options)


def show(options: Mapping[str, Any]) -> None:
    """Show one person."""
    speech.show_one(rows.of_person(lookup.person(options["email"])), options)


def users(options: Mapping[str, Any]) -> None:
    """Show the SIP users that are a person's own."""
    owned = services.owned(lookup.person(options["email"]))
    found = owned.select_related("person").prefetch_related("forwards").order_by("aor")
    columns = {"aor": _("user"), "display_name": _("name"), "forwards": _("forwards")}
    speech.show([rows.of_own_user(each) for each in found], columns, options)


def list_sessions(options: Mapping[str, Any]) -> None:
    """Show where a person is signed in."""
    found = sessions.current(lookup.person(options["email"])).order_by("-pk")
    speech.show([_session(each) for each in found], SESSION_COLUMNS, options)


def sign_out(options: Mapping[str, Any]) -> None:
    """End a session of a person."""
    person = lookup.person(options["email"])
    session = sessions.current(person).filter(pk=options["session"]).first()
    if session is None:
        raise Refused(
            _("%(person)s has no session %(session)s; ./fedsip people sessions")
            % {"person": person, "session": options["session"]}
        )
    row = _session(session)
    sessions.end(session, person)
    speech.done(
        _("%(person)s is signed out from %(address)s.")
        % {"person": person, "address": row["address"]},
        row,
        options,
    )


def set_role(options: Mapping[str, Any]) -> None:
    """Give somebody a role in a tenant."""
    tenant = lookup.tenant(options["tenant"])
    made = services.join(tenant, lookup.person(options["email"]), options["role"])
    speech.done(
        _("%(person)s is %(role)s of %(tenant)s now.")
        % {"person": made.person, "role": made.role, "tenant": tenant},
        _row(made),
        options,
    )


def remove(options: Mapping[str, Any]) -> None:
    """Take somebody out of a tenant."""
    tenant, person = lookup.tenant(options["tenant"]), lookup.person(options["email"])
    found = Membership.objects.filter(tenant=tenant, person=person).first()
    if found is None:
        raise Refused(
            _("%(person)s does not belong to %(tenant)s.") % {"person": person, "tenant": tenant}
        )
    row = _row(found)
    services.leave(found)
    speech.done(
        _("%(person)s belongs to %(tenant)s no more.") % {"person": person, "tenant": tenant},
        row,
        options,
    )


def _row(membership: Membership) -> dict[str, Any]:
    return {
        "email": membership.person.email,
        "tenant": membership.tenant.slug,
        "role": membership.role,
        "active": membership.person.is_active,
        "last_sign_in_at": membership.person.last_login,
    }


def _session(session: UserSession) -> dict[str, Any]:
    row: dict[str, Any] = {"id": session.pk, "address": session.ip}
    row |= {name: getattr(session, name) for name in ("user_agent", "created_at", "last_seen_at")}
    return row
