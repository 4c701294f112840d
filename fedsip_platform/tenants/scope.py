"""Tenant isolation, for the API and the dashboard alike: this is the only place that decides it.

A `Scope` is what one request may see and change. Every query of a view goes through `visible`;
nothing else in the project compares tenants.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet

from fedsip_platform.audit.models import Entry
from fedsip_platform.calls.models import (
    CallRecord,
    FailedSignIn,
    KeptMessages,
    LiveCall,
    RegistrationSample,
)
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.federation.models import DomainCheck, FederationRule, Refusal
from fedsip_platform.gateway.models import AllowedOrigin, Favourite
from fedsip_platform.location.models import Binding
from fedsip_platform.people.models import Invitation
from fedsip_platform.routing.models import (
    Alias,
    Forward,
    Gateway,
    OutboundPolicy,
    RingGroup,
    Trunk,
)
from fedsip_platform.tasks.models import Job
from fedsip_platform.webhooks.models import Delivery, Webhook

from .models import Membership, Person, Role, Tenant

M = TypeVar("M", bound=Model)

# How each kind of thing is reached from its tenant. What is not here, no tenant may see.
PATHS: dict[type[Model], str] = {
    Tenant: "pk",
    Domain: "tenant",
    Subscriber: "domain__tenant",
    Translation: "domain__tenant",
    Binding: "domain__tenant",
    Alias: "domain__tenant",
    Forward: "user__domain__tenant",
    RingGroup: "domain__tenant",
    Trunk: "domain__tenant",
    Gateway: "trunk__domain__tenant",
    OutboundPolicy: "domain__tenant",
    CallRecord: "tenant",
    FederationRule: "domain__tenant",
    Refusal: "domain__tenant",
    DomainCheck: "domain__tenant",
    AllowedOrigin: "tenant",
    Favourite: "subscriber__domain__tenant",
    Entry: "tenant",
    LiveCall: "tenant",
    KeptMessages: "tenant",
    RegistrationSample: "tenant",
    FailedSignIn: "domain__tenant",
    Membership: "tenant",
    Invitation: "tenant",
    Job: "tenant",
    Webhook: "tenant",
    Delivery: "webhook__tenant",
}


class Scope:
    """What a person may see and change, perhaps narrowed by a token to one tenant or to reading."""

    def __init__(
        self,
        person: Person | AnonymousUser,
        *,
        only_tenant_id: int | None = None,
        may_write: bool = True,
    ) -> None:
        self._person = person
        self._only_tenant_id = only_tenant_id
        self._may_write = may_write

    @cached_property
    def is_operator(self) -> bool:
        """Whether everything of every tenant may be seen and changed."""
        return (
            isinstance(self._person, Person)
            and self._person.is_active
            and self._person.is_operator
            and self._only_tenant_id is None
        )

    @cached_property
    def roles(self) -> dict[int, str]:
        """The role in each tenant, by the tenant's id."""
        if not isinstance(self._person, Person) or not self._person.is_active:
            return {}
        if self._person.is_operator and self._only_tenant_id is not None:
            return {self._only_tenant_id: Role.OWNER}
        memberships = self._person.memberships.all()
        if self._only_tenant_id is not None:
            memberships = memberships.filter(tenant=self._only_tenant_id)
        return dict(memberships.values_list("tenant_id", "role"))

    def visible(self, queryset: QuerySet[M]) -> QuerySet[M]:
        """Those of the things that belong to the scope's tenants."""
        path = PATHS[queryset.model]
        if self.is_operator:
            return queryset
        return queryset.filter(**{f"{path}__in": list(self.roles)})

    def may_change(self, tenant: Tenant) -> bool:
        """Whether domains, users and rules of the tenant may be changed."""
        return self._has(tenant, {Role.OWNER, Role.ADMIN})

    def may_own(self, tenant: Tenant) -> bool:
        """Whether the tenant itself may be changed."""
        return self._has(tenant, {Role.OWNER})

    @property
    def may_operate(self) -> bool:
        """Whether tenants may be made, limited and deleted."""
        return self._may_write and self.is_operator

    def _has(self, tenant: Tenant, roles: set[Role]) -> bool:
        if not self._may_write:
            return False
        return self.is_operator or self.roles.get(tenant.pk) in roles


def tenant_of(thing: Model) -> Tenant:
    """The tenant that a thing belongs to, along its path."""
    path = PATHS.get(thing._meta.model)
    if path is None:
        raise TypeError(f"{type(thing).__name__} belongs to no tenant")
    found: Any = thing
    for step in () if path == "pk" else path.split("__"):
        found = getattr(found, step)
    return found
