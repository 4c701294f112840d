"""Resources that belong to one thing named in the body: made in it, changed, never moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

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
