"""/api/v1/locate and /api/v1/domains/{key}/dns: what the DNS says of others and of us"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform.changes import ServiceError
from fedsip_platform.federation import locating, shown

from . import base
from .permissions import SignedIn

URI = OpenApiParameter(
    "uri",
    {"type": "string", "format": "sip-address"},
    OpenApiParameter.QUERY,
    True,
    "Such as sip:bob@elsewhere.org.",
)


class LocatedSerializer(serializers.Serializer):
    uri = serializers.CharField()
    steps = serializers.ListField(child=serializers.DictField())
    hops = serializers.ListField(child=serializers.DictField())
    error = serializers.CharField()


class LocateView(APIView):
    """How a SIP address is found (RFC 3263). The servers themselves are not asked: that would let
    anybody send from here."""

    permission_classes = [SignedIn]

    @extend_schema(
        summary="How a SIP address is found",
        parameters=[URI],
        responses=LocatedSerializer,
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("uri", "")
        try:
            uri = locating.read_uri(text)
        except ServiceError as error:
            raise ValidationError({error.field: error.reason}) from error
        found: dict[str, Any] = shown.of_located(locating.locate(uri, ask_hops=False))
        return base.shown(request, LocatedSerializer(found))
