"""/api/v1/outbound-policies"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.routing import services
from fedsip_platform.routing.models import OutboundPolicy

from . import filters
from .base import OwnSlugField, key_parameter
from .owned import OwnedViewSet

KEY = key_parameter("The policy's id.")


class OutboundPolicySerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    domain = OwnSlugField(slug_field="name", queryset=Domain.objects.select_related("tenant"))
    user = OwnSlugField(
        slug_field="aor",
        queryset=Subscriber.objects.select_related("domain__tenant"),
        allow_null=True,
        required=False,
        help_text="Address of the user; null for everybody of the domain without a policy.",
    )

    class Meta:
        model = OutboundPolicy
        fields = (
            *("id", "domain", "user", "caller_id", "caller_name", "classes", "allow_regex"),
            *("deny_regex", "note", "created_at", "updated_at"),
        )
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Outbound policies"),
    retrieve=extend_schema(summary="One outbound policy", parameters=[KEY]),
    create=extend_schema(summary="Make an outbound policy"),
    partial_update=extend_schema(summary="Change an outbound policy", parameters=[KEY]),
    destroy=extend_schema(summary="Delete an outbound policy", parameters=[KEY]),
)
class OutboundPolicyViewSet(OwnedViewSet):
    """What users may dial, and as whom."""

    serializer_class = OutboundPolicySerializer
    rows = OutboundPolicy.objects.select_related("domain__tenant", "user")
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "user": filters.name("user__aor", "Only of this user."),
    }
    fixed = ("user",)
    make, modify, remove = (
        services.create_outbound_policy,
        services.update_outbound_policy,
        services.delete_outbound_policy,
    )
