"""Things as the rows that commands show; the same keys in tables and in JSON."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from fedsip_platform.calls.models import BlockedSource
from fedsip_platform.cli import fields
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.federation.models import FederationRule, Refusal
from fedsip_platform.gateway.models import Favourite
from fedsip_platform.location.models import Binding
from fedsip_platform.routing.models import (
    Alias,
    Forward,
    Gateway,
    OutboundPolicy,
    RingGroup,
    Trunk,
    registration_of,
)
from fedsip_platform.tenants.models import Person, Tenant

# What a domain has beside its policies, and what nobody sets.
_NOT_POLICY = {"id", "public_id", "tenant", "name", "created_at", "updated_at"}


def of_tenant(tenant: Tenant) -> dict[str, Any]:
    """A tenant with the number of its domains."""
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "enabled": tenant.enabled,
        "domains": tenant.domains.count(),
    }


def policies() -> list[str]:
    """Names of all that `domain set` can change."""
    fields = Domain._meta.concrete_fields
    return [field.name for field in fields if field.name not in _NOT_POLICY]


def of_domain(domain: Domain) -> dict[str, Any]:
    """A domain with all its policies."""
    row: dict[str, Any] = {
        "name": domain.name,
        "tenant": domain.tenant.slug,
        "users": domain.subscribers.count(),
    }
    return row | {name: getattr(domain, name) for name in policies()}


def of_subscriber(subscriber: Subscriber) -> dict[str, Any]:
    """A user without anything secret."""
    return {
        "aor": subscriber.aor,
        "display_name": subscriber.display_name,
        "enabled": subscriber.enabled,
        "max_contacts": subscriber.max_contacts,
        "max_calls": subscriber.max_calls,
        "media_policy": subscriber.media_policy,
        "srtp": subscriber.srtp,
        "codecs": subscriber.codecs,
        "created_at": subscriber.created_at,
    }


def of_own_user(subscriber: Subscriber) -> dict[str, Any]:
    """A user with whose it is and where its calls go."""
    person = subscriber.person
    row = of_subscriber(subscriber) | {"owner": None if person is None else person.email}
    forwards = subscriber.forwards.all()
    return row | {"forwards": [f"{each.condition} to {each.target}" for each in forwards]}


def of_favourite(favourite: Favourite) -> dict[str, Any]:
    """Whom somebody calls often."""
    return {"address": favourite.address, "name": favourite.name}


def of_binding(binding: Binding) -> dict[str, Any]:
    """One registered contact."""
    return {
        "aor": binding.aor,
        "contact": binding.contact,
        "protocol": binding.protocol,
        "received": binding.received,
        "nat": binding.nat,
        "node": binding.node_id,
        "user_agent": binding.user_agent,
        "registered_at": binding.registered_at,
        "expires_at": binding.expires_at,
    }


def of_federation_rule(rule: FederationRule) -> dict[str, Any]:
    """What a domain says of another."""
    return {
        "domain": rule.domain.name,
        "pattern": rule.pattern,
        "direction": rule.direction,
        "allow": rule.allow,
        "verified": rule.verified,
        "trusted": rule.trusted,
        "enabled": rule.enabled,
        "note": rule.note,
    }


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    """What was refused to another domain on one day."""
    return {
        "day": str(refusal.day),
        "domain": refusal.domain.name,
        "peer": refusal.peer,
        "direction": refusal.direction,
        "why": refusal.why,
        "amount": refusal.amount,
        "last_at": refusal.last_at,
    }


def of_person(person: Person) -> dict[str, Any]:
    """Somebody who signs in, and where she may do what."""
    roles = {str(each.tenant): each.role for each in person.memberships.select_related("tenant")}
    return {
        "email": person.email,
        "name": person.name,
        "active": person.is_active,
        "operator": person.is_operator,
        "tenants": roles,
    }


def of_block(block: BlockedSource) -> dict[str, Any]:
    """One blocked address."""
    return {
        "address": block.address,
        "node": block.node_id,
        "reason": block.reason,
        "evidence": block.evidence,
        "hits": block.hits,
        "first_seen_at": block.first_seen_at,
        "last_seen_at": block.last_seen_at,
        "blocked_until": block.blocked_until,
    }


def of_rule(rule: Translation) -> dict[str, Any]:
    """A rule with all that it matches and does."""
    row: dict[str, Any] = {"id": rule.public_id, "domain": rule.domain.name}
    return row | {name: getattr(rule, name) for name in fields.names(Translation)}


def of_alias(alias: Alias) -> dict[str, Any]:
    """Another name, and whose it is."""
    row = {"alias": str(alias), "target": alias.target}
    return row | {"enabled": alias.enabled, "note": alias.note}


def of_forward(forward: Forward) -> dict[str, Any]:
    """Where a user's calls go, and when."""
    row: dict[str, Any] = {"user": forward.user.aor}
    return row | {name: getattr(forward, name) for name in fields.names(Forward)}


def of_group(group: RingGroup) -> dict[str, Any]:
    """A ring group and its members."""
    row: dict[str, Any] = {"group": str(group)}
    return row | {name: getattr(group, name) for name in fields.names(RingGroup, but=("name",))}


def of_trunk(trunk: Trunk) -> dict[str, Any]:
    """A trunk and its gateways, with how the proxies find them."""
    row: dict[str, Any] = {"trunk": trunk.name, "domain": trunk.domain.name}
    row |= {name: getattr(trunk, name) for name in fields.names(Trunk, but=("name",))}
    row["has_password"] = trunk.has_password
    return row | {"gateways": [_gateway(each) for each in trunk.gateways.all()]}


def of_policy(policy: OutboundPolicy) -> dict[str, Any]:
    """What somebody may dial, and as whom."""
    row: dict[str, Any] = {"of": str(policy)}
    return row | {name: getattr(policy, name) for name in fields.names(OutboundPolicy)}


def _gateway(gateway: Gateway) -> str:
    port = f":{gateway.port}" if gateway.port else ""
    transport = f";transport={gateway.transport}" if gateway.transport else ""
    known = [each.is_alive for each in gateway.health.all()]
    state = "unknown" if not known else "alive" if all(known) else "dead" if not any(known) else "?"
    place = f"{gateway.host}{port}{transport}"
    off = "" if gateway.enabled else ", off"
    if gateway.trunk.registers:
        state += ", " + _registration(gateway)
    return f"{place} ({state}, priority {gateway.priority}, weight {gateway.weight}{off})"


def _registration(gateway: Gateway) -> str:
    found = registration_of(gateway)
    if found is None:
        return "not registered yet"
    if found.is_in_force(now=timezone.now()):
        return "registered"
    return f"not registered: {found.status} {found.reason}".rstrip()
