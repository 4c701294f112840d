"""Everything that changes aliases, forwards, ring groups, trunks, gateways and outbound policies.

REST, Django's admin, the dashboard and the CLI come through here. Destinations are brought to their
normal form first; a name is used once in a domain, as user, alias or ring group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from fedsip_platform.changes import Conflict, ServiceError, change, delete, save
from fedsip_platform.directory import passwords
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.directory.services import LONGEST_PASSWORD
from proxy.directory import carrier_secret

from . import destinations
from .models import Alias, Forward, Gateway, OutboundPolicy, RingGroup, Trunk

# -- aliases


@transaction.atomic
def create_alias(domain: Domain, name: str, target: str, **fields: Any) -> Alias:
    """Make another name for a user or ring group of the tenant."""
    name = name.strip().lower()
    refuse_taken_name(domain, name, other_than=Alias)
    return save(Alias(domain=domain, name=name, target=_target(domain, target), **fields))


@transaction.atomic
def update_alias(alias: Alias, **fields: Any) -> Alias:
    """Change an alias."""
    if "name" in fields:
        fields["name"] = fields["name"].strip().lower()
        refuse_taken_name(alias.domain, fields["name"], other_than=Alias)
    if "target" in fields:
        fields["target"] = _target(alias.domain, fields["target"])
    return change(alias, fields)


def delete_alias(alias: Alias) -> None:
    """Delete an alias."""
    delete(alias)


# -- forwards


def create_forward(user: Subscriber, condition: str, target: str, **fields: Any) -> Forward:
    """Send a user's calls elsewhere under a condition."""
    target = _forward_target(user, target)
    return save(Forward(user=user, condition=condition, target=target, **fields))


def update_forward(forward: Forward, **fields: Any) -> Forward:
    """Change a forward."""
    if "target" in fields:
        fields["target"] = _forward_target(forward.user, fields["target"])
    return change(forward, fields)


def delete_forward(forward: Forward) -> None:
    """Let the user's calls be again."""
    delete(forward)


# -- ring groups


@transaction.atomic
def create_ring_group(domain: Domain, name: str, **fields: Any) -> RingGroup:
    """Make a name that rings several users."""
    name = name.strip().lower()
    refuse_taken_name(domain, name, other_than=RingGroup)
    return save(RingGroup(domain=domain, name=name, **_group_fields(domain, fields)))


@transaction.atomic
def update_ring_group(group: RingGroup, **fields: Any) -> RingGroup:
    """Change a ring group."""
    if "name" in fields:
        fields["name"] = fields["name"].strip().lower()
        refuse_taken_name(group.domain, fields["name"], other_than=RingGroup)
    return change(group, _group_fields(group.domain, fields))


def delete_ring_group(group: RingGroup) -> None:
    """Delete a ring group; its members stay."""
    delete(group)


# -- trunks


def create_trunk(domain: Domain, name: str, *, password: str = "", **fields: Any) -> Trunk:
    """Make a trunk; it leads nowhere before it has gateways. `password` is its account's."""
    trunk = Trunk(domain=domain, name=name, **fields)
    trunk.sealed_password = _sealed_password(trunk, trunk.account, password)
    _refuse_nameless(trunk.account, trunk.registers)
    return save(trunk)


def update_trunk(trunk: Trunk, *, password: str | None = None, **fields: Any) -> Trunk:
    """Change a trunk; its name only while no rule leads to it. Without a password, the one that
    its account has stays; without an account there is none."""
    if fields.get("name", trunk.name) != trunk.name:
        _refuse_used(trunk, "name")
    account = fields.get("account", trunk.account)
    if password is not None or "account" in fields:
        fields["sealed_password"] = _sealed_password(trunk, account, password or "")
    _refuse_nameless(account, fields.get("registers", trunk.registers))
    return change(trunk, fields)


def delete_trunk(trunk: Trunk) -> None:
    """Delete a trunk that no rule leads to."""
    _refuse_used(trunk, "")
    delete(trunk)


def create_gateway(trunk: Trunk, host: str, **fields: Any) -> Gateway:
    """Give a trunk one more host."""
    return save(Gateway(trunk=trunk, host=host, **fields))


def update_gateway(gateway: Gateway, **fields: Any) -> Gateway:
    """Change a gateway."""
    return change(gateway, fields)


def delete_gateway(gateway: Gateway) -> None:
    """Take a host away from its trunk."""
    delete(gateway)


# -- outbound policies


def create_outbound_policy(
    domain: Domain, user: Subscriber | None = None, **fields: Any
) -> OutboundPolicy:
    """Say what a user, or everybody without a policy of their own, may dial and as whom."""
    return save(OutboundPolicy(domain=domain, user=user, **fields))


def update_outbound_policy(policy: OutboundPolicy, **fields: Any) -> OutboundPolicy:
    """Change a policy."""
    return change(policy, fields)


def delete_outbound_policy(policy: OutboundPolicy) -> None:
    """Take a policy away: the domain's one holds then, or none."""
    delete(policy)


# -- names that go


def forget_destination(tenant_id: int, aor: str) -> None:
    """Take away what leads to a user or ring group within the tenant: aliases and forwards whole,
    memberships and fallbacks of ring groups."""
    for alias in Alias.objects.filter(domain__tenant=tenant_id, target=aor):
        delete(alias)
    for forward in Forward.objects.filter(user__domain__tenant=tenant_id, target=aor):
        delete(forward)
    groups = RingGroup.objects.filter(domain__tenant=tenant_id)
    for group in groups.filter(members__contains=[aor]):
        change(group, {"members": [member for member in group.members if member != aor]})
    for group in groups.filter(fallback=aor):
        change(group, {"fallback": ""})


def forget_destinations_of(domain: Domain) -> None:
    """Take away what leads from the tenant's other domains into one that goes."""
    ending = f"@{domain.name}"
    aliases = Alias.objects.filter(domain__tenant=domain.tenant_id, target__endswith=ending)
    for alias in aliases.exclude(domain=domain):
        delete(alias)
    forwards = Forward.objects.filter(user__domain__tenant=domain.tenant_id)
    for forward in forwards.filter(target__endswith=ending).exclude(user__domain=domain):
        delete(forward)
    for group in RingGroup.objects.filter(domain__tenant=domain.tenant_id).exclude(domain=domain):
        members = [member for member in group.members if not member.endswith(ending)]
        fallback = "" if group.fallback.endswith(ending) else group.fallback
        if (members, fallback) != (group.members, group.fallback):
            change(group, {"members": members, "fallback": fallback})


# -- what all of them share


def refuse_taken_name(domain: Domain, name: str, *, other_than: type[Model]) -> None:
    """Raise Conflict when the name means something else in the domain already."""
    for kind, rows in (
        (_("a user"), domain.subscribers.filter(username=name)),
        (_("an alias"), domain.aliases.filter(name=name)),
        (_("a ring group"), domain.ring_groups.filter(name=name)),
    ):
        if rows.model is not other_than and rows.exists():
            raise Conflict(
                "name",
                _("%(username)s@%(domain)s is %(kind)s already.")
                % {"username": name, "domain": domain.name, "kind": kind},
            )


def _group_fields(domain: Domain, fields: dict[str, Any]) -> dict[str, Any]:
    if "members" in fields:
        members = fields["members"]
        fields["members"] = _normal("members", destinations.normal_members, members, domain)
    if fields.get("fallback"):
        fallback = fields["fallback"]
        fields["fallback"] = _normal("fallback", destinations.normal, fallback, domain)
    return fields


def _target(domain: Domain, text: str) -> str:
    return _normal("target", destinations.normal_target, text, domain)


def _forward_target(user: Subscriber, text: str) -> str:
    target = _normal("target", destinations.normal, text, user.domain)
    if target == user.aor:
        raise ServiceError("target", _("This is the user himself."))
    return target


def _normal(field: str, make: Callable[[Any, Domain], Any], given: Any, domain: Domain) -> Any:
    try:
        return make(given, domain)
    except ValidationError as error:
        raise ServiceError(field, " ".join(error.messages)) from error


def _refuse_nameless(account: str, registers: bool) -> None:
    if registers and not account:
        raise ServiceError("account", _("To register takes an account."))


def _sealed_password(trunk: Trunk, account: str, password: str) -> str:
    """What is kept of the password of a trunk's account. The one that it has already is not sealed
    anew: nothing has changed then."""
    if not account:
        if password:
            raise ServiceError("account", _("Say for which account the password is."))
        return ""
    if not password:
        if not trunk.sealed_password:
            raise ServiceError("password", _("The account needs its password."))
        return trunk.sealed_password
    if len(password) > LONGEST_PASSWORD:
        raise ServiceError(
            "password", _("Use at most %(most)s characters.") % {"most": LONGEST_PASSWORD}
        )
    if passwords.has_controls(password):
        raise ServiceError("password", _("A password has no control characters."))
    key = settings.WEB.cluster_key()
    if carrier_secret.unseal(trunk.sealed_password, key) == password.encode():
        return trunk.sealed_password
    return carrier_secret.seal(password, key)


def _refuse_used(trunk: Trunk, field: str) -> None:
    rules = Translation.objects.filter(domain=trunk.domain, tran_trunk=trunk.name)
    if rules.exists():
        raise Conflict(
            field,
            _("%(count)s rules lead to this trunk; change them first.") % {"count": rules.count()},
        )
