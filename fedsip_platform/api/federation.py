"""/api/v1/federation-rules and /api/v1/refusals"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers

from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import services
from fedsip_platform.federation.models import Direction, FederationRule, Refusal

from . import filters
from .base import OwnSlugField, ScopedViewSet, domain_of, is_uuid, key_parameter, put_of
from .owned import KeyedViewSet

KEY = key_parameter(
    "The rule's id, or our domain, the other one and the direction (both, if it is left out), "
    "such as example.com:*.example.org:in."
)


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
    create=extend_schema(summary="Make a rule for another domain"),
    update=put_of(
        "Make a rule for another domain, or bring it to this state", KEY, FederationRuleSerializer
    ),
    partial_update=extend_schema(summary="Change a rule for another domain", parameters=[KEY]),
    destroy=extend_schema(summary="Delete a rule for another domain", parameters=[KEY]),
)
class FederationRuleViewSet(KeyedViewSet):
    """What our domains say of other domains; what they say of all is a domain's `federation`."""

    serializer_class = FederationRuleSerializer
    rows = FederationRule.objects.select_related("domain__tenant")
    filters = {
        "domain": filters.name("domain__name", "Only of this domain of ours."),
        "pattern": filters.name("pattern", "Only for this other domain."),
        "direction": filters.choice("direction", Direction.values, "Only for calls of this way."),
        "allow": filters.switch("allow", "Only those that allow, or deny."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }
    lookups = {"domain": "domain__name", "pattern": "pattern", "direction": "direction"}
    make, modify, remove = services.create_rule, services.update_rule, services.delete_rule

    def said_by(self, key: str) -> dict[str, Any]:
        domain, colon, rest = key.partition(":")
        pattern, _, direction = rest.partition(":")
        if not colon or not pattern or "\0" in key or is_uuid(key):
            return {}
        return {
            "domain": domain_of(domain),
            "pattern": domain_of(pattern.lower()),
            "direction": direction or Direction.BOTH.value,
        }


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
    filters = {
        "domain": filters.name("domain__name", "Only of this domain of ours."),
        "peer": filters.name("peer", "Only to this other domain."),
        "direction": filters.choice("direction", Direction.values, "Only of this way."),
        "why": filters.equal("why", "Only refused for this reason."),
        "since": filters.moment("last_at__gte", "Only refused at or after this."),
        "until": filters.moment("last_at__lt", "Only refused before this."),
    }
