"""Resources that belong to one thing: made in it, changed, never moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory import names
from fedsip_platform.tenants.scope import tenant_of

from .base import ScopedViewSet


class MadeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """What its services make and delete; the owner is the services' first argument."""

    owner: ClassVar[str] = "domain"
    make: ClassVar[Callable[..., Any]]
    remove: ClassVar[Callable[[Any], None]]
    ordering = "id"

    def create(self, request: Request) -> Response:
        return self._create(self.checked())

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        type(self).remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def make_or_change(self, request: Request) -> Response:
        """`PUT`: what is not there is made, if its address says of what name it is."""
        return self.bring(request, self._made_of)

    def _made_of(self, said: dict[str, Any]) -> Response:
        if not said:
            raise Http404
        return self._create(self.checked(said=said))

    def _create(self, fields: dict[str, Any]) -> Response:
        owner = fields.pop(self.owner)
        allowed = self.scope.may_change(tenant_of(owner))
        self.require(allowed, self.owner, _("Your role there is only to look."))
        made = type(self).make(owner, **fields)
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)


class OwnedViewSet(MadeViewSet):
    """What can be changed as well, but never moves to another owner."""

    modify: ClassVar[Callable[..., Any]]
    fixed: ClassVar[tuple[str, ...]] = ()
    """Fields besides the owner that cannot change."""

    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        thing = self.get_object()
        changes = self.checked(thing, partial=True)
        for name in (self.owner, *self.fixed):
            present = getattr(thing, name)
            self.require(changes.pop(name, present) == present, name, _("This cannot change."))
        return Response(self.get_serializer(type(self).modify(thing, **changes)).data)


class KeyedViewSet(OwnedViewSet):
    """Those with a natural key, which stands in addresses beside the id."""

    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.make_or_change(request)


class NamedViewSet(KeyedViewSet):
    """Those that have a name in their domain, such as sales@example.com."""

    lookups = {"name": "name", "domain": "domain__name"}

    def said_by(self, key: str) -> dict[str, Any]:
        name, domain = named(key)
        return {"name": name, "domain": domain} if domain else {}


def named(key: str) -> tuple[str, str]:
    """Name and domain of NAME@DOMAIN in the form in which they are kept; else empty."""
    name, at, host = key.rpartition("@")
    if not at or not name or "\0" in key:
        return "", ""
    try:
        return name.lower(), names.normal_domain(host)
    except ModelValidationError:
        return "", ""
