"""/api/v1/trunks"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from fedsip_platform.directory.models import Domain
from fedsip_platform.directory.services import LONGEST_PASSWORD
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Trunk

from . import filters
from .base import OwnSlugField, key_parameter, put_of
from .owned import NamedViewSet

KEY = key_parameter("The trunk's id or its name with the domain, such as carrier@example.com.")


class TrunkSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    domain = OwnSlugField(slug_field="name", queryset=Domain.objects.select_related("tenant"))

    password = serializers.CharField(
        write_only=True,
        required=False,
        trim_whitespace=False,
        max_length=LONGEST_PASSWORD,
        help_text="Of the account. Without one, that which it has stays.",
    )
    has_password = serializers.BooleanField(
        read_only=True, help_text="Whether there is one; nobody can read it again."
    )

    class Meta:
        model = Trunk
        fields = (
            *("id", "domain", "name", "inbound_addresses", "inbound_tls_name"),
            *("account", "password", "has_password", "registers"),
            *("options_seconds", "enabled", "note", "created_at", "updated_at"),
        )
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Trunks"),
    retrieve=extend_schema(summary="One trunk", parameters=[KEY]),
    create=extend_schema(summary="Make a trunk"),
    update=put_of("Make a trunk, or bring it to this state", KEY, TrunkSerializer),
    partial_update=extend_schema(summary="Change a trunk", parameters=[KEY]),
    destroy=extend_schema(summary="Delete a trunk that no rule leads to", parameters=[KEY]),
)
class TrunkViewSet(NamedViewSet):
    """Carriers: from where calls come in. /gateways has where they go out."""

    serializer_class = TrunkSerializer
    rows = Trunk.objects.select_related("domain__tenant")
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }
    make, modify, remove = services.create_trunk, services.update_trunk, services.delete_trunk
