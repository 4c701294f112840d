"""/api/v1/outbound-policies"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.routing import services
from fedsip_platform.routing.models import OutboundPolicy

from . import filters
from .base import OwnSlugField, domain_of, is_uuid, key_parameter, put_of
from .owned import KeyedViewSet, named

KEY = key_parameter(
    "The policy's id, or whose it is: a user such as alice@example.com, or a domain."
)


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
    update=put_of(
        "Make an outbound policy, or bring it to this state", KEY, OutboundPolicySerializer
    ),
    partial_update=extend_schema(summary="Change an outbound policy", parameters=[KEY]),
    destroy=extend_schema(summary="Delete an outbound policy", parameters=[KEY]),
)
class OutboundPolicyViewSet(KeyedViewSet):
    """What users may dial, and as whom."""

    serializer_class = OutboundPolicySerializer
    rows = OutboundPolicy.objects.select_related("domain__tenant", "user")
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "user": filters.name("user__aor", "Only of this user."),
    }
    fixed = ("user",)
    lookups = {"domain": "domain__name", "user": "user__aor"}
    make, modify, remove = (
        services.create_outbound_policy,
        services.update_outbound_policy,
        services.delete_outbound_policy,
    )

    def said_by(self, key: str) -> dict[str, Any]:
        if is_uuid(key) or "\0" in key:
            return {}
        if "@" not in key:
            return {"domain": domain_of(key), "user": None}
        name, domain = named(key)
        return {"domain": domain, "user": f"{name}@{domain}"} if domain else {}
