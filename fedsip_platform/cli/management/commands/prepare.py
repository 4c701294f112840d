"""fedsip prepare: tables, the first administrator, and the demo when asked for.

`./fedsip up` runs it at each start; what exists already is left as it is.
"""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.core.validators import EmailValidator
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fedsip_platform.cli import passwords, speech
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.gateway import services as gateway
from fedsip_platform.people import services as people
from fedsip_platform.tenants.models import Person, Tenant

DEMO_TENANT = "demo"
DEMO_USERS = ("alice", "bob")
DEFAULT_HOST = "fedsip.local"


class Command(BaseCommand):
    help = gettext_lazy("Make the tables, the first administrator, and the demo when asked for.")
    suppressed_base_arguments = speech.DJANGO_OPTIONS
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", metavar="DOMAIN", help=_("also a domain with alice and bob"))
        parser.add_argument("--json", action="store_true", help=_("for programs"))

    def handle(self, *words: str, **options: Any) -> None:
        speech.act(options | {"run": prepare})


def prepare(options: Any) -> None:
    """Make what is missing, and say what was made."""
    call_command("migrate", interactive=False, verbosity=0)
    made: dict[str, Any] = {"administrator": first_administrator()}
    if options["demo"]:
        made["demo"] = demo(options["demo"])
    if options["json"]:
        print(json.dumps(made))
        return
    administrator = made["administrator"]
    print("the tables are up to date.")
    if administrator["password"]:
        print(f"first administrator: {administrator['email']}  {administrator['password']}")


def first_administrator() -> dict[str, str | None]:
    """The first operator of the platform; the password only when it was made just now."""
    operator = Person.objects.filter(is_operator=True).order_by("pk").first()
    if operator is not None:
        return {"email": operator.email, "password": None}
    email = _address_at(os.environ.get("FEDSIP_HOSTNAME", ""))
    word = passwords.generated()
    people.make_person(email, word, is_operator=True)
    return {"email": email, "password": word}


def _address_at(host: str) -> str:
    """The administrator's e-mail address: at this machine, where its name can be in one."""
    try:
        EmailValidator()(f"admin@{host}")
    except ValidationError:  # none is set, or an IP address, or a name without a dot
        return f"admin@{DEFAULT_HOST}"
    return f"admin@{host}"


@transaction.atomic
def demo(name: str) -> dict[str, Any]:
    """A tenant, a domain and two users, with the passwords of those that are made now."""
    tenant = Tenant.objects.filter(slug=DEMO_TENANT).first()
    if tenant is None:
        tenant = services.create_tenant("Demo", DEMO_TENANT)
    domain = Domain.objects.filter(name=name.strip().lower()).first()
    if domain is None:
        domain = services.create_domain(tenant, name)
    made = {"domain": domain.name, "users": [_demo_user(domain, user) for user in DEMO_USERS]}
    _give_a_phone(domain)
    return made


def _give_a_phone(domain: Domain) -> None:
    """The first administrator telephones in the dashboard as the demo's first user."""
    operator = Person.objects.filter(is_operator=True).order_by("pk").first()
    user = domain.subscribers.filter(username=DEMO_USERS[0]).first()
    if operator is not None and user is not None and not operator.subscribers.exists():
        gateway.give_phone(operator, user)


def _demo_user(domain: Domain, username: str) -> dict[str, str | None]:
    if Subscriber.objects.filter(domain=domain, username=username).exists():
        return {"username": username, "password": None}
    word = passwords.generated()
    services.create_subscriber(domain, username, word, display_name=username.capitalize())
    return {"username": username, "password": word}
