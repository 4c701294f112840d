"""/api/v1/webhooks and /webhook-deliveries"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.tenants.models import Tenant
from fedsip_platform.webhooks import services
from fedsip_platform.webhooks.models import Delivery, Event, State, Webhook

from . import filters
from .base import OwnSlugField, ScopedViewSet, key_parameter, only_tenant, put_of

KEY = key_parameter("The webhook's id.")
DELIVERY_KEY = key_parameter("The delivery's id.")


class WebhookSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = OwnSlugField(slug_field="slug", queryset=Tenant.objects.all(), required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField([each.value for each in Event if each != Event.TEST]),
        help_text="What it is told of.",
    )

    class Meta:
        model = Webhook
        fields = ("id", "tenant", "url", "events", "enabled", "note", "created_at", "updated_at")


class NewWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(read_only=True, help_text="Shown now and never again.")

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")


class DeliverySerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    webhook = serializers.UUIDField(source="webhook.public_id", read_only=True)

    class Meta:
        model = Delivery
        fields = (
            *("id", "webhook", "event", "body", "state", "attempts", "status", "problem", "answer"),
            *("created_at", "due_at", "delivered_at"),
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="Webhooks"),
    retrieve=extend_schema(summary="One webhook", parameters=[KEY]),
)
class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Addresses that are told what happens: signed, and at least once."""

    serializer_class = WebhookSerializer
    rows = Webhook.objects.select_related("tenant")
    ordering = "id"
    answers_secret = True
    filters = {
        "tenant": filters.name("tenant__slug", "Only of the tenant with this short name."),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
    }

    @extend_schema(
        summary="Make a webhook",
        request=WebhookSerializer,
        responses={201: NewWebhookSerializer},
    )
    def create(self, request: Request) -> Response:
        return self._create(self.checked())

    @put_of(
        "Make a webhook of this id, or bring it to this state",
        KEY,
        WebhookSerializer,
        text="May be repeated: a program chooses an id once and keeps it. Only the answer "
        "that makes it (201) has the secret.",
        made=NewWebhookSerializer,
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._made_of)

    def _made_of(self, said: dict[str, Any]) -> Response:
        return self._create({"public_id": self.chosen_id(Webhook), **self.checked()})

    def _create(self, fields: dict[str, Any]) -> Response:
        tenant = fields.pop("tenant", None) or only_tenant(self.scope)
        self.require(self.scope.may_change(tenant), "tenant", _("Your role there is only to look."))
        webhook, secret = services.create(tenant, **fields)
        webhook.__dict__["secret"] = secret
        shown = NewWebhookSerializer(webhook, context=self.get_serializer_context())
        return Response(shown.data, status.HTTP_201_CREATED)

    @extend_schema(summary="Change a webhook", parameters=[KEY])
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        webhook = self.get_object()
        changes = self.checked(webhook, partial=True)
        tenant = changes.pop("tenant", webhook.tenant)
        self.require(tenant == webhook.tenant, "tenant", _("A webhook cannot move."))
        return Response(self.get_serializer(services.update(webhook, **changes)).data)

    @extend_schema(summary="Delete a webhook", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Send a test",
        parameters=[KEY],
        request=None,
        responses={202: DeliverySerializer},
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, **kwargs: Any) -> Response:
        delivery = services.test(self.get_object())
        return Response(DeliverySerializer(delivery).data, status.HTTP_202_ACCEPTED)


@extend_schema_view(
    list=extend_schema(summary="Deliveries, the latest first"),
    retrieve=extend_schema(summary="One delivery", parameters=[DELIVERY_KEY]),
)
class DeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """What was told to webhooks, and what is still to be."""

    serializer_class = DeliverySerializer
    rows = Delivery.objects.select_related("webhook__tenant")
    ordering = "-id"
    filters = {
        "webhook": filters.uuid("webhook__public_id", "Only to the webhook with this id."),
        "event": filters.choice("event", Event.values, "Only of this event."),
        "state": filters.choice("state", State.values, "Only in this state."),
        "since": filters.moment("created_at__gte", "Only from this time on."),
        "until": filters.moment("created_at__lt", "Only before this time."),
    }

    @extend_schema(
        summary="Try a delivery again",
        parameters=[DELIVERY_KEY],
        request=None,
        responses={202: DeliverySerializer},
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **kwargs: Any) -> Response:
        delivery = services.retry(self.get_object())
        return Response(self.get_serializer(delivery).data, status.HTTP_202_ACCEPTED)
