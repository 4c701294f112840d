"""Destinations as tenants write them: where an alias, a forward or a ring group leads.

`alice`, `1000` or `+15551234567` mean that name or number in the same domain; `bob@example.org` and
`sip:bob@example.org` mean another place. Kept as user@host; names of ours in lower case.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from fedsip_platform.directory import names
from fedsip_platform.directory.models import Domain, Subscriber

from .models import RingGroup

MOST_MEMBERS = 50


def normal(text: str, domain: Domain) -> str:
    """The destination as user@host; raises ValidationError."""
    bare = text.strip()
    for scheme in ("sip:", "sips:"):
        bare = bare.removeprefix(scheme)
    user, at, host = bare.rpartition("@")
    if not at:
        user, host = bare, domain.name
    if not user or not host:
        raise ValidationError(
            _("Type a name or number of this domain, or an address such as a@b.c.")
        )
    names.check_username(user)
    if len(user) > names.LONGEST_USERNAME:
        raise ValidationError(
            _("A name has at most %(longest_username)s characters.")
            % {"longest_username": names.LONGEST_USERNAME}
        )
    host = names.normal_domain(host)
    return f"{user.lower() if host == domain.name else user}@{host}"


def normal_member(text: str, domain: Domain) -> str:
    """A destination that must be a user of the same tenant."""
    aor = normal(text, domain).lower()
    if not Subscriber.objects.filter(aor=aor, domain__tenant=domain.tenant_id).exists():
        raise ValidationError(_("There is no user %(aor)s here.") % {"aor": aor})
    return aor


def normal_target(text: str, domain: Domain) -> str:
    """A destination that must be a user or ring group of the same tenant."""
    aor = normal(text, domain).lower()
    user, _, host = aor.rpartition("@")
    group = RingGroup.objects.filter(domain__name=host, name=user, domain__tenant=domain.tenant_id)
    if not group.exists():
        normal_member(text, domain)
    return aor


def normal_members(texts: Sequence[str], domain: Domain) -> list[str]:
    """The users of a ring group, each once, in the order given."""
    if len(texts) > MOST_MEMBERS:
        raise ValidationError(
            _("A group has at most %(most_members)s members.") % {"most_members": MOST_MEMBERS}
        )
    found = [normal_member(text, domain) for text in texts]
    return list(dict.fromkeys(found))
