"""From what an administrator types to the thing that is meant, or a sentence that refuses it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from fedsip_platform.cli.speech import Refused
from fedsip_platform.directory import names
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.tenants.models import Person, Tenant


def tenant(slug: str) -> Tenant:
    """The tenant of that short name."""
    found = Tenant.objects.filter(slug=slug.lower()).first()
    if found is None:
        known = Tenant.objects.values_list("slug", flat=True)
        raise Refused(
            _("there is no tenant %(slug)s%(near)s") % {"slug": slug, "near": _near(slug, known)}
        )
    return found


def domain(name: str) -> Domain:
    """The domain of that name, however it was typed."""
    try:
        normal = names.normal_domain(name)
    except ValidationError as error:
        raise Refused(
            _("%(name)s is no domain: %(list)s") % {"name": name, "list": " ".join(error.messages)}
        ) from error
    found = Domain.objects.filter(name=normal).select_related("tenant").first()
    if found is None:
        known = Domain.objects.values_list("name", flat=True)[:1000]
        raise Refused(
            _("there is no domain %(normal)s here%(near)s")
            % {"normal": normal, "near": _near(normal, known)}
        )
    return found


def address(aor: str) -> tuple[str, Domain]:
    """User name and domain of an address such as alice@example.com."""
    bare = aor.removeprefix("sips:").removeprefix("sip:")
    username, at, host = bare.rpartition("@")
    if not at or not username or not host:
        raise Refused(
            _("%(aor)s is no address; it must look like alice@example.com.") % {"aor": aor}
        )
    return username.lower(), domain(host)


def subscriber(aor: str) -> Subscriber:
    """The user of that address."""
    username, home = address(aor)
    found = Subscriber.objects.filter(aor=f"{username}@{home.name}").first()
    if found is None:
        known = home.subscribers.values_list("username", flat=True)[:1000]
        raise Refused(
            _("there is no user %(username)s in %(home)s%(near)s")
            % {"username": username, "home": home, "near": _near(username, known)}
        )
    found.domain = home
    return found


def person(email: str) -> Person:
    """The person who signs in with that e-mail address."""
    found = Person.objects.filter(email__iexact=email.strip()).first()
    if found is None:
        raise Refused(
            _("nobody signs in as %(email)s; ./fedsip admin list shows who does.")
            % {"email": email}
        )
    return found


def _near(typed: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(typed, list(known), n=1)
    return _("; did you mean %(near)s?") % {"near": near[0]} if near else "."
