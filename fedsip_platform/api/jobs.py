"""/api/v1/jobs: imports and exports, with progress"""

from __future__ import annotations

import codecs
from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError, PermissionDenied, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform import csv_export
from fedsip_platform.directory import csv_rows
from fedsip_platform.tasks import chunks, exports, jobs, user_jobs
from fedsip_platform.tasks.models import Job, Kind, State
from fedsip_platform.tenants.models import Tenant

from . import filters, idempotency
from .base import ScopedViewSet, key_parameter, only_tenant, scope_of

KEY = key_parameter("The job's id.")
MODES = list(user_jobs.MODES)


class JobSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = serializers.CharField(
        source="tenant.slug",
        read_only=True,
        default=None,
        allow_null=True,
        help_text="Null: of the whole platform, for operators.",
    )
    started_by = serializers.CharField(
        source="person.email", read_only=True, default=None, allow_null=True
    )

    percent = serializers.SerializerMethodField(help_text="How far it is.")

    class Meta:
        model = Job
        fields = (
            *("id", "tenant", "kind", "state", "percent", "done", "total", "counted", "problems"),
            *("started_by", "created_at", "touched_at", "finished_at"),
        )
        read_only_fields = fields

    def get_percent(self, job: Job) -> int:
        return user_jobs.percent(job)


@extend_schema_view(
    list=extend_schema(summary="Jobs, the latest first"),
    retrieve=extend_schema(summary="A job and how far it is", parameters=[KEY]),
)
class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Long work: imports and exports."""

    serializer_class = JobSerializer
    rows = Job.objects.select_related("tenant", "person")
    ordering = "-id"
    filters = {
        "tenant": filters.name("tenant__slug", "Only of the tenant with this short name."),
        "kind": filters.choice("kind", Kind.values, "Only of this kind."),
        "state": filters.choice("state", State.values, "Only in this state."),
    }

    @extend_schema(
        summary="Cancel a job; what it has done stays done",
        description="Refused (409) for an `all_or_none` import that has begun to write.",
        parameters=[KEY],
        responses={200: JobSerializer},
    )
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        return Response(self.get_serializer(jobs.cancel(self.get_object())).data)

    @extend_schema(
        summary="What an export has made, as CSV",
        parameters=[KEY],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=True, methods=["get"], url_path="result")
    def result(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        job = self.get_object()
        if job.kind not in exports.FILES:
            raise Http404
        file = exports.FILES[job.kind]
        return csv_export.download(file.name, csv_export.of_rows(file.columns, chunks.results(job)))


class CsvParser(BaseParser):
    """CSV, read line by line from the request's stream."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return codecs.getreader("utf-8")(stream)


class SweepSerializer(serializers.Serializer):
    tenant = serializers.CharField(required=False, help_text="Its short name.")


class ExportSerializer(SweepSerializer):
    domain = serializers.CharField(required=False, help_text="Only users of this domain.")

    def validate_domain(self, name: str) -> str:
        return name.lower()


class ImportUsersView(APIView):
    """Import users from CSV, as a job."""

    parser_classes = [CsvParser]

    @extend_schema(
        summary="Import users from CSV",
        description="The first line names the columns: address, password, display_name, enabled, "
        "max_contacts, max_calls, note. The job's `problems` name row, field and reason. "
        "`all_or_none` writes nothing while any row has a problem.",
        operation_id="users_import",
        parameters=[
            OpenApiParameter("tenant", OpenApiTypes.STR, description="Its short name."),
            OpenApiParameter("mode", OpenApiTypes.STR, enum=MODES, default=MODES[0]),
        ],
        request={"text/csv": OpenApiTypes.STR},
        responses={202: JobSerializer},
    )
    def post(self, request: Request) -> Response:
        size = request.headers.get("Content-Length", "")  # of a body that is read as it comes
        return idempotency.once(request, lambda: self._start(request), asked=lambda: size)

    def _start(self, request: Request) -> Response:
        mode = request.query_params.get("mode", MODES[0])
        if mode not in MODES:
            raise ValidationError({"mode": _("Say one of %(list)s.") % {"list": ", ".join(MODES)}})
        tenant = _tenant(request, request.query_params.get("tenant"))
        rows = csv_rows.read(request.data)
        try:
            job = jobs.start(Kind.IMPORT_USERS, tenant, request.user, {"mode": mode}, rows)
        except UnicodeDecodeError as error:
            raise ParseError(_("The body is not UTF-8.")) from error
        return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED)


class CheckDomainsView(APIView):
    """Ask the DNS about all domains of a tenant, as a job."""

    @extend_schema(
        summary="Check all domains of a tenant",
        operation_id="domains_check_all",
        request=SweepSerializer,
        responses={202: JobSerializer},
    )
    def post(self, request: Request) -> Response:
        return _start(request, Kind.CHECK_DOMAINS, SweepSerializer)


class ExportUsersView(APIView):
    """Export users to CSV, as a job."""

    @extend_schema(
        summary="Export users to CSV",
        operation_id="users_export",
        request=ExportSerializer,
        responses={202: JobSerializer},
    )
    def post(self, request: Request) -> Response:
        return _start(request, Kind.EXPORT_USERS, ExportSerializer)


def _start(request: Request, kind: str, shape: type[SweepSerializer]) -> Response:
    """Start a job about what a tenant has; what else the body says are its options."""

    def started() -> Response:
        wanted = shape(data=request.data)
        wanted.is_valid(raise_exception=True)
        options = dict(wanted.validated_data)
        tenant = _tenant(request, options.pop("tenant", None))
        job = jobs.start(kind, tenant, request.user, options)
        return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED)

    return idempotency.once(request, started, asked=lambda: request.data)


def _tenant(request: Request, slug: str | None) -> Tenant:
    """The tenant that is meant, if the caller may change what it has."""
    scope = scope_of(request)
    if slug is None:
        tenant = only_tenant(scope)
    else:
        if "\0" in slug:
            raise ValidationError({"tenant": _("Give its short name.")})
        tenant = scope.visible(Tenant.objects.all()).filter(slug=slug.lower()).first()
    if tenant is None or not scope.may_change(tenant):
        raise PermissionDenied({"tenant": _("There is none that you may change.")})
    return tenant
