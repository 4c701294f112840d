"""/api/v1/gateways"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError

from fedsip_platform.changes import Conflict
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Gateway, GatewayHealth, GatewayRegistration, Trunk

from . import filters
from .base import OwnSlugField, domain_of, is_uuid, key_parameter, put_of
from .owned import KeyedViewSet, named

KEY = key_parameter(
    "The gateway's id, or its trunk and host, such as carrier@example.com:sbc.carrier.example."
)


class OwnIdField(OwnSlugField):
    """Names something of one's own by its id."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            wanted = uuid.UUID(data) if isinstance(data, str) else None
        except ValueError:
            wanted = None
        if wanted is None:
            raise ValidationError(_("Give its id."))
        found = self.get_queryset().filter(public_id=wanted).first()
        if found is None:
            raise PermissionDenied({self.field_name: _("There is none that you may use.")})
        return found

    def to_representation(self, obj: Any) -> str:
        return str(obj.public_id)


class HealthSerializer(serializers.ModelSerializer):
    node = serializers.CharField(source="node_id", read_only=True)

    class Meta:
        model = GatewayHealth
        fields = ("node", "is_alive", "status", "round_trip_ms", "checked_at", "changed_at")
        read_only_fields = fields


class CarrierRegistrationSerializer(serializers.ModelSerializer):
    node = serializers.CharField(source="node_id", read_only=True)

    class Meta:
        model = GatewayRegistration
        fields = ("node", "status", "reason", "until", "checked_at", "changed_at")
        read_only_fields = fields


class GatewaySerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    trunk = OwnIdField(
        slug_field="public_id",
        queryset=Trunk.objects.select_related("domain__tenant"),
        help_text="Id of its trunk.",
    )

    class Meta:
        model = Gateway
        fields = (
            *("id", "trunk", "host", "port", "transport", "priority", "weight", "enabled"),
            *("created_at", "updated_at"),
        )
        validators: list[Any] = []


class GatewayListSerializer(GatewaySerializer):
    health = HealthSerializer(many=True, read_only=True, help_text="As each proxy finds it.")

    registrations = CarrierRegistrationSerializer(
        many=True, read_only=True, help_text="Where its trunk registers: how it stands."
    )

    class Meta(GatewaySerializer.Meta):
        fields = (*GatewaySerializer.Meta.fields, "health", "registrations")


@extend_schema_view(
    list=extend_schema(summary="Gateways, and how each proxy finds them"),
    retrieve=extend_schema(summary="One gateway", parameters=[KEY]),
    create=extend_schema(summary="Give a trunk a gateway"),
    update=put_of("Give a trunk a gateway, or bring it to this state", KEY, GatewaySerializer),
    partial_update=extend_schema(summary="Change a gateway", parameters=[KEY]),
    destroy=extend_schema(summary="Take a gateway away from its trunk", parameters=[KEY]),
)
class GatewayViewSet(KeyedViewSet):
    """The hosts of trunks: where calls go out."""

    serializer_class = GatewaySerializer
    rows = Gateway.objects.select_related("trunk__domain__tenant")
    filters = {
        "domain": filters.name("trunk__domain__name", "Only of trunks of this domain."),
        "trunk": filters.name("trunk__name", "Only of trunks of this name."),
        "alive": filters.switch("health__is_alive", "Only that a proxy finds alive, or dead."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }
    owner = "trunk"
    lookups = {"trunk": "trunk__public_id", "host": "host"}
    make, modify, remove = (
        services.create_gateway,
        services.update_gateway,
        services.delete_gateway,
    )

    def said_by(self, key: str) -> dict[str, Any]:
        address, colon, host = key.partition(":")
        name, domain = named(address)
        if not colon or not domain or is_uuid(key):
            return {}
        trunks = self.scope.visible(Trunk.objects.filter(domain__name=domain, name=name))
        trunk = trunks.first()
        if trunk is None:
            raise Http404
        return {"trunk": str(trunk.public_id), "host": domain_of(host.lower())}

    def find(self, key: str) -> Any:
        """Of several at one host (other ports, other transports) none is meant by that."""
        said = self.said_by(key)
        if not said:
            return super().find(key)
        found = list(self.named_so(said)[:2])
        if len(found) > 1:
            raise Conflict("host", _("The trunk has several gateways there: say which by its id."))
        return found[0] if found else None

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        # Health and registrations change by themselves: they stay out of what an ETag is made of.
        return GatewayListSerializer if self.action == "list" else GatewaySerializer

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows.prefetch_related("health", "registrations") if self.action == "list" else rows
