"""/api/v1/translations/try and /effect: what would become of a call, and what a rule would have
changed; nothing is placed and nothing is written"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as ModelValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform.calls.models import CallRecord
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.federation import shown
from fedsip_platform.routing import effect, trying

from . import base
from .base import scope_of
from .permissions import SignedIn
from .translations import TranslationSerializer

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
    from_user = serializers.CharField(help_text="Of From, as the called side sees it.")
    from_display = serializers.CharField(help_text="Display name of From, as the called side sees.")
    added = serializers.ListField(child=serializers.CharField(), help_text="Header fields.")
    removed = serializers.ListField(child=serializers.CharField(), help_text="Their names.")


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
        user, _at, name = given["caller"].lower().rpartition("@")
        domains = scope_of(request).visible(Domain.objects.select_related("tenant"))
        domain = domains.filter(name=name).first()
        if domain is None:
            raise PermissionDenied({"caller": _("The domain is none of yours.")})
        at = given.get("at") or datetime.now(UTC)
        agent = given["user_agent"]
        try:
            trial = trying.try_call(domain, user, given["dialled"], user_agent=agent, at=at)
        except ServiceError as error:
            raise ValidationError({error.field: error.reason}) from error
        answer = {
            "dialled": trial.dialled.serialise().decode(),
            "normalised": trial.normalised.serialise().decode(),
            "rules": list(trying.shown_verdicts(trial, most=MOST_RULES)),
            "request_uri": trial.request_uri.serialise().decode(),
            "way": trial.way,
            "servers": [shown.of_located(located) for located in trial.located],
        }
        return base.shown(request, TriedSerializer(answer))


class ChangedSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="call.public_id", help_text="The call's.")
    started_at = serializers.DateTimeField(source="call.started_at")
    before = serializers.CharField(help_text="The request line that it had.")
    after = serializers.CharField(help_text="The one that the rule would have made.")


class EffectSerializer(serializers.Serializer):
    calls = serializers.IntegerField(help_text="How many were looked at.")
    is_all = serializers.BooleanField(help_text="Whether those were all of the last 30 days.")
    amount = serializers.IntegerField(help_text="How many would have gone elsewhere.")
    shown = ChangedSerializer(many=True, help_text="The latest of them.")


class EffectView(APIView):
    """Which of the last 30 days' calls a rule would have sent elsewhere."""

    permission_classes = [SignedIn]

    @extend_schema(
        summary="What a rule would have changed",
        description="The body is a rule as for /translations; with `id` one that exists is changed "
        "in thought. Nothing is written.",
        operation_id="translations_effect",
        request=TranslationSerializer,
        responses=EffectSerializer,
    )
    def post(self, request: Request) -> Response:
        scope = scope_of(request)
        self.scope = scope
        asked = TranslationSerializer(
            data=request.data, context={"view": self, "request": request}, partial=True
        )
        asked.is_valid(raise_exception=True)
        fields = dict(asked.validated_data)
        domain = fields.pop("domain", None)
        if domain is None:
            raise ValidationError({"domain": _("Say whose rule it is.")})
        if not scope.may_change(domain.tenant):
            raise PermissionDenied({"domain": _("Your role there is only to look.")})
        rule = self._present(request.data, domain) or Translation(domain=domain)
        for name, value in fields.items():
            setattr(rule, name, value)
        try:
            rule.full_clean()
        except ModelValidationError as error:
            raise ValidationError(error.message_dict) from error
        calls = scope.visible(CallRecord.objects.all())
        found = effect.of_rule(rule, calls, now=datetime.now(UTC))
        return Response(EffectSerializer(found).data)

    def _present(self, body: Any, domain: Domain) -> Translation | None:
        text = body.get("id")
        if text is None:
            return None
        try:
            found = domain.translations.filter(public_id=UUID(str(text))).first()
        except ValueError:
            found = None
        if found is None:
            raise ValidationError({"id": _("The domain has no such rule.")})
        return found
