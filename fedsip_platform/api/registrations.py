"""/api/v1/registrations: the phones that are signed in now"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

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


@extend_schema_view(
    list=extend_schema(summary="Registrations"),
    retrieve=extend_schema(summary="One registration", parameters=[KEY]),
)
class RegistrationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Phones that are signed in now (bindings, RFC 3261 section 10)."""

    serializer_class = RegistrationSerializer
    rows = Binding.objects.select_related("domain__tenant")
    ordering = "binding_id"
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "address": filters.name("aor", "Only of this user, such as alice@example.com."),
    }

    def get_queryset(self) -> QuerySet[Binding]:
        return services.current(super().get_queryset())

    def find(self, key: str) -> Binding | None:
        return None if "\0" in key else self.get_queryset().filter(binding_id=key).first()

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
