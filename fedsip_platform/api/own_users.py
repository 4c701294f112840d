"""/api/v1/me/users: the SIP users that are one's own, whatever one's role in any tenant"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.calls import queries
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.location import services as location
from fedsip_platform.people import services as people
from fedsip_platform.routing import services as routing
from fedsip_platform.routing.models import Forward
from fedsip_platform.tenants.models import Person

from .base import ScopedViewSet, key_parameter
from .calls import CallSerializer
from .models import Token
from .permissions import SignedIn
from .registrations import RegistrationSerializer
from .users import PhonePasswordField

KEY = key_parameter("The user's id or address.")
MOST_CALLS = 100


class OwnForwardSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Forward
        fields = ("id", "condition", "target", "ring_seconds", "enabled")
        extra_kwargs = {"target": {"required": True}}
        validators: list[Any] = []


class OwnUserSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    address = serializers.CharField(source="aor", read_only=True)
    forwards = OwnForwardSerializer(many=True, read_only=True)
    password = PhonePasswordField(help_text="A new one for the phone.")

    class Meta:
        model = Subscriber
        fields = ("id", "address", "display_name", "enabled", "forwards", "password")
        read_only_fields = ("display_name", "enabled")


@extend_schema_view(
    list=extend_schema(summary="The SIP users that are your own"),
    retrieve=extend_schema(summary="One of them with its forwards", parameters=[KEY]),
)
class OwnUserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Your own SIP users: whose phone it is decides here, and no role."""

    serializer_class = OwnUserSerializer
    permission_classes = [SignedIn]
    ordering = "aor"
    natural_key = "aor"

    def get_queryset(self) -> QuerySet[Subscriber]:
        if not isinstance(self.request.user, Person):
            return Subscriber.objects.none()
        own = people.owned(self.request.user).prefetch_related("forwards")
        token = self.request.auth
        if isinstance(token, Token) and token.tenant_id is not None:
            own = own.filter(domain__tenant=token.tenant_id)
        return own

    def normal_key(self, key: str) -> str:
        return key.lower()

    @extend_schema(summary="Give your phone a new password", parameters=[KEY])
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        user = self.get_object()
        services.set_password(user, self.checked(user)["password"])
        return Response(self.get_serializer(user).data)

    @extend_schema(
        summary="Devices that are signed in as you",
        parameters=[KEY],
        responses=RegistrationSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def devices(self, request: Request, **kwargs: Any) -> Response:
        found = location.current(self.get_object().bindings.select_related("domain"))
        return self.shown(RegistrationSerializer(found, many=True))

    @extend_schema(
        summary="Sign a device of yours out",
        parameters=[KEY, OpenApiParameter("device", OpenApiTypes.STR, OpenApiParameter.PATH)],
        responses={204: None},
    )
    @action(detail=True, methods=["delete"], url_path="devices/(?P<device>[^/]+)")
    def sign_out(self, request: Request, device: str, **kwargs: Any) -> Response:
        bindings = self.get_object().bindings
        found = get_object_or_404(bindings, pk=device.replace("\0", ""))
        location.sign_out(bindings.filter(pk=found.pk))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Your latest calls",
        parameters=[KEY],
        responses=CallSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def calls(self, request: Request, **kwargs: Any) -> Response:
        user = self.get_object()
        every = queries.with_names(CallRecord.objects.all())
        mine = every.filter(queries.of_user(user.aor), domain=user.domain)
        return self.shown(CallSerializer(mine.order_by("-started_at")[:MOST_CALLS], many=True))

    @extend_schema(
        summary="Send your calls elsewhere",
        parameters=[KEY],
        request=OwnForwardSerializer,
        responses={201: OwnForwardSerializer},
    )
    @action(detail=True, methods=["post"], url_path="forwards")
    def forwards(self, request: Request, **kwargs: Any) -> Response:
        user = self.get_object()
        asked = OwnForwardSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = routing.create_forward(user, **asked.validated_data)
        return Response(OwnForwardSerializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Let your calls be again",
        parameters=[KEY, OpenApiParameter("forward", OpenApiTypes.UUID, OpenApiParameter.PATH)],
        responses={204: None},
    )
    @action(detail=True, methods=["delete"], url_path="forwards/(?P<forward>[0-9a-f-]{36})")
    def forget_forward(self, request: Request, forward: str, **kwargs: Any) -> Response:
        try:
            key = UUID(forward)
        except ValueError:
            raise Http404 from None
        routing.delete_forward(get_object_or_404(self.get_object().forwards, public_id=key))
        return Response(status=status.HTTP_204_NO_CONTENT)
