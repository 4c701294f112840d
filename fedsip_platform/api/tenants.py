"""/api/v1/tenants"""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory import services
from fedsip_platform.tenants import attention, usage
from fedsip_platform.tenants.models import Tenant

from . import filters
from .base import ScopedViewSet, is_uuid, key_parameter, put_of

KEY = key_parameter("The tenant's id or short name.")
OWNERS_FIELDS = {"name", "require_mfa"}


class TenantSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Tenant
        fields = (
            *("id", "name", "slug", "enabled", "max_domains", "max_subscribers"),
            *("max_rules", "max_calls", "max_calls_per_second", "require_mfa"),
            *("created_at", "updated_at"),
        )


class UsageSerializer(serializers.Serializer):
    name = serializers.CharField()
    used = serializers.IntegerField(
        help_text="Of calls_per_second, the busiest second of the last minute."
    )
    limit = serializers.IntegerField(allow_null=True)


class PointSerializer(serializers.Serializer):
    text = serializers.CharField(help_text="In a sentence.")
    is_bad = serializers.BooleanField(help_text="Whether calls suffer from it.")
    kind = serializers.CharField(help_text="Of what: domain, trunk, webhook, limits, or empty.")
    thing = serializers.UUIDField(allow_null=True, help_text="The id of that thing.")
    since = serializers.DateTimeField(
        allow_null=True, help_text="Since when it is so, where that is known."
    )


@extend_schema_view(
    list=extend_schema(summary="The tenants that you belong to"),
    retrieve=extend_schema(summary="One tenant", parameters=[KEY]),
)
class TenantViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Tenants. Operators make and limit them; owners rename their own."""

    serializer_class = TenantSerializer
    rows = Tenant.objects.all()
    ordering = "slug"
    natural_key = "slug"
    orders = {"slug": "slug", "name": "name", "created": "created_at"}
    filters = {
        "q": filters.search("Only whose name contains this.", "name__icontains", "slug__contains"),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }

    @extend_schema(summary="Make a tenant")
    def create(self, request: Request) -> Response:
        self.require(self.scope.may_operate, "", _("Only operators make tenants."))
        return self._create(self.checked())

    @put_of(
        "Make a tenant, or bring it to this state",
        KEY,
        TenantSerializer,
        text="May be repeated: the tenant is then as the body says, other fields stay. "
        "A new one is called by its short name if the body names none.",
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._make)

    def said_by(self, key: str) -> dict[str, Any]:
        return {} if is_uuid(key) else {"slug": key}

    def _make(self, said: dict[str, Any]) -> Response:
        self.require(self.scope.may_operate, "", _("Only operators make tenants."))
        slug = self.kwargs["key"]
        fields = self.checked(partial=True, said={"slug": slug})
        return self._create({"name": slug, **fields})

    @extend_schema(summary="Change a tenant", parameters=[KEY])
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        tenant = self.get_object()
        changes = self.checked(tenant, partial=True)
        self.require(self.scope.may_own(tenant), "", _("Only owners change a tenant."))
        for name in changes.keys() - OWNERS_FIELDS:
            self.require(self.scope.may_operate, name, _("Only operators change this."))
        return Response(self.get_serializer(services.update_tenant(tenant, **changes)).data)

    @extend_schema(
        summary="Its limits, and how much of each is used",
        parameters=[KEY],
        responses=UsageSerializer(many=True),
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def usage(self, request: Request, **kwargs: Any) -> Response:
        return self.shown(UsageSerializer(usage.of(self.get_object()), many=True))

    @extend_schema(
        summary="What wants attention, in sentences, the worst first",
        parameters=[KEY],
        responses=PointSerializer(many=True),
        filters=False,
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def attention(self, request: Request, **kwargs: Any) -> Response:
        points = attention.of(self.get_object(), now=timezone.now())
        return self.shown(PointSerializer(points, many=True))

    @extend_schema(summary="Delete a tenant with all that it has", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        tenant = self.get_object()
        self.require(self.scope.may_operate, "", _("Only operators delete tenants."))
        services.delete_tenant(tenant)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _create(self, fields: dict[str, Any]) -> Response:
        tenant = services.create_tenant(**fields)
        return Response(self.get_serializer(tenant).data, status.HTTP_201_CREATED)
