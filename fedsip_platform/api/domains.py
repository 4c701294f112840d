"""/api/v1/domains"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory import names, services
from fedsip_platform.directory.models import SERVED, Domain, user_count
from fedsip_platform.federation import checks, dns_records, ownership, shown
from fedsip_platform.federation.models import CheckState, DomainCheck
from fedsip_platform.tasks import checks as tasks
from fedsip_platform.tenants.models import Tenant

from . import filters
from .base import OwnSlugField, ScopedViewSet, is_uuid, key_parameter, only_tenant, put_of

KEY = key_parameter("The domain's id or name.")
POLICIES = (
    *("enabled", "note", "unauthenticated", "unauthenticated_calls_out", "hide_users"),
    *("require_tls", "media_policy", "srtp", "codecs", "nat_keepalive", "nat_alias_contact"),
    *("federation", "federation_in", "stranger_methods", "calls_in_per_domain"),
    *("calls_in_per_stranger", "calls_out_per_domain", "calls_out_per_user", "enum"),
    *(
        "e164",
        "e164_country",
        "time_zone",
        "trace",
        "trace_days",
        "max_subscribers",
        "max_contacts",
    ),
    *("min_expires", "max_expires", "default_expires"),
)


class DomainSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = OwnSlugField(
        slug_field="slug",
        queryset=Tenant.objects.all(),
        required=False,
        help_text="Short name of the tenant; may be left out by those who have only one.",
    )
    name = serializers.CharField(
        max_length=names.LONGEST_DOMAIN, help_text=Domain._meta.get_field("name").help_text
    )

    is_served = serializers.BooleanField(
        read_only=True,
        help_text="Whether it is proved or vouched for; before, phones and calls do not find it.",
    )

    class Meta:
        model = Domain
        fields = (
            *("id", "tenant", "name", "is_served", "vouched", "ownership_proved_at"),
            *(*POLICIES, "created_at", "updated_at"),
        )
        read_only_fields = ("vouched", "ownership_proved_at")
        validators: list[Any] = []


class DomainListSerializer(DomainSerializer):
    users = serializers.IntegerField(read_only=True, help_text="How many users it has.")

    class Meta(DomainSerializer.Meta):
        fields = (*DomainSerializer.Meta.fields, "users")


class DnsRecordSerializer(serializers.Serializer):
    name = serializers.CharField()
    kind = serializers.CharField(help_text="NAPTR, SRV, A, AAAA or TXT.")
    value = serializers.CharField()
    line = serializers.CharField(help_text="The record as a line of a zone file.")
    state = serializers.CharField(help_text="published, missing, different or unknown.")
    found = serializers.ListField(child=serializers.CharField(), help_text="What the DNS has.")


class DomainCheckSerializer(serializers.ModelSerializer):
    domain = serializers.CharField(source="domain.name", read_only=True)
    problems = serializers.ListField(child=serializers.CharField())
    changes = serializers.ListField(
        child=serializers.CharField(), help_text="What changed at `changed_at`."
    )
    records = DnsRecordSerializer(many=True)
    certificate = serializers.DictField(
        help_text="Names, expires_at, issuer, is_self_signed, and source: domain or node."
    )
    located = serializers.DictField(
        help_text="Where the DNS leads and who answers there, when a check was last asked for."
    )

    authorities = serializers.ListField(
        child=serializers.DictField(),
        help_text="What each server of the zone itself has of the records, when a check was last "
        "asked for: server, address, records.",
    )

    class Meta:
        model = DomainCheck
        fields = (
            *("domain", "state", "problems", "changes", "records", "certificate"),
            *("located", "authorities", "checked_at", "changed_at"),
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="Domains"),
    retrieve=extend_schema(summary="One domain", parameters=[KEY]),
)
class DomainViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """SIP domains and their policies."""

    serializer_class = DomainSerializer
    rows = Domain.objects.select_related("tenant")
    ordering = "name"
    natural_key = "name"
    orders = {"name": "name", "created": "created_at"}
    filters = {
        "tenant": filters.name("tenant__slug", "Only of the tenant with this short name."),
        "q": filters.search("Only names that contain this.", "name__contains"),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
        "check": filters.choice(
            "last_check__state", CheckState.values, "Only whose last check found this."
        ),
    }

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return DomainListSerializer if self.action == "list" else DomainSerializer

    def normal_key(self, key: str) -> str:
        try:
            return names.normal_domain(key)
        except ModelValidationError:
            return ""

    def filter_queryset(self, queryset: QuerySet[Domain]) -> QuerySet[Domain]:
        chosen = super().filter_queryset(queryset)
        return chosen.annotate(users=user_count()) if self.action == "list" else chosen

    @extend_schema(summary="Make a domain")
    def create(self, request: Request) -> Response:
        return self._create(self.checked())

    @put_of(
        "Make a domain, or bring it to this state",
        KEY,
        DomainSerializer,
        text="May be repeated: the domain is then as the body says, other policies stay.",
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._make)

    def said_by(self, key: str) -> dict[str, Any]:
        name = self.normal_key(key)
        return {"name": name} if name and not is_uuid(key) else {}

    def _make(self, said: dict[str, Any]) -> Response:
        taken = Domain.objects.filter(SERVED, name=self.normal_key(self.kwargs["key"]))
        self.require(not taken.exists(), "name", _("This domain is taken already."))
        return self._create(self.checked(said=said or {"name": self.kwargs["key"]}))

    @extend_schema(summary="Change a domain", parameters=[KEY])
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        domain = self.get_object()
        changes = self.checked(domain, partial=True)
        tenant = changes.pop("tenant", domain.tenant)
        self.require(
            tenant == domain.tenant, "tenant", _("A domain cannot move to another tenant.")
        )
        return Response(self.get_serializer(services.update_domain(domain, **changes)).data)

    @extend_schema(summary="Delete a domain with its users and rules", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.delete_domain(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="DNS records to publish, and whether they are",
        description="The last one, TXT, proves that the domain is its tenant's; found there, it "
        "counts at once.",
        parameters=[KEY],
        responses=DnsRecordSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def dns(self, request: Request, **kwargs: Any) -> Response:
        domain = self.get_object()
        wanted = dns_records.records(domain.name, dns_records.this_site())
        checked = ownership.check(domain, wanted)
        records = [shown.of_dns_record(each) for each in checked]
        return self.shown(DnsRecordSerializer(records, many=True))

    @extend_schema(
        summary="The last check of a domain's DNS and certificate",
        description="Domains are checked each six hours; 404 before the first check.",
        parameters=[KEY],
        responses=DomainCheckSerializer,
    )
    @action(detail=True, url_path="check")
    def last_check(self, request: Request, **kwargs: Any) -> Response:
        found = DomainCheck.objects.filter(domain=self.get_object()).first()
        if found is None or found.checked_at is None:
            raise Http404
        return self.shown(DomainCheckSerializer(found))

    @extend_schema(
        summary="Check a domain's DNS and certificate now",
        description="Answers when the DNS has; with `Prefer: respond-async` (RFC 7240) at once: "
        "a worker makes the check.",
        parameters=[
            KEY,
            OpenApiParameter("Prefer", OpenApiTypes.STR, OpenApiParameter.HEADER),
        ],
        request=None,
        responses={200: DomainCheckSerializer, 202: None},
    )
    @last_check.mapping.post
    def check_now(self, request: Request, **kwargs: Any) -> Response:
        domain = self.get_object()
        if request.headers.get("Prefer", "").strip().lower() == "respond-async":
            tasks.ask(domain)
            applied = {"Preference-Applied": "respond-async"}
            return Response(status=status.HTTP_202_ACCEPTED, headers=applied)
        (made,) = checks.check([domain], ask_hops=True)
        return Response(DomainCheckSerializer(made).data)

    @extend_schema(
        summary="Vouch for a domain",
        description="Operators only: it is served without its tenant's proof.",
        parameters=[KEY],
        request=None,
    )
    @action(detail=True, methods=["post"])
    def vouch(self, request: Request, **kwargs: Any) -> Response:
        domain = self.get_object()
        self.require(self.scope.may_operate, "domain", _("Only operators can vouch for a domain."))
        return Response(self.get_serializer(services.update_domain(domain, vouched=True)).data)

    def _create(self, fields: dict[str, Any]) -> Response:
        tenant = fields.pop("tenant", None) or only_tenant(self.scope)
        self.require(self.scope.may_change(tenant), "tenant", _("Your role there is only to look."))
        domain = ownership.add_domain(tenant, fields.pop("name"), **fields)
        return Response(self.get_serializer(domain).data, status.HTTP_201_CREATED)
