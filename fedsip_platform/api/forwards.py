"""/api/v1/forwards"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Forward, ForwardWhen

from . import filters
from .base import OwnSlugField, key_parameter, put_of
from .owned import KeyedViewSet, named

KEY = key_parameter("The forward's id, or whose and when, such as alice@example.com:busy.")


class ForwardSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    user = OwnSlugField(
        slug_field="aor",
        queryset=Subscriber.objects.select_related("domain__tenant"),
        help_text="Address of the user whose calls are meant.",
    )

    class Meta:
        model = Forward
        fields = (
            *("id", "user", "condition", "target", "ring_seconds", "enabled", "note"),
            *("created_at", "updated_at"),
        )
        extra_kwargs = {"target": {"required": True}}
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Call forwards"),
    retrieve=extend_schema(summary="One forward", parameters=[KEY]),
    create=extend_schema(summary="Make a forward"),
    update=put_of("Make a forward, or bring it to this state", KEY, ForwardSerializer),
    partial_update=extend_schema(summary="Change a forward", parameters=[KEY]),
    destroy=extend_schema(summary="Delete a forward", parameters=[KEY]),
)
class ForwardViewSet(KeyedViewSet):
    """Where calls to users go instead."""

    serializer_class = ForwardSerializer
    rows = Forward.objects.select_related("user__domain__tenant")
    filters = {
        "domain": filters.name("user__domain__name", "Only of users of this domain."),
        "user": filters.name("user__aor", "Only of this user."),
        "condition": filters.choice("condition", ForwardWhen.values, "Only under this condition."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }
    owner = "user"
    lookups = {"user": "user__aor", "condition": "condition"}
    make, modify, remove = (
        services.create_forward,
        services.update_forward,
        services.delete_forward,
    )

    def said_by(self, key: str) -> dict[str, Any]:
        address, _, condition = key.rpartition(":")
        name, domain = named(address)
        if not domain or condition not in ForwardWhen.values:
            return {}
        return {"user": f"{name}@{domain}", "condition": condition}
