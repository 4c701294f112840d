"""/api/v1/aliases"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from fedsip_platform.directory.models import Domain
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Alias

from . import filters
from .base import OwnSlugField, key_parameter, put_of
from .owned import NamedViewSet

KEY = key_parameter("The alias's id or its name with the domain, such as 1000@example.com.")


class AliasSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    domain = OwnSlugField(slug_field="name", queryset=Domain.objects.select_related("tenant"))

    class Meta:
        model = Alias
        fields = ("id", "domain", "name", "target", "enabled", "note", "created_at", "updated_at")
        extra_kwargs = {"target": {"required": True}}
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Aliases"),
    retrieve=extend_schema(summary="One alias", parameters=[KEY]),
    create=extend_schema(summary="Make an alias"),
    update=put_of("Make an alias, or bring it to this state", KEY, AliasSerializer),
    partial_update=extend_schema(summary="Change an alias", parameters=[KEY]),
    destroy=extend_schema(summary="Delete an alias", parameters=[KEY]),
)
class AliasViewSet(NamedViewSet):
    """Further names and numbers of users and ring groups."""

    serializer_class = AliasSerializer
    rows = Alias.objects.select_related("domain__tenant")
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "target": filters.name("target", "Only of this user or ring group."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }
    make, modify, remove = services.create_alias, services.update_alias, services.delete_alias
