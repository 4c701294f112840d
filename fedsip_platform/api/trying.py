"""/api/v1/translations/try: what would become of a call, without placing it"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import shown
from fedsip_platform.routing import trying

from .base import scope_of
from .permissions import SignedIn

MOST_RULES = 200


class TrySerializer(serializers.Serializer):
    caller = serializers.CharField(max_length=320, help_text="Address of the caller.")
    dialled = serializers.CharField(max_length=400, help_text="A name, a number or an address.")
    user_agent = serializers.CharField(max_length=200, required=False, default="")
    at = serializers.DateTimeField(required=False, help_text="When; now by default.")


class TriedRuleSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    priority = serializers.IntegerField()
    weight = serializers.IntegerField()
    note = serializers.CharField()
    match_regex = serializers.CharField()
    matches = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it does not match, or makes nothing.")
    share = serializers.FloatField(help_text="How often it is tried first, 0 to 1.")
    request_uri = serializers.CharField(help_text="What it makes of the call.")
    trunk = serializers.CharField()
    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())


class TriedSerializer(serializers.Serializer):
    dialled = serializers.CharField()
    normalised = serializers.CharField()
    rules = TriedRuleSerializer(many=True)
    request_uri = serializers.CharField()
    way = serializers.ListField(child=serializers.CharField())
    servers = serializers.ListField(
        child=serializers.DictField(), help_text="What RFC 3263 finds, as /locate says it."
    )


class TryView(APIView):
    """A rehearsal; nothing is changed and nobody is called."""

    permission_classes = [SignedIn]

    @extend_schema(
        summary="What would become of a call", parameters=[TrySerializer], responses=TriedSerializer
    )
    def get(self, request: Request) -> Response:
        asked = TrySerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        given: dict[str, Any] = asked.validated_data
        user, _, name = given["caller"].lower().rpartition("@")
        domains = scope_of(request).visible(Domain.objects.select_related("tenant"))
        domain = domains.filter(name=name).first()
        if domain is None:
            raise PermissionDenied({"caller": "The domain is none of yours."})
        at = given.get("at") or datetime.now(UTC)
        agent = given["user_agent"]
        try:
            trial = trying.try_call(domain, user, given["dialled"], user_agent=agent, at=at)
        except ServiceError as error:
            raise ValidationError({error.field: error.reason}) from error
        return Response(
            {
                "dialled": trial.dialled.serialise().decode(),
                "normalised": trial.normalised.serialise().decode(),
                "rules": list(trying.shown_verdicts(trial, most=MOST_RULES)),
                "request_uri": trial.request_uri.serialise().decode(),
                "way": trial.way,
                "servers": [shown.of_located(located) for located in trial.located],
            }
        )
