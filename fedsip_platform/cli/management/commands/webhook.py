"""fedsip webhook add | list | set | test | deliveries | retry | delete"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.api.webhooks import DeliveryViewSet
from fedsip_platform.cli import fields, filtering, lookup, speech
from fedsip_platform.cli.speech import Refused
from fedsip_platform.webhooks import services
from fedsip_platform.webhooks.models import Delivery, Event, State, Webhook

EVENTS = [each.value for each in Event if each != Event.TEST]
MOST_DELIVERIES = 100
DELIVERY_FILTERS = {
    name: each for name, each in DeliveryViewSet.filters.items() if name != "webhook"
}
FIELDS = ("url", "events", "enabled", "note")
COLUMNS = {
    "url": gettext_lazy("address"),
    "tenant": gettext_lazy("tenant"),
    "events": gettext_lazy("events"),
    "enabled": gettext_lazy("on"),
    "id": gettext_lazy("id"),
}
DELIVERIES = {
    "created_at": gettext_lazy("at"),
    "event": gettext_lazy("event"),
    "state": gettext_lazy("state"),
    "attempts": gettext_lazy("tries"),
    "problem": gettext_lazy("problem"),
    "id": gettext_lazy("id"),
}


class Command(BaseCommand):
    help = gettext_lazy("Addresses that are told what happens.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        metavar = "add|list|set|test|deliveries|retry|delete"
        verbs = parser.add_subparsers(required=True, metavar=metavar)
        adding = speech.verb(verbs, "add", add, help=_("tell an address; its secret is shown once"))
        adding.add_argument("url", help=_("https://..."))
        adding.add_argument("events", nargs="+", choices=EVENTS, metavar="EVENT", help=_("of what"))
        adding.add_argument("--tenant", metavar="SLUG", required=True, help=_("whose events"))
        listing = speech.verb(verbs, "list", list_all, help=_("show all webhooks"))
        listing.add_argument("--tenant", metavar="SLUG", help=_("only of this tenant"))
        changing = speech.verb(verbs, "set", change, help=_("change a webhook"))
        changing.add_argument("id", metavar="ID")
        changing.add_argument("words", nargs="+", metavar="F=V", help=speech.fields_help(FIELDS))
        for name, run, what in (
            ("test", test, _("send something, to see whether it arrives")),
            ("delete", delete, _("tell it no more")),
        ):
            speech.verb(verbs, name, run, help=what).add_argument("id", metavar="ID")
        telling = speech.verb(
            verbs, "deliveries", deliveries, help=_("what was told, latest first")
        )
        telling.add_argument("id", metavar="ID")
        filtering.add_options(telling, DELIVERY_FILTERS)
        again = speech.verb(verbs, "retry", retry, help=_("try a delivery again"))
        again.add_argument("id", metavar="DELIVERY", help=_("as `deliveries` shows it"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options)


def add(options: Mapping[str, Any]) -> None:
    """Have an address told."""
    tenant = lookup.tenant(options["tenant"])
    made, secret = services.create(tenant, options["url"], options["events"])
    sentence = _("%(url)s is told of %(list)s; secret of its signatures: %(secret)s") % {
        "url": made.url,
        "list": ", ".join(made.events),
        "secret": secret,
    }
    speech.done(sentence, _row(made) | {"secret": secret}, options)


def list_all(options: Mapping[str, Any]) -> None:
    """Show webhooks."""
    found = Webhook.objects.select_related("tenant")
    if options["tenant"]:
        found = found.filter(tenant=lookup.tenant(options["tenant"]))
    speech.show([_row(each) for each in found], COLUMNS, options)


def change(options: Mapping[str, Any]) -> None:
    """Change a webhook."""
    given = fields.values(Webhook, options["words"], FIELDS, "field", "enabled=off")
    made = services.update(_find(options["id"]), **given)
    speech.done(_("%(url)s is changed.") % {"url": made.url}, _row(made), options)


def test(options: Mapping[str, Any]) -> None:
    """Send a test."""
    made = services.test(_find(options["id"]))
    speech.done(
        _("a test is on its way to %(url)s.") % {"url": made.webhook.url}, _delivery(made), options
    )


def deliveries(options: Mapping[str, Any]) -> None:
    """Show what was told."""
    every = _find(options["id"]).deliveries.order_by("-id")
    found = filtering.apply(DELIVERY_FILTERS, options, every)[:MOST_DELIVERIES]
    speech.show([_delivery(each) for each in found], DELIVERIES, options)


def retry(options: Mapping[str, Any]) -> None:
    """Try a delivery again."""
    found = Delivery.objects.filter(public_id=_uuid(options["id"])).first()
    if found is None:
        raise Refused(
            _("there is no delivery %(id)s; ./fedsip webhook deliveries ID") % {"id": options["id"]}
        )
    made = services.retry(found)
    speech.done(_("it is tried again."), _delivery(made), options)


def delete(options: Mapping[str, Any]) -> None:
    """Delete a webhook."""
    found = _find(options["id"])
    row = _row(found)
    services.remove(found)
    speech.done(_("%(url)s is told no more.") % {"url": found.url}, row, options)


def _find(text: str) -> Webhook:
    found = Webhook.objects.filter(public_id=_uuid(text)).select_related("tenant").first()
    if found is None:
        raise Refused(_("there is no webhook %(text)s; ./fedsip webhook list") % {"text": text})
    return found


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Refused(_("%(text)s is no id.") % {"text": text}) from None


def _row(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.public_id,
        "tenant": webhook.tenant.slug,
        "url": webhook.url,
        "events": webhook.events,
        "enabled": webhook.enabled,
        "note": webhook.note,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.public_id,
        "event": delivery.event,
        "state": State(delivery.state).value,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "problem": delivery.problem,
        "created_at": delivery.created_at,
        "delivered_at": delivery.delivered_at,
    }
