"""/api/v1/calls: the calls that have ended, their messages; /api/v1/live-calls: those that go on"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform import csv_export
from fedsip_platform.calls import hops, messages, pcap, policies, queries, services, verdict
from fedsip_platform.calls.messages import CallMessage
from fedsip_platform.calls.models import CallRecord, KeptMessages, LiveCall

from . import filters
from .base import ScopedViewSet, key_parameter
from .filters import Filter

KEY = key_parameter("The call's id, the same while it goes on and afterwards.")


def _status(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 3 and "100" <= text < "700"):
        raise ValueError(_("Give a SIP status such as 486."))
    return int(text)


FILTERS = {
    "domain": filters.name("domain__name", "Only of this domain."),
    "address": Filter("Only from or to this user, such as alice@example.com.", queries.of_user),
    "call_id": filters.equal("call_id", "Only with this Call-ID."),
    "rule": filters.uuid_of(queries.by_rule, "Only that took the rule with this id."),
    "trunk": Filter(
        "Only out over this trunk by a rule, or in from its addresses: carrier@example.com.",
        queries.by_trunk,
    ),
    "since": filters.moment("started_at__gte", "Only begun at or after this."),
    "until": filters.moment("started_at__lt", "Only begun before this."),
}
_ROUTE = (
    "tenant",
    "domain",
    "rule",
    "call_id",
    "caller",
    "callee",
    "request_uri",
    "target",
    "caller_address",
    "hop",
    "hops",
    "policies",
)


class HopSerializer(serializers.Serializer):
    """One place where a call was tried."""

    target = serializers.CharField(help_text="The Request-URI as it was sent.")
    address = serializers.CharField(
        help_text="Protocol, address and port; empty where the DNS led nowhere."
    )
    leads = serializers.ListField(
        child=serializers.CharField(),
        help_text="The answers of the DNS that led there, as in a zone file.",
    )
    at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(list(hops.OUTCOMES))
    status = serializers.IntegerField(help_text="Of its final answer, or 0.")
    reason = serializers.CharField(
        help_text="Its reason phrase, or what was wrong with the way there."
    )


class SideSerializer(serializers.Serializer):
    """The policies that held for one side of a call; empty where nothing is known of them."""

    media_policy = serializers.ChoiceField(policies.MEDIA_POLICIES)
    srtp = serializers.ChoiceField(
        policies.SRTP_POLICIES,
        help_text="`either` and `dtls` are what a phone was offered that had refused plain RTP.",
    )
    codecs = serializers.ListField(
        child=serializers.CharField(), help_text="In order of preference; none: all."
    )
    require_tls = serializers.BooleanField()
    unauthenticated = serializers.BooleanField()
    e164 = serializers.BooleanField()
    nat_alias_contact = serializers.BooleanField()
    is_behind_nat = serializers.BooleanField()


class CrossingSerializer(serializers.Serializer):
    """What was thought of a call from or to another domain."""

    policy = serializers.ChoiceField(list(policies.FEDERATION))
    by_rule = serializers.BooleanField(help_text="A rule for that domain decided.")
    verified = serializers.BooleanField(help_text="It had to prove by certificate who it is.")
    trusted = serializers.BooleanField(help_text="With identities of callers (RFC 3325).")


class PoliciesSerializer(serializers.Serializer):
    """The policies that a call met, as they were then; what is unknown is null or empty."""

    caller = SideSerializer(allow_null=True)
    callee = SideSerializer(allow_null=True)
    media = serializers.ChoiceField(
        [*policies.MEDIA, ""], help_text="Why its media goes by a relay, or not."
    )
    federation_in = CrossingSerializer(allow_null=True)
    federation_out = CrossingSerializer(allow_null=True)


class _WhoseSerializer(serializers.ModelSerializer):
    """What a call belongs to; `queries.with_names` brings it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = serializers.CharField(
        source="tenant.slug", read_only=True, default=None, allow_null=True
    )
    domain = serializers.CharField(
        source="domain.name", read_only=True, default=None, allow_null=True
    )
    rule = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="The rule that it took, while there is one."
    )
    hops = serializers.SerializerMethodField(help_text="All places that were tried, in that order.")

    policies = serializers.SerializerMethodField(
        help_text="That it met. A callee who is another tenant's has none here."
    )

    @extend_schema_field(HopSerializer(many=True))
    def get_hops(self, call: CallRecord | LiveCall) -> list[dict[str, Any]]:
        return hops.rows_of(call)

    @extend_schema_field(PoliciesSerializer)
    def get_policies(self, call: CallRecord | LiveCall) -> Mapping[str, Any]:
        return policies.as_json(call.policies)


class CallSerializer(_WhoseSerializer):
    summary = serializers.SerializerMethodField(help_text="The call in one sentence.")

    class Meta:
        model = CallRecord
        fields = (
            *("id", "summary", *_ROUTE, "started_at", "ringing_at", "answered_at", "ended_at"),
            *("status", "reason", "ended_by", "node_id", "relay_id", "user_agent"),
            *("codec", "mos", "media", "verdict", "verdict_text", "attestation"),
        )
        read_only_fields = fields

    def get_summary(self, call: CallRecord) -> str:
        return verdict.sentence(call, now=timezone.now())


class LiveCallSerializer(_WhoseSerializer):
    summary = serializers.SerializerMethodField(help_text="The call in one sentence.")

    class Meta:
        model = LiveCall
        fields = (
            *("id", "summary", *_ROUTE, "started_at", "ringing_at", "answered_at"),
            *("node_id", "relay_id", "user_agent"),
        )
        read_only_fields = fields

    def get_summary(self, call: LiveCall) -> str:
        return verdict.sentence(call, now=timezone.now())


class MessageSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    node_id = serializers.CharField()
    way = serializers.ChoiceField([("in", gettext_lazy("received")), ("out", gettext_lazy("sent"))])
    protocol = serializers.CharField()
    local = serializers.CharField()
    remote = serializers.CharField()
    size = serializers.IntegerField()
    text = serializers.CharField()


class FailureSerializer(serializers.Serializer):
    status = serializers.IntegerField()
    reason = serializers.CharField()
    amount = serializers.IntegerField()


class HourSerializer(serializers.Serializer):
    hour = serializers.DateTimeField()
    answered = serializers.IntegerField()
    failed = serializers.SerializerMethodField()
    mos = serializers.FloatField(allow_null=True, help_text="The average of those measured.")
    measured = serializers.IntegerField(help_text="Of how many the sound was measured.")

    @extend_schema_field(FailureSerializer(many=True))
    def get_failed(self, hour: queries.Hour) -> list[dict[str, Any]]:
        return [
            {"status": failure.status, "reason": failure.reason, "amount": amount}
            for failure, amount in sorted(hour.failed.items())
        ]


class HoursSerializer(serializers.Serializer):
    results = HourSerializer(many=True)


@extend_schema_view(
    list=extend_schema(summary="Calls that have ended, the newest first"),
    retrieve=extend_schema(summary="One call that has ended", parameters=[KEY]),
)
class CallViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Call records, the newest first."""

    serializer_class = CallSerializer
    rows = queries.with_names(CallRecord.objects.all())
    ordering = "-id"
    orders = {"ended": "id", "started": "started_at"}
    filters = {
        **FILTERS,
        "result": filters.one_of(
            queries.by_result,
            queries.RESULTS,
            "Only answered, only failed (but not given up by the caller), or only with bad sound.",
        ),
        "verdict": filters.choice(
            "verdict__contains",
            [*verdict.FAULTS, *verdict.REMARKS],
            "Only of whose sound the relay says this.",
            several=True,
        ),
        "answered": Filter(
            "Only answered, or only others.",
            lambda on: Q(answered_at__isnull=not on),
            filters.read_switch,
            OpenApiTypes.BOOL,
        ),
        "status": Filter(
            "Only ended with this SIP status.",
            lambda status: Q(status=status),
            _status,
            {"type": "integer", "minimum": 100, "maximum": 699},
        ),
    }

    @extend_schema(
        summary="All that the filters choose, as CSV",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=False, methods=["get"], url_path="export")
    def export(self, request: Request, **kwargs: Any) -> Any:
        chosen = self.filtered(self.get_queryset()).order_by(self.ordering)
        return csv_export.stream("calls.csv", self.get_serializer(), chosen)

    @extend_schema(
        summary="Calls by hour, as the overview's charts show them",
        description="Of the last 24 hours, or from `since` until `until`, at most 31 days.",
        responses=HoursSerializer,
    )
    @action(detail=False, url_path="by-hour", pagination_class=None)
    def by_hour(self, request: Request, **kwargs: Any) -> Response:
        asked = request.query_params.dict()
        chosen = self.filtered(self.scope.visible(CallRecord.objects.all()))
        until = filters.moment_of(asked, "until") or timezone.now()
        since = filters.moment_of(asked, "since") or until - queries.SHOWN
        if not timedelta() < until - since <= queries.MOST_SHOWN:
            raise ValidationError({"since": _("Give a time before `until`, at most 31 days.")})
        hours = queries.calls_by_hour(chosen, since=since, until=until)
        return self.shown(HoursSerializer({"results": hours}))

    @extend_schema(
        summary="The SIP messages of a call",
        description="In order, credentials masked; empty if its domain does not keep them.",
        parameters=[KEY],
        responses=MessageSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def messages(self, request: Request, **kwargs: Any) -> Response:
        return self.shown(MessageSerializer(self._messages(), many=True))

    @extend_schema(
        summary="The SIP messages of a call as a pcap file",
        description="For Wireshark or sngrep. Every message is one UDP datagram, whatever carried "
        "it.",
        parameters=[KEY],
        responses={(200, pcap.CONTENT_TYPE): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def pcap(self, request: Request, **kwargs: Any) -> HttpResponse:
        name = f"call-{self.kwargs['key']}.pcap"
        return HttpResponse(
            pcap.pcap_of(self._messages()),
            content_type=pcap.CONTENT_TYPE,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _messages(self) -> list[CallMessage]:
        call = self.find(self.kwargs["key"]) or self._live()
        return messages.messages_of(self.scope.visible(KeptMessages.objects.all()), call)

    def _live(self) -> LiveCall:
        live = self.scope.visible(LiveCall.objects.all())
        found = live.filter(public_id=_uuid_or_404(self.kwargs["key"])).first()
        if found is None:
            raise Http404
        return found


@extend_schema_view(
    list=extend_schema(summary="Calls that go on"),
    retrieve=extend_schema(summary="One call that goes on", parameters=[KEY]),
)
class LiveCallViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Calls that ring or were answered; at most a second old."""

    serializer_class = LiveCallSerializer
    rows = queries.with_names(LiveCall.objects.all())
    ordering = "public_id"
    filters = FILTERS

    @extend_schema(
        summary="Hang up",
        description="Both sides are told within a second; the call then stands among those that "
        "have ended.",
        parameters=[KEY],
        responses={202: None},
    )
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.hang_up(self.get_object(), by=str(request.user))
        return Response(status=status.HTTP_202_ACCEPTED)


def _uuid_or_404(text: str) -> str:
    field = serializers.UUIDField()
    try:
        return str(field.to_internal_value(text))
    except ValidationError as error:
        raise Http404 from error
