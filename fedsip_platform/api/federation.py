"""/api/v1/federation-rules and /api/v1/refusals"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import services
from fedsip_platform.federation.models import FederationRule, Refusal

from . import filters
from .base import OwnSlugField, ScopedViewSet, key_parameter

KEY = key_parameter("The rule's id.")


class FederationRuleSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    domain = OwnSlugField(
        slug_field="name",
        queryset=Domain.objects.select_related("tenant"),
        help_text="Our domain that says something of the other one.",
    )
    pattern = serializers.CharField(
        max_length=FederationRule._meta.get_field("pattern").max_length,
        help_text=FederationRule._meta.get_field("pattern").help_text,
    )

    class Meta:
        model = FederationRule
        fields = (
            *("id", "domain", "pattern", "direction", "allow", "verified", "trusted"),
            *("enabled", "note", "created_at", "updated_at"),
        )
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Rules for other domains"),
    retrieve=extend_schema(summary="One rule for another domain", parameters=[KEY]),
)
class FederationRuleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """What our domains say of other domains; what they say of all is a domain's `federation`."""

    serializer_class = FederationRuleSerializer
    rows = FederationRule.objects.select_related("domain__tenant")
    ordering = "id"
    filters = {
        "domain": filters.name("domain__name", "Only of this domain of ours."),
        "pattern": filters.name("pattern", "Only for this other domain."),
    }

    @extend_schema(summary="Make a rule for another domain")
    def create(self, request: Request) -> Response:
        fields = self.checked()
        domain = fields.pop("domain")
        allowed = self.scope.may_change(domain.tenant)
        self.require(allowed, "domain", "Your role there is only to look.")
        rule = services.create_rule(domain, **fields)
        return Response(self.get_serializer(rule).data, status.HTTP_201_CREATED)

    @extend_schema(summary="Change a rule for another domain", parameters=[KEY])
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        rule = self.get_object()
        fields = self.checked(rule, partial=True)
        domain = fields.pop("domain", rule.domain)
        self.require(domain == rule.domain, "domain", "A rule cannot move to another domain.")
        return Response(self.get_serializer(services.update_rule(rule, **fields)).data)

    @extend_schema(summary="Delete a rule for another domain", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.delete_rule(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RefusalSerializer(serializers.ModelSerializer):
    domain = serializers.CharField(source="domain.name", read_only=True)

    class Meta:
        model = Refusal
        fields = ("domain", "peer", "direction", "why", "day", "amount", "last_at")
        read_only_fields = fields


@extend_schema_view(list=extend_schema(summary="What was refused to other domains"))
class RefusalViewSet(mixins.ListModelMixin, ScopedViewSet):
    """Calls with other domains that a policy, a rule or a limit refused, counted by day."""

    serializer_class = RefusalSerializer
    rows = Refusal.objects.select_related("domain__tenant")
    ordering = "id"
    filters = {"domain": filters.name("domain__name", "Only of this domain of ours.")}
