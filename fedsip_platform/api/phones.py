"""/api/v1/me/phone, /api/v1/origins, and passes: telephoning in browsers"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.gateway import services
from fedsip_platform.gateway.models import AllowedOrigin
from fedsip_platform.gateway.origins import normal_origin
from fedsip_platform.tenants.models import Tenant

from . import filters, idempotency
from .base import ANYTHING, OwnSlugField, key_parameter, put_of, scope_of, shown
from .owned import MadeViewSet
from .permissions import BySession

KEY = key_parameter(
    "The site's id, or whose it is and its address, such as acme:https://www.example.com."
)


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
    create=extend_schema(summary="Let the pages of a site telephone"),
    update=put_of("Let the pages of a site telephone, if they may not yet", KEY, OriginSerializer),
    destroy=extend_schema(summary="Let them telephone no more", parameters=[KEY]),
)
class OriginViewSet(MadeViewSet):
    """Web sites whose pages may open a WebSocket for SIP. Our own pages always may."""

    serializer_class = OriginSerializer
    lookup_value_regex = ANYTHING
    rows = AllowedOrigin.objects.select_related("tenant")
    filters = {
        "tenant": filters.name("tenant__slug", "Only of the tenant with this short name."),
        "origin": filters.name("origin", "Only this site."),
    }
    owner = "tenant"
    lookups = {"tenant": "tenant__slug", "origin": "origin"}
    make, remove = services.allow_origin, services.forget_origin

    def said_by(self, key: str) -> dict[str, Any]:
        slug, _, origin = key.partition(":")
        normal = None if "\0" in key else normal_origin(origin)
        return {} if normal is None else {"tenant": slug.lower(), "origin": normal}

    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.make_or_change(request)

    def brought(self, request: Request) -> Response:
        return Response(self.get_serializer(self.get_object()).data)


class PassSerializer(serializers.Serializer):
    address = serializers.CharField(help_text="Whose calls these are: username@domain.")
    display_name = serializers.CharField()
    username = serializers.CharField(help_text="For the digest; good with this password alone.")
    password = serializers.CharField()
    websocket = serializers.CharField(help_text="Where SIP over WebSocket is spoken.")
    expires_at = serializers.IntegerField(help_text="Seconds since the epoch.")
    relay_in_reserve = serializers.BooleanField(
        help_text="Whether calls with other browsers begin past a relay that may take them over."
    )
    ice_servers = serializers.ListField(
        child=serializers.CharField(),
        help_text="STUN servers for WebRTC; none where all sound goes by the relay.",
    )
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
        return shown(request, _phone(own_phone(request)))

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
            raise PermissionDenied({"address": _("There is no such user that you may use.")})
        return Response(_phone(services.give_phone(request.user, found)).data)


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
        def made() -> Response:
            phone = services.make_pass(own_phone(request), request._request.get_host())
            return Response(PassSerializer(phone).data)

        return idempotency.once(request, made, asked=lambda: None, has_secret=True)


def own_phone(request: Request) -> Subscriber:
    """The phone of whoever asks; 404 when there is none."""
    found = services.phone_of(request.user)
    if found is None:
        raise Http404
    return found


def _phone(user: Subscriber) -> PhoneSerializer:
    return PhoneSerializer({"address": user.aor, "display_name": user.display_name})
