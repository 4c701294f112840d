"""/api/v1/nodes and /relays (for operators), /certificates and /health"""

from __future__ import annotations

from dataclasses import asdict

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform.calls import nodes
from fedsip_platform.calls.models import Node
from fedsip_platform.federation import wellbeing
from fedsip_platform.federation.models import DomainCheck

from . import filters
from .base import ScopedViewSet, key_parameter, scope_of, shown
from .sources import OperatorViewSet

KEY = key_parameter("The node's name.")


class NodeSerializer(serializers.ModelSerializer):
    id = serializers.CharField(source="node_id", read_only=True)
    is_alive = serializers.SerializerMethodField(help_text="Whether it wrote just now.")
    relays = serializers.DictField(
        child=serializers.BooleanField(), help_text="By name: whether it reaches the relay."
    )

    lost_calls = serializers.IntegerField(
        read_only=True,
        help_text="Calls without a record since it started: disk and memory were full.",
    )

    listeners = serializers.ListField(
        child=serializers.ListField(),
        help_text="Protocol, address, and host and port as others reach it, of each.",
    )

    class Meta:
        model = Node
        fields = (
            *("id", "is_alive", "address", "version", "started_at", "seen_at"),
            *("flows", "bindings", "calls", "lost_calls", "relays", "listeners"),
        )
        read_only_fields = fields

    def get_is_alive(self, node: Node) -> bool:
        return nodes.is_alive(node, now=timezone.now())


@extend_schema_view(
    list=extend_schema(summary="Proxies that ran in the last day"),
    retrieve=extend_schema(summary="One proxy", parameters=[KEY]),
)
class NodeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OperatorViewSet):
    """Proxies; empty for everybody but operators."""

    serializer_class = NodeSerializer
    rows = Node.objects.all()
    ordering = "node_id"

    def find(self, key: str) -> Node | None:
        return None if "\0" in key else self.get_queryset().filter(node_id=key).first()


class RelaySerializer(serializers.Serializer):
    name = serializers.CharField()
    answers = serializers.BooleanField(help_text="Whether a living proxy reaches it.")


class RelaysSerializer(serializers.Serializer):
    results = RelaySerializer(many=True)


class RelaysView(APIView):
    """Media relays; empty for everybody but operators."""

    @extend_schema(
        summary="Media relays, as the living proxies reach them",
        operation_id="relays_list",
        responses=RelaysSerializer,
    )
    def get(self, request: Request) -> Response:
        is_operator = scope_of(request).is_operator
        relays = nodes.seen(now=timezone.now()).relays if is_operator else {}
        found = [{"name": name, "answers": answers} for name, answers in relays.items()]
        return shown(request, RelaysSerializer({"results": found}))


class CertificateSerializer(serializers.ModelSerializer):
    domain = serializers.CharField(source="domain.name", read_only=True)
    names = serializers.ListField(source="certificate.names", child=serializers.CharField())
    issuer = serializers.CharField(source="certificate.issuer", default="")
    is_self_signed = serializers.BooleanField(source="certificate.is_self_signed")
    expires_at = serializers.DateTimeField(source="certificate.expires_at")
    source = serializers.CharField(
        source="certificate.source", default="", help_text="domain: its own; node: the platform's."
    )

    class Meta:
        model = DomainCheck
        fields = (
            *("domain", "names", "issuer", "is_self_signed", "expires_at", "source"),
            "checked_at",
        )
        read_only_fields = fields


@extend_schema_view(list=extend_schema(summary="The certificate that each domain's callers see"))
class CertificateViewSet(mixins.ListModelMixin, ScopedViewSet):
    """Certificates, as the last check of each domain saw them."""

    serializer_class = CertificateSerializer
    rows = DomainCheck.objects.select_related("domain").exclude(certificate={})
    ordering = "id"
    filters = {"domain": filters.name("domain__name", "Only of this domain.")}


class PartSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="proxies, relays, records, domains or certificates.")
    state = serializers.CharField(help_text="good, warn, bad or unknown.")
    text = serializers.CharField(help_text="In words.")
    sentence = serializers.CharField(help_text="What is wrong, where that is said nowhere else.")


class PlatformHealthSerializer(serializers.Serializer):
    parts = PartSerializer(many=True)


class HealthView(APIView):
    """Whether what your calls depend on works."""

    @extend_schema(
        summary="Whether proxies, relays, your domains' DNS and certificates are well",
        operation_id="health_retrieve",
        responses=PlatformHealthSerializer,
    )
    def get(self, request: Request) -> Response:
        parts = wellbeing.of(
            scope_of(request).visible(DomainCheck.objects.all()), now=timezone.now()
        )
        return shown(request, PlatformHealthSerializer({"parts": [asdict(part) for part in parts]}))
