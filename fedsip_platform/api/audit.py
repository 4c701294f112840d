"""/api/v1/audit: who changed what"""

from __future__ import annotations

from typing import Any

from django.db.models import F
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from fedsip_platform import csv_export
from fedsip_platform.audit.models import Entry, Via

from . import filters
from .base import ScopedViewSet, key_parameter

KEY = key_parameter("The entry's id.")


class AuditSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = serializers.CharField(source="tenant_slug", read_only=True, allow_null=True)

    class Meta:
        model = Entry
        fields = (
            *("id", "at", "tenant", "actor", "as_operator", "via", "token", "address"),
            *("request_id", "action", "kind", "key", "thing", "changes"),
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="Changes, the latest first"),
    retrieve=extend_schema(summary="One change", parameters=[KEY]),
)
class AuditViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Who changed what, from where, with old and new values. Nobody can change it."""

    serializer_class = AuditSerializer
    rows = Entry.objects.annotate(tenant_slug=F("tenant__slug"))
    ordering = "-id"
    filters = {
        "tenant": filters.name("tenant__slug", "Only of the tenant with this short name."),
        "actor": filters.name("actor", "Only by this person."),
        "kind": filters.equal("kind", "Only of this kind of thing: user, domain, ..."),
        "key": filters.equal("key", "Only of the thing with this name."),
        "thing": filters.uuid("thing", "Only of the thing with this id."),
        "action": filters.equal("action", "Only create, change, delete, ..."),
        "via": filters.choice("via", Via.values, "Only made by this way."),
        "since": filters.moment("at__gte", "Only from this time on."),
        "until": filters.moment("at__lt", "Only before this time."),
    }

    @extend_schema(
        summary="All that the filters choose, as CSV",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=False, methods=["get"], url_path="export")
    def export(self, request: Request, **kwargs: Any) -> Any:
        chosen = self.filtered(self.get_queryset()).order_by(self.ordering)
        return csv_export.stream("audit.csv", self.get_serializer(), chosen)
