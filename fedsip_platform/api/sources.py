"""/api/v1/blocks, /api/v1/allowed-sources (for operators) and /api/v1/failed-sign-ins"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.calls import services
from fedsip_platform.calls.models import AllowedSource, BlockedSource, FailedSignIn
from fedsip_platform.calls.sources import BlockReason
from fedsip_platform.changes import ServiceError

from . import filters
from .base import ANYTHING, ScopedViewSet, is_uuid, key_parameter, put_of
from .filters import Filter

BLOCK_KEY = key_parameter("The block's id or address.")
NETWORK_KEY = key_parameter("The network's id, or the network, such as 192.0.2.0/24.")
OPERATORS = gettext_lazy("Blocks are the platform's: only operators see and change them.")


class OperatorViewSet(ScopedViewSet):
    """A resource of the platform itself: empty for everybody but operators."""

    def get_queryset(self) -> QuerySet[Any]:
        return self.rows.all() if self.scope.is_operator else self.rows.none()

    def check_object_permissions(self, request: Request, obj: Any) -> None:
        """`get_queryset` has decided who sees it; who sees it and may write may change it."""

    def require_operator(self) -> None:
        """Refuse with 403."""
        if not self.scope.may_operate:
            raise PermissionDenied(OPERATORS)


class BlockSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    seconds = serializers.IntegerField(
        write_only=True,
        required=False,
        min_value=1,
        max_value=315_360_000,
        help_text="For how long; thirty days if it is left out.",
    )
    address = serializers.IPAddressField()
    evidence = serializers.CharField(required=False, allow_blank=True, max_length=1000)

    class Meta:
        model = BlockedSource
        fields = (
            *("id", "address", "reason", "evidence", "hits", "node_id", "first_seen_at"),
            *("last_seen_at", "blocked_until", "seconds"),
        )
        read_only_fields = (
            *("id", "reason", "hits", "node_id", "first_seen_at", "last_seen_at", "blocked_until"),
        )


@extend_schema_view(
    list=extend_schema(summary="Addresses that are ignored now"),
    retrieve=extend_schema(summary="One blocked address", parameters=[BLOCK_KEY]),
)
class BlockViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OperatorViewSet):
    """Addresses that all proxies ignore for a while, with the evidence."""

    serializer_class = BlockSerializer
    rows = BlockedSource.objects.all()
    ordering = "-id"
    natural_key = "address"
    filters = {
        "reason": filters.choice("reason", BlockReason.values, "Only blocked for this."),
        "since": filters.moment("last_seen_at__gte", "Only heard of at or after this."),
    }

    def normal_key(self, key: str) -> str:
        try:
            return services.normal_address(key)
        except ServiceError as error:
            raise Http404 from error

    def get_queryset(self) -> QuerySet[BlockedSource]:
        return services.blocked(super().get_queryset())

    @extend_schema(summary="Block an address")
    def create(self, request: Request) -> Response:
        return self._block({}, status.HTTP_201_CREATED)

    @put_of(
        "Block an address, whether it is blocked or not",
        BLOCK_KEY,
        BlockSerializer,
        text="May be repeated: the address is then blocked for so long from now on. The "
        "address names it, and so need not the body.",
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, lambda said: self._block(said, status.HTTP_201_CREATED))

    def said_by(self, key: str) -> dict[str, Any]:
        return {} if is_uuid(key) else {"address": self.normal_key(key)}

    def brought(self, request: Request) -> Response:
        return self._block({"address": self.get_object().address}, status.HTTP_200_OK)

    def _block(self, said: dict[str, Any], answer: int) -> Response:
        self.require_operator()
        asked = self.checked(said=said)
        lasting = timedelta(seconds=asked.get("seconds", services.MANUAL_BLOCK.total_seconds()))
        made = services.block(asked["address"], evidence=asked.get("evidence", ""), lasting=lasting)
        return Response(self.get_serializer(made).data, answer)

    @extend_schema(
        summary="Lift a block",
        description="The proxies listen to the address again within a second.",
        parameters=[BLOCK_KEY],
    )
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        self.require_operator()
        services.lift(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class AllowedSourceSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    network = serializers.CharField(max_length=50, help_text="Such as 192.0.2.0/24.")

    class Meta:
        model = AllowedSource
        fields = ("id", "network", "note", "created_at")
        read_only_fields = ("id", "created_at")


@extend_schema_view(
    list=extend_schema(summary="Networks that nothing blocks"),
    retrieve=extend_schema(summary="One allowed network", parameters=[NETWORK_KEY]),
)
class AllowedSourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OperatorViewSet):
    """Networks to which no flood limit and no block applies."""

    serializer_class = AllowedSourceSerializer
    rows = AllowedSource.objects.all()
    ordering = "network"
    natural_key = "network"
    lookup_value_regex = ANYTHING

    @extend_schema(summary="Allow a network")
    def create(self, request: Request) -> Response:
        return self._allow({})

    @put_of(
        "Allow a network, if it is not yet allowed",
        NETWORK_KEY,
        AllowedSourceSerializer,
        text="May be repeated. The address names it, and so need not the body.",
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._allow)

    def said_by(self, key: str) -> dict[str, Any]:
        return {} if is_uuid(key) else {"network": self.normal_key(key)}

    def normal_key(self, key: str) -> str:
        try:
            return services.normal_network(key)
        except ServiceError as error:
            raise Http404 from error

    def brought(self, request: Request) -> Response:
        self.require_operator()
        source = self.get_object()
        note = self.checked(source, partial=True).get("note", source.note)
        return Response(self.get_serializer(services.note_allowed(source, note)).data)

    def _allow(self, said: dict[str, Any]) -> Response:
        self.require_operator()
        asked = self.checked(said=said)
        made = services.allow(asked["network"], asked.get("note", ""))
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(summary="Allow a network no longer", parameters=[NETWORK_KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        self.require_operator()
        services.disallow(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class FailedSignInSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="aor", read_only=True)
    domain = serializers.CharField(source="domain.name", read_only=True)

    class Meta:
        model = FailedSignIn
        fields = ("user", "domain", "address", "hour", "attempts", "user_agent", "last_at")
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="Failed sign-ins of phones"),
)
class FailedSignInViewSet(mixins.ListModelMixin, ScopedViewSet):
    """Wrong credentials by user and source, added up for each hour. Users may be unknown ones."""

    serializer_class = FailedSignInSerializer
    rows = FailedSignIn.objects.select_related("domain__tenant")
    ordering = "-id"

    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "user": filters.name("aor", "Only of this user, such as alice@example.com."),
        "address": Filter(
            "Only from this IP address.",
            lambda address: Q(address=address),
            services.normal_address,
            {"type": "string", "format": "ip-address"},
        ),
        "since": filters.moment("last_at__gte", "Only at or after this."),
        "until": filters.moment("last_at__lt", "Only before this."),
    }
