"""/api/v1/ring-groups"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from fedsip_platform.directory.models import Domain
from fedsip_platform.routing import services
from fedsip_platform.routing.models import RingGroup

from . import filters
from .base import OwnSlugField, key_parameter, put_of
from .owned import NamedViewSet

KEY = key_parameter("The ring group's id or its name with the domain, such as sales@example.com.")


class RingGroupSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    domain = OwnSlugField(slug_field="name", queryset=Domain.objects.select_related("tenant"))

    class Meta:
        model = RingGroup
        fields = (
            *("id", "domain", "name", "strategy", "members", "ring_seconds", "fallback"),
            *("enabled", "note", "created_at", "updated_at"),
        )
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Ring groups"),
    retrieve=extend_schema(summary="One ring group", parameters=[KEY]),
    create=extend_schema(summary="Make a ring group"),
    update=put_of("Make a ring group, or bring it to this state", KEY, RingGroupSerializer),
    partial_update=extend_schema(summary="Change a ring group", parameters=[KEY]),
    destroy=extend_schema(summary="Delete a ring group", parameters=[KEY]),
)
class RingGroupViewSet(NamedViewSet):
    """Names that ring several users."""

    serializer_class = RingGroupSerializer
    rows = RingGroup.objects.select_related("domain__tenant")
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }
    make, modify, remove = (
        services.create_ring_group,
        services.update_ring_group,
        services.delete_ring_group,
    )
