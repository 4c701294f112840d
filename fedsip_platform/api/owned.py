"""Resources that belong to one thing: made in it, changed, never moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory import names
from fedsip_platform.directory.models import Domain
from fedsip_platform.tenants.scope import tenant_of

from .base import ScopedViewSet


class OwnedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """What its services make, change and delete; the owner is the services' first argument."""

    owner: ClassVar[str] = "domain"
    make: ClassVar[Callable[..., Any]]
    modify: ClassVar[Callable[..., Any]]
    remove: ClassVar[Callable[[Any], None]]
    fixed: ClassVar[tuple[str, ...]] = ()
    """Fields besides the owner that cannot change."""
    ordering = "id"

    def create(self, request: Request) -> Response:
        fields = self.checked()
        owner = fields.pop(self.owner)
        allowed = self.scope.may_change(tenant_of(owner))
        self.require(allowed, self.owner, "Your role there is only to look.")
        made = type(self).make(owner, **fields)
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)

    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        thing = self.get_object()
        changes = self.checked(thing, partial=True)
        for name in (self.owner, *self.fixed):
            present = getattr(thing, name)
            self.require(changes.pop(name, present) == present, name, "This cannot change.")
        return Response(self.get_serializer(type(self).modify(thing, **changes)).data)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        type(self).remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class NamedViewSet(OwnedViewSet):
    """Those that have a name in their domain: NAME@DOMAIN stands in addresses beside the id."""

    def find(self, key: str) -> Any:
        name, domain = _named(key)
        if not domain:
            return super().find(key)
        return self.get_queryset().filter(name=name, domain__name=domain).first()

    def update(self, request: Request, **kwargs: Any) -> Response:
        """`PUT`: what is not there is made, if its address says of what name and domain."""
        if self.find(self.kwargs["key"]) is not None:
            return self.partial_update(request)
        name, domain_name = _named(self.kwargs["key"])
        if not domain_name:
            raise Http404
        domains = self.scope.visible(Domain.objects.select_related("tenant"))
        domain = domains.filter(name=domain_name).first()
        allowed = domain is not None and self.scope.may_change(domain.tenant)
        self.require(allowed, "domain", "There is none that you may change.")
        fields = {**self.checked(partial=True), "name": name}
        fields.pop("domain", None)
        made = type(self).make(domain, **fields)
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)


def _named(key: str) -> tuple[str, str]:
    """Name and domain of NAME@DOMAIN in the form in which they are kept; else empty."""
    name, at, host = key.rpartition("@")
    if not at or not name or "\0" in key:
        return "", ""
    try:
        return name.lower(), names.normal_domain(host)
    except ModelValidationError:
        return "", ""
