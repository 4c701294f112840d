"""fedsip rule add | list | show | set | delete | effect | history | restore"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api.translations import TranslationViewSet
from fedsip_platform.audit import log
from fedsip_platform.audit.models import Entry
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.cli import fields, filtering, lookup, rows, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory import history, services
from fedsip_platform.directory.models import Translation
from fedsip_platform.routing import effect

COLUMNS = {
    "id": gettext_lazy("id"),
    "domain": gettext_lazy("domain"),
    "priority": gettext_lazy("priority"),
    "match_regex": gettext_lazy("dialled"),
    "tran_user": gettext_lazy("user"),
    "tran_domain": gettext_lazy("host"),
    "tran_trunk": gettext_lazy("trunk"),
    "enabled": gettext_lazy("enabled"),
    "note": gettext_lazy("note"),
}
FIELDS = fields.names(Translation)
OTHER_FILTERS = {
    name: each for name, each in TranslationViewSet.filters.items() if name != "domain"
}


class Command(BaseCommand):
    help = gettext_lazy("Rules (translations): where the calls of a domain's users go.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        field_help = speech.fields_help(FIELDS)
        metavar = "add|list|show|set|delete|effect|history|restore"
        verbs = parser.add_subparsers(required=True, metavar=metavar)
        adding = speech.verb(verbs, "add", add, help=_("make a rule"))
        adding.add_argument("domain", help=_("whose users' calls are meant"))
        adding.add_argument("field", nargs="+", help=field_help)
        listing = speech.verb(verbs, "list", list_all, help=_("show rules in the order of trying"))
        filtering.add_options(listing, TranslationViewSet.filters)
        speech.verb(verbs, "show", show, help=_("show a whole rule")).add_argument("id")
        setting = speech.verb(verbs, "set", change, help=_("change a rule"))
        setting.add_argument("id")
        setting.add_argument("field", nargs="+", help=field_help)
        speech.verb(verbs, "delete", delete, help=_("delete a rule")).add_argument("id")
        what = _(
            "which of the last 30 days' calls a rule would have sent elsewhere; writes nothing"
        )
        telling = speech.verb(verbs, "effect", tell_effect, help=what)
        telling.add_argument("domain", metavar="DOMAIN|ID", help=_("of a new rule, or a rule's id"))
        telling.add_argument("field", nargs="+", help=field_help)
        going_back = speech.verb(verbs, "history", show_history, help=_("what was done to rules"))
        going_back.add_argument("domain")
        going_back.add_argument("--rule", metavar="ID", help=_("only to this one"))
        going_back.add_argument("-n", type=int, default=20, metavar="N", help=_("so many (20)"))
        what = _("bring a rule to what it was after a change")
        restoring = speech.verb(verbs, "restore", restore, help=what)
        restoring.add_argument("entry", metavar="CHANGE", help=_("as `history` shows it"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Make a rule."""
    rule = services.create_translation(lookup.domain(options["domain"]), **_fields(options))
    speech.done(
        _("rule %(public_id)s is made.") % {"public_id": rule.public_id},
        rows.of_rule(rule),
        options,
    )


def list_all(options: Mapping[str, Any]) -> None:
    """Show all rules, or those of a domain."""
    rules = Translation.objects.select_related("domain")
    if options["domain"]:
        rules = rules.filter(domain=lookup.domain(options["domain"]))
    rules = filtering.apply(OTHER_FILTERS, options, rules)
    speech.show([rows.of_rule(rule) for rule in rules], COLUMNS, options)


def show(options: Mapping[str, Any]) -> None:
    """Show a whole rule."""
    speech.show_one(rows.of_rule(_rule(options)), options)


def change(options: Mapping[str, Any]) -> None:
    """Change a rule."""
    rule = services.update_translation(_rule(options), **_fields(options))
    speech.done(
        _("rule %(public_id)s is changed.") % {"public_id": rule.public_id},
        rows.of_rule(rule),
        options,
    )


def delete(options: Mapping[str, Any]) -> None:
    """Delete a rule."""
    rule = _rule(options)
    row = rows.of_rule(rule)
    services.delete_translation(rule)
    speech.done(_("rule %(id)s is deleted.") % {"id": row["id"]}, row, options)


def tell_effect(options: Mapping[str, Any]) -> None:
    """Tell what a rule would have done, a new one or a present one with these fields."""
    rule = _meant(options["domain"])
    for name, value in _fields(options).items():
        setattr(rule, name, value)
    rule.full_clean()
    found = effect.of_rule(rule, CallRecord.objects.all(), now=datetime.now(UTC))
    shown = [
        {
            "id": each.call.public_id,
            "started_at": each.call.started_at,
            "before": each.before,
            "after": each.after,
        }
        for each in found.shown
    ]
    if options["json"]:
        row = {"calls": found.calls, "is_all": found.is_all, "amount": found.amount}
        speech.show_one(row | {"shown": shown}, options)
        return
    of_all = "" if found.is_all else " (the latest; there are more)"
    print(f"{found.amount} of {found.calls} calls{of_all} would go elsewhere.")
    if shown:
        columns = {"started_at": _("began"), "before": _("went to"), "after": _("would go to")}
        speech.show(shown, columns, options)


def show_history(options: Mapping[str, Any]) -> None:
    """Show what was done to a domain's rules, the latest first."""
    domain, rule = lookup.domain(options["domain"]), options["rule"]
    chosen = None if rule is None else _id(rule)
    entries = history.of_domain(domain, Entry.objects.order_by("-id"), rule=chosen)
    found = [
        {
            "id": each.public_id,
            "at": each.at,
            "actor": each.actor,
            "action": each.action,
            "rule": each.thing,
            "changes": each.changes,
            "what": ", ".join(
                f"{name}: {speech.text(old)} -> {speech.text(new)}"
                for name, (old, new) in each.changes.items()
                if each.action == log.CHANGE
            ),
        }
        for each in entries[: filtering.most(options)]
    ]
    columns = {
        "at": _("at"),
        "actor": _("who"),
        "action": _("did"),
        "what": _("what"),
        "id": _("change"),
    }
    speech.show(found, columns, options)


def restore(options: Mapping[str, Any]) -> None:
    """Bring a rule back to what it was."""
    entry = Entry.objects.filter(public_id=_id(options["entry"]), kind=history.KIND).first()
    if entry is None:
        raise Refused(
            _("%(entry)s is no change of a rule; ./fedsip rule history has them.")
            % {"entry": options["entry"]}
        )
    domain = lookup.domain(entry.key.partition(" ")[0])
    rule = history.restore(domain, entry)
    speech.done(
        _("rule %(public_id)s is as it was then.") % {"public_id": rule.public_id},
        rows.of_rule(rule),
        options,
    )


def _meant(text: str) -> Translation:
    if "." not in text and "-" in text:
        return _rule({"id": text})
    return Translation(domain=lookup.domain(text))


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Refused(
            _("%(text)s is no id; ./fedsip rule list has them.") % {"text": text}
        ) from error


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    return fields.values(Translation, options["field"], FIELDS, "field", "match_regex=^1000$")


def _rule(options: Mapping[str, Any]) -> Translation:
    wanted = _id(options["id"])
    found = Translation.objects.select_related("domain").filter(public_id=wanted).first()
    if found is None:
        raise Refused(_("there is no rule %(wanted)s.") % {"wanted": wanted})
    return found
