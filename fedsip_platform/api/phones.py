"""/api/v1/me/phone, /api/v1/origins, and passes: telephoning in browsers"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.gateway import services
from fedsip_platform.gateway.models import AllowedOrigin
from fedsip_platform.tenants.models import Tenant

from .base import OwnSlugField, ScopedViewSet, key_parameter, scope_of
from .permissions import BySession

KEY = key_parameter("The site's id.")


class OriginSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = OwnSlugField(slug_field="slug", queryset=Tenant.objects.all())

    class Meta:
        model = AllowedOrigin
        fields = ("id", "tenant", "origin", "created_at")
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Web sites whose pages may telephone"),
    retrieve=extend_schema(summary="One web site", parameters=[KEY]),
)
class OriginViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Web sites whose pages may open a WebSocket for SIP. Our own pages always may."""

    serializer_class = OriginSerializer
    rows = AllowedOrigin.objects.select_related("tenant")
    ordering = "id"

    @extend_schema(summary="Let the pages of a site telephone")
    def create(self, request: Request) -> Response:
        fields = self.checked()
        allowed = self.scope.may_change(fields["tenant"])
        self.require(allowed, "tenant", "Your role there is only to look.")
        made = services.allow_origin(fields["tenant"], fields["origin"])
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(summary="Let them telephone no more", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.forget_origin(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class PassSerializer(serializers.Serializer):
    address = serializers.CharField(help_text="Whose calls these are: username@domain.")
    display_name = serializers.CharField()
    username = serializers.CharField(help_text="For the digest; good with this password alone.")
    password = serializers.CharField()
    websocket = serializers.CharField(help_text="Where SIP over WebSocket is spoken.")
    expires_at = serializers.IntegerField(help_text="Seconds since the epoch.")
    token = serializers.CharField(help_text="All of it as one text, for the widget.")


class PassRequestSerializer(serializers.Serializer):
    seconds = serializers.IntegerField(
        default=services.PASS_SECONDS, help_text="How long it is good: 60 to 86400."
    )


class PhoneSerializer(serializers.Serializer):
    address = serializers.CharField(max_length=400, help_text="Such as alice@example.com.")
    display_name = serializers.CharField(read_only=True)


class MyPhoneView(APIView):
    """The SIP user as whom you telephone in the dashboard."""

    permission_classes = [BySession]

    @extend_schema(
        summary="Your phone in the dashboard",
        responses=PhoneSerializer,
        operation_id="phone_retrieve",
    )
    def get(self, request: Request) -> Response:
        return _phone(own_phone(request))

    @extend_schema(
        summary="Choose your phone",
        description="Whoever may change a tenant may telephone as each of its users.",
        request=PhoneSerializer,
        responses=PhoneSerializer,
        operation_id="phone_update",
    )
    @transaction.atomic
    def put(self, request: Request) -> Response:
        asked = PhoneSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        scope = scope_of(request)
        address = asked.validated_data["address"].strip().removeprefix("sip:").lower()
        users = scope.visible(Subscriber.objects.select_related("domain__tenant"))
        found = None if "\0" in address else users.filter(aor=address).first()
        if found is None or not scope.may_change(found.domain.tenant):
            raise PermissionDenied({"address": "There is no such user that you may use."})
        return _phone(services.give_phone(request.user, found))


class MyPassView(APIView):
    """A pass for your own phone."""

    permission_classes = [BySession]

    @extend_schema(
        summary="A pass for your phone, good for an hour",
        description="Your page registers and calls with it, and never holds the SIP password.",
        request=None,
        responses={
            200: PassSerializer,
            404: OpenApiResponse(description="You have no phone yet."),
        },
        operation_id="phone_pass_create",
    )
    def post(self, request: Request) -> Response:
        made = services.make_pass(own_phone(request), request._request.get_host())
        return Response(PassSerializer(made).data)


def own_phone(request: Request) -> Subscriber:
    """The phone of whoever asks; 404 when there is none."""
    found = services.phone_of(request.user)
    if found is None:
        raise Http404
    return found


def _phone(user: Subscriber) -> Response:
    return Response(PhoneSerializer({
        "address": user.aor, "display_name": user.display_name
    }).data)  # fmt: skip
