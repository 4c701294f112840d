"""Calls: those that go on, the history with its filters in the address, and one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui import charts, dates
from admin_ui.api_calls import Call
from admin_ui.csv_stream import csv_response
from admin_ui.frame import Place, tenant_page
from admin_ui.ladder_drawing import drawing_of
from fedsip_platform.calls import pcap, queries, services, verdict
from fedsip_platform.calls.models import CallMessage, CallRecord, LiveCall
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.paging import page_of

MOST_LIVE = 100
MOST_MESSAGES = 500
CHUNK = 2000
FILTERS = ("q", "domain", "result", "status", "from", "to")


@require_GET
@tenant_page("calls")
def calls(request: HttpRequest) -> HttpResponse:
    """Live calls above, the history below; the address holds filters and page."""
    place: Place = request.place
    live = place.scope.visible(LiveCall.objects.all())
    context = {
        "page": page_of(_filtered(place, request.GET), "-started_at", request.GET.get("at")),
        "live": live[:MOST_LIVE],
        "live_count": live.count(),
        "domains": place.scope.visible(Domain.objects.all())[:MOST_LIVE],
        "is_filtered": any(request.GET.get(name) for name in FILTERS),
        "now": timezone.now(),
    }
    return render(request, "admin_ui/calls/list.html", context)


@require_GET
@tenant_page("calls")
def call(request: HttpRequest, key: UUID) -> HttpResponse:
    """One call: the verdict in words, then ladder, media and decisions."""
    found = _find(request.place, key)
    rule = None
    if found.rule_id is not None:
        chosen = request.place.scope.visible(Translation.objects.select_related("domain"))
        rule = chosen.filter(pk=found.rule_id).first()
    shown = list(_messages(request.place, found)[:MOST_MESSAGES])
    quality = verdict.quality_of(getattr(found, "mos", None))
    context = {
        "call": found,
        "is_live": isinstance(found, LiveCall),
        "sentence": verdict.sentence(found, now=timezone.now()),
        "is_bad": verdict.is_bad(found),
        "quality": quality,
        "quality_said": verdict.QUALITIES.get(quality, ""),
        "drawing": drawing_of(shown) if shown else None,
        "rule": rule,
        "sound": charts.of_call(getattr(found, "media", ())),
    }
    if isinstance(found, LiveCall):
        context["api_call"] = Call("GET", f"live-calls/{key}")
    return render(request, "admin_ui/calls/call.html", context)


@require_POST
@tenant_page("calls")
def hang_up(request: HttpRequest, key: UUID) -> HttpResponse:
    """End a call that goes on."""
    found = get_object_or_404(request.place.scope.visible(LiveCall.objects.all()), public_id=key)
    services.hang_up(found, by=request.user.email)
    messages.success(request, _("The call is being ended."))
    return redirect("calls", request.place.tenant.slug)


@require_GET
@tenant_page("calls")
def packets(request: HttpRequest, key: UUID) -> HttpResponse:
    """The messages as a file for Wireshark or sngrep."""
    found = _find(request.place, key)
    content = pcap.pcap_of(_messages(request.place, found)[:MOST_MESSAGES])
    response = HttpResponse(content, content_type=pcap.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="call-{key}.pcap"'
    return response


@require_GET
@tenant_page("calls")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered history as CSV, as it streams from the database."""
    rows = _filtered(request.place, request.GET).order_by("-started_at", "-pk")
    return csv_response("calls.csv", _lines(rows))


def _lines(rows: QuerySet[CallRecord]) -> Iterator[list[Any]]:
    names = ("started_at", "answered_at", "ended_at", "caller", "callee", "request_uri")
    names += ("status", "reason", "ended_by", "mos", "call_id")
    yield list(names)
    for row in rows.iterator(chunk_size=CHUNK):
        yield [getattr(row, name) for name in names]


def _filtered(place: Place, asked: Any) -> QuerySet[CallRecord]:
    rows = place.scope.visible(CallRecord.objects.all())
    text = asked.get("q", "").strip()[:300].replace("\0", "")
    if text:
        uri = f"sip:{text.removeprefix('sip:').lower()}"
        rows = rows.filter(Q(caller=uri) | Q(callee=uri) | Q(call_id=text))
    if asked.get("domain"):
        rows = rows.filter(domain__name=asked["domain"].replace("\0", ""))
    if asked.get("result") in queries.RESULTS:
        rows = rows.filter(queries.by_result(asked["result"]))
    status = asked.get("status", "")
    if status.isascii() and status.isdigit() and len(status) == 3:
        rows = rows.filter(status=int(status), answered_at__isnull=True)
    return dates.between(rows, "started_at", asked)


def _find(place: Place, key: UUID) -> CallRecord | LiveCall:
    for kind in (CallRecord, LiveCall):
        found = place.scope.visible(kind.objects.all()).filter(public_id=key).first()
        if found is not None:
            return found
    raise Http404


def _messages(place: Place, found: CallRecord | LiveCall) -> QuerySet[CallMessage]:
    return queries.messages_of(place.scope.visible(CallMessage.objects.all()), found)
