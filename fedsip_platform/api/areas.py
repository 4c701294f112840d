"""What a token may do: its scopes, and to which area each address of the API belongs.

This is the only place that decides it; permissions.py and base.py ask here. `read` and `write` are
all areas, `users:read` is one; whoever may write an area also reads it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

PREFIX = "/api/v1/"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# By the first word of an address. What is not here no token reaches; None: about oneself.
AREAS: dict[str, str | None] = {
    "tenants": "tenants",
    "people": "people",
    "invitations": "people",
    "domains": "domains",
    "origins": "domains",
    "federation-rules": "domains",
    "refusals": "domains",
    "locate": "domains",
    "certificates": "domains",
    "users": "users",
    "registrations": "users",
    "jobs": "users",
    "translations": "routing",
    "aliases": "routing",
    "forwards": "routing",
    "ring-groups": "routing",
    "trunks": "routing",
    "gateways": "routing",
    "outbound-policies": "routing",
    "calls": "calls",
    "live-calls": "calls",
    "blocks": "security",
    "allowed-sources": "security",
    "failed-sign-ins": "security",
    "webhooks": "webhooks",
    "webhook-deliveries": "webhooks",
    "audit": "audit",
    "nodes": "platform",
    "relays": "platform",
    "health": None,
    "me": None,
    "session": None,
    "tokens": None,
    "schema": None,
    "docs": None,
}


class Scope(models.TextChoices):
    """What one token may do; a token has one or several."""

    READ = "read", _("read everything")
    WRITE = "write", _("read and change everything")
    TENANTS_READ = "tenants:read", _("read tenants")
    TENANTS_WRITE = "tenants:write", _("change tenants")
    PEOPLE_READ = "people:read", _("read people and invitations")
    PEOPLE_WRITE = "people:write", _("change roles, invite")
    DOMAINS_READ = "domains:read", _("read domains, their checks and other domains")
    DOMAINS_WRITE = "domains:write", _("change domains and rules for other domains")
    USERS_READ = "users:read", _("read users and registrations")
    USERS_WRITE = "users:write", _("change, import and export users, end registrations")
    ROUTING_READ = "routing:read", _("read rules, aliases, groups and trunks")
    ROUTING_WRITE = "routing:write", _("change rules, aliases, groups and trunks")
    CALLS_READ = "calls:read", _("read calls and their messages")
    CALLS_WRITE = "calls:write", _("hang up")
    SECURITY_READ = "security:read", _("read blocks and failed sign-ins")
    SECURITY_WRITE = "security:write", _("change blocks and allowed networks")
    WEBHOOKS_READ = "webhooks:read", _("read webhooks and deliveries")
    WEBHOOKS_WRITE = "webhooks:write", _("change webhooks")
    AUDIT_READ = "audit:read", _("read the audit log")
    PLATFORM_READ = "platform:read", _("read nodes and relays, as an operator")


def missing(scopes: Iterable[str], request: HttpRequest, method: str | None = None) -> str:
    """The scope that this request lacks; empty where it has what it needs."""
    word = request.path.removeprefix(PREFIX).partition("/")[0]
    if word not in AREAS:
        return f"{word}:read"
    area = AREAS[word]
    is_safe = (method or request.method) in SAFE_METHODS
    if area is None:
        return "" if is_safe or Scope.WRITE in scopes else Scope.WRITE.value
    enough = {Scope.WRITE, f"{area}:write"} | ({Scope.READ, f"{area}:read"} if is_safe else set())
    return "" if enough & set(scopes) else f"{area}:{'read' if is_safe else 'write'}"


def may_write(scopes: Iterable[str], request: HttpRequest) -> bool:
    """Whether the token may change things of this request's area."""
    return not missing(scopes, request, "POST")
