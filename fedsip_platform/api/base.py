"""What all resources have in common: scope, natural keys, filters, and writing by services.

A base class, against the habit of the house, because isolation must not depend on each resource
remembering it: a view that derives from this one cannot reach another tenant's rows.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from fedsip_platform.tenants.models import Tenant
from fedsip_platform.tenants.scope import Scope

from .models import Scope as TokenScope
from .models import Token
from .permissions import MayChange, SignedIn


def scope_of(request: Request) -> Scope:
    """What this request may see and change."""
    if isinstance(request.auth, Token):
        return Scope(
            request.user,
            only_tenant_id=request.auth.tenant_id,
            may_write=request.auth.scope == TokenScope.WRITE,
        )
    return Scope(request.user)


class ScopedViewSet(GenericViewSet):
    """A resource of which one sees only one's own tenants' part."""

    permission_classes = [SignedIn, MayChange]
    lookup_field = "public_id"
    lookup_url_kwarg = "key"
    lookup_value_regex = "[^/]+"

    rows: ClassVar[QuerySet[Any]]
    """Everything, joined as the serializer needs it; seen only through `get_queryset`."""
    ordering: ClassVar[str]
    """The unique column by which pages go."""
    natural_key: ClassVar[str] = ""
    """A unique column that may stand in addresses instead of the id."""

    scope: Scope

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        self.scope = scope_of(request)
        for name, value in request.query_params.items():
            if "\0" in value:
                raise ValidationError({name: "The character NUL cannot be stored."})

    def get_queryset(self) -> QuerySet[Any]:
        return self.scope.visible(self.rows)

    def get_object(self) -> Any:
        thing = self.find(self.kwargs["key"])
        if thing is None:
            raise Http404
        self.check_object_permissions(self.request, thing)
        return thing

    def find(self, key: str) -> Any:
        """What has this id or natural key, if it may be seen."""
        queryset = self.get_queryset()
        try:
            return queryset.filter(public_id=uuid.UUID(key)).first()
        except ValueError:
            if not self.natural_key or "\0" in key:
                return None
        return queryset.filter(**{self.natural_key: self.normal_key(key)}).first()

    def normal_key(self, key: str) -> str:
        """The form in which the natural key is kept."""
        return key

    def require(self, allowed: bool, field: str, reason: str) -> None:
        """Refuse with 403, naming the field that stands in the way."""
        if not allowed:
            raise PermissionDenied({field: reason})

    def checked(self, instance: Model | None = None, *, partial: bool = False) -> dict[str, Any]:
        """The request's body, checked; raises ValidationError."""
        serializer = self.get_serializer(instance, data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class OwnSlugField(serializers.SlugRelatedField):
    """Names something of one's own tenants; what one may not see gives 403, as if forbidden."""

    def get_queryset(self) -> QuerySet[Any]:
        return self.context["view"].scope.visible(super().get_queryset())

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not data.isprintable():
            raise ValidationError("Give its name.")
        found = self.get_queryset().filter(**{self.slug_field: data.strip().lower()}).first()
        if found is None:
            raise PermissionDenied({self.field_name: "There is none that you may use."})
        return found


def only_tenant(scope: Scope) -> Tenant:
    """The tenant that is meant when none is named."""
    tenants = list(scope.visible(Tenant.objects.all())[:2])
    if len(tenants) != 1:
        raise ValidationError({"tenant": "Say which of your tenants."})
    return tenants[0]


def switch(request: Request, name: str) -> bool | None:
    """A true-or-false filter of the query."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise ValidationError({name: "Say true or false."})
    return text == "true"


def key_parameter(description: str) -> OpenApiParameter:
    """Documents the last part of an address."""
    return OpenApiParameter("key", OpenApiTypes.STR, OpenApiParameter.PATH, True, description)


def filter_parameter(name: str, description: str, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    """Documents a filter."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, False, description)
