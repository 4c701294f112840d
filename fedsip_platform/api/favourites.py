"""/api/v1/me/phone/favourites: whom you call often from your phone in the dashboard"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.gateway import services
from fedsip_platform.gateway.models import Favourite
from fedsip_platform.tenants.models import Person

from .base import ScopedViewSet, key_parameter
from .permissions import BySession
from .phones import own_phone

KEY = key_parameter("The favourite's id.")


class FavouriteSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Favourite
        fields = ("id", "address", "name", "created_at")


@extend_schema_view(
    list=extend_schema(summary="Whom you call often"),
    retrieve=extend_schema(summary="One of them", parameters=[KEY]),
)
class FavouriteViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Favourites of your phone in the dashboard, the same in each browser."""

    serializer_class = FavouriteSerializer
    permission_classes = [BySession]
    ordering = "id"

    def get_queryset(self) -> QuerySet[Favourite]:
        if not isinstance(self.request.user, Person):
            return Favourite.objects.none()
        return Favourite.objects.filter(subscriber=services.phone_of(self.request.user))

    @extend_schema(
        summary="Keep whom you call often",
        description="A name of your own domain, a number, or an address.",
    )
    def create(self, request: Request) -> Response:
        fields = self.checked()
        made = services.add_favourite(own_phone(request), **fields)
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(summary="Take one off", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.remove_favourite(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
