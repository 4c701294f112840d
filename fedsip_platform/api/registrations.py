"""/api/v1/registrations: the phones that are signed in now"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.calls import queries
from fedsip_platform.calls.models import RegistrationSample
from fedsip_platform.location import services
from fedsip_platform.location.models import Binding

from . import filters
from .base import ScopedViewSet, key_parameter

KEY = key_parameter("The registration's id.")


class RegistrationSerializer(serializers.ModelSerializer):
    id = serializers.CharField(source="binding_id", read_only=True)
    address = serializers.CharField(source="aor", read_only=True, help_text="username@domain")

    class Meta:
        model = Binding
        fields = (
            *("id", "address", "contact", "user_agent", "protocol", "received", "nat", "family"),
            *("q", "instance", "reg_id", "node_id", "registered_at", "expires_at"),
        )
        read_only_fields = fields


class SampleSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    devices = serializers.IntegerField(help_text="Phones that were registered.")
    users = serializers.IntegerField(help_text="Users who had one.")
    calls = serializers.IntegerField(help_text="Calls that went on.")


class SamplesSerializer(serializers.Serializer):
    results = SampleSerializer(many=True)


@extend_schema_view(
    list=extend_schema(summary="Registrations"),
    retrieve=extend_schema(summary="One registration", parameters=[KEY]),
)
class RegistrationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Phones that are signed in now (bindings, RFC 3261 section 10)."""

    serializer_class = RegistrationSerializer
    rows = Binding.objects.select_related("domain__tenant")
    ordering = "binding_id"
    orders = {"address": "aor", "registered": "registered_at", "expires": "expires_at"}
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "address": filters.name("aor", "Only of this user, such as alice@example.com."),
        "protocol": filters.name("protocol", "Only by this transport: udp, tcp, tls, wss."),
        "nat": filters.switch("nat", "Only behind NAT, or not."),
        "node": filters.equal("node_id", "Only at this proxy."),
    }

    def get_queryset(self) -> QuerySet[Binding]:
        return services.current(super().get_queryset())

    def find(self, key: str) -> Binding | None:
        return None if "\0" in key else self.get_queryset().filter(binding_id=key).first()

    @extend_schema(
        summary="How many phones were registered, over time",
        description="Of the last 24 hours, or since then, at most 31 days; some minutes apart.",
        parameters=[OpenApiParameter("since", OpenApiTypes.DATETIME)],
        responses=SamplesSerializer,
        filters=False,
    )
    @action(detail=False, url_path="over-time", pagination_class=None)
    def over_time(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        text = request.query_params.get("since")
        try:
            since = filters.read_moment(text) if text else now - queries.SHOWN
        except ValueError as error:
            raise ValidationError({"since": str(error)}) from error
        if not timedelta() < now - since <= queries.MOST_SHOWN:
            raise ValidationError({"since": _("Give a time of the last 31 days.")})
        samples = self.scope.visible(RegistrationSample.objects.all())
        found = queries.registrations_over_time(samples, since=since)
        return self.shown(SamplesSerializer({"results": found}))

    @extend_schema(
        summary="Sign a phone out",
        description="Calls in progress go on. The phone may register again; to keep it out, "
        "disable the user or change the password.",
        parameters=[KEY],
    )
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        binding = self.get_object()
        services.sign_out(Binding.objects.filter(pk=binding.pk))
        return Response(status=status.HTTP_204_NO_CONTENT)
