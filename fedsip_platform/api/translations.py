"""/api/v1/translations"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Translation

from . import filters
from .base import OwnSlugField, ScopedViewSet, key_parameter, put_of

KEY = key_parameter("The rule's id.")


class TranslationSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    domain = OwnSlugField(
        slug_field="name",
        queryset=Domain.objects.select_related("tenant"),
        help_text="The rule is for requests whose From has this domain.",
    )

    class Meta:
        model = Translation
        fields = (
            *("id", "domain", "enabled", "note", "from_username", "match_user_agent"),
            *("match_regex", "request_domain", "valid_from", "valid_until", "hours"),
            *("priority", "weight", "tran_user", "tran_strip", "tran_prefix", "tran_domain"),
            *("tran_port", "tran_strip_port", "tran_trunk", "tran_add_header"),
            *("tran_remove_header", "tran_from_user", "tran_from_display"),
            *("created_at", "updated_at"),
        )


@extend_schema_view(
    list=extend_schema(summary="Rules"),
    retrieve=extend_schema(summary="One rule", parameters=[KEY]),
)
class TranslationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Rules that change where requests go."""

    serializer_class = TranslationSerializer
    rows = Translation.objects.select_related("domain__tenant")
    ordering = "id"
    orders = {"priority": "priority", "created": "created_at"}
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
        "trunk": filters.name("tran_trunk", "Only that lead to the trunk of this name."),
    }

    @extend_schema(summary="Make a rule")
    def create(self, request: Request) -> Response:
        return self._create(**self.checked())

    def _create(self, domain: Domain, **fields: Any) -> Response:
        allowed = self.scope.may_change(domain.tenant)
        self.require(allowed, "domain", _("Your role there is only to look."))
        rule = services.create_translation(domain, **fields)
        return Response(self.get_serializer(rule).data, status.HTTP_201_CREATED)

    @put_of(
        "Make a rule of this id, or bring it to this state",
        KEY,
        TranslationSerializer,
        text="May be repeated: a program chooses an id once and keeps it. "
        "A new rule needs its domain.",
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._make)

    def _make(self, said: dict[str, Any]) -> Response:
        return self._create(public_id=self.chosen_id(Translation), **self.checked())

    @extend_schema(summary="Change a rule", parameters=[KEY])
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        rule = self.get_object()
        changes = self.checked(rule, partial=True)
        domain = changes.pop("domain", rule.domain)
        self.require(domain == rule.domain, "domain", _("A rule cannot move to another domain."))
        return Response(self.get_serializer(services.update_translation(rule, **changes)).data)

    @extend_schema(summary="Delete a rule", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.delete_translation(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
