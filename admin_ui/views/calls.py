"""Calls: those that go on, the history with its filters in the address, and one call."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from admin_ui import charts
from admin_ui.api_calls import Call
from admin_ui.frame import Place, tenant_page
from admin_ui.ladder_drawing import Sound, drawing_of
from admin_ui.time_axis import axis_of
from fedsip_platform import choosing, csv_export
from fedsip_platform.calls import pcap, policies, services, verdict
from fedsip_platform.calls.messages import CallMessage, messages_of
from fedsip_platform.calls.models import CallRecord, KeptMessages, LiveCall
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.paging import page_of
from fedsip_platform.tasks import exports
from fedsip_platform.tasks.models import Kind

from .jobs import export_or_start

MOST_LIVE = 100
MOST_MESSAGES = 500
CHUNK = 2000


@require_GET
@tenant_page("calls")
def calls(request: HttpRequest) -> HttpResponse:
    """Live calls before those of the past, in one list; the address holds filters and page."""
    place: Place = request.place
    live = choosing.live_calls(place.scope.visible(LiveCall.objects.all()), request.GET)
    ended = _chosen(place, request.GET)
    if request.GET.get("result") == choosing.GOING_ON:
        ended = ended.none()
    context = {
        "page": page_of(ended, "-started_at", request.GET.get("at")),
        "live": [] if request.GET.get("at") else list(live[:MOST_LIVE]),
        "live_count": live.count(),
        "domains": place.scope.visible(Domain.objects.all())[:MOST_LIVE],
        "is_filtered": any(request.GET.get(name) for name in choosing.OF_CALLS),
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
    shown = _messages(request.place, found)
    quality = verdict.quality_of(getattr(found, "mos", None))
    now = timezone.now()
    ends = [where.partition(" ")[2] for where in (found.caller_address, found.hop)]
    drawing = drawing_of(shown, *ends, sound=_sound_of(found)) if shown else None
    context = {
        "call": found,
        "is_live": isinstance(found, LiveCall),
        "sentence": verdict.sentence(found, now=now),
        "is_bad": verdict.is_bad(found),
        "evidence": verdict.evidence(found),
        "caller": verdict.short(found.caller, found),
        "callee": verdict.short(found.request_uri or found.callee, found),
        "quality": quality,
        "quality_said": verdict.QUALITIES.get(quality, ""),
        "drawing": drawing,
        "axis": axis_of(found, drawing, now=now),
        "rule": rule,
        "sound": charts.of_call(getattr(found, "media", ())),
        "policies": policies.said(found),
        "again": _rehearsal(request.place, found),
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
    content = pcap.pcap_of(_messages(request.place, found))
    response = HttpResponse(content, content_type=pcap.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="call-{key}.pcap"'
    return response


@require_GET
@tenant_page("calls")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered history as CSV, as it streams from the database."""
    rows = _chosen(request.place, request.GET).order_by("-started_at", "-pk")
    columns = exports.FILES[Kind.EXPORT_CALLS].columns
    return csv_export.download("calls.csv", csv_export.of_things(columns, rows.iterator(CHUNK)))


@require_POST
@tenant_page("calls")
def export_job(request: HttpRequest) -> HttpResponse:
    """The same as a file that can be fetched at once, or as a job where it is long."""
    slug = request.place.tenant.slug
    rows = _chosen(request.place, request.GET)
    return export_or_start(
        request, rows, Kind.EXPORT_CALLS, choosing.OF_CALLS, reverse("call-export", args=[slug])
    )


def _chosen(place: Place, asked: Any) -> QuerySet[CallRecord]:
    return choosing.calls(place.scope.visible(CallRecord.objects.all()), asked)


def _find(place: Place, key: UUID) -> CallRecord | LiveCall:
    for kind in (CallRecord, LiveCall):
        found = place.scope.visible(kind.objects.all()).filter(public_id=key).first()
        if found is not None:
            return found
    raise Http404


def _sound_of(found: CallRecord | LiveCall) -> Sound | None:
    """What the relay carried, to be drawn between both phones; None where it measured nothing."""
    media = getattr(found, "media", ())
    if not media or found.answered_at is None or not found.relay_id:
        return None
    return Sound(found.relay_id, found.answered_at, media)


def _rehearsal(place: Place, found: CallRecord | LiveCall) -> str:
    """Where Routing tries the same call as things are now; "": none of our users has made it."""
    domain = place.scope.visible(Domain.objects.all()).filter(pk=found.domain_id).first()
    user, _at, host = verdict.bare(found.caller).rpartition("@")
    if domain is None or host != domain.name or not user:
        return ""
    asked = {"domain": host, "caller": user, "dialled": found.request_uri}
    asked |= {"user_agent": found.user_agent[:200]} if found.user_agent else {}
    return f"{reverse('routing', args=[place.tenant.slug])}?{urlencode(asked)}"


def _messages(place: Place, found: CallRecord | LiveCall) -> list[CallMessage]:
    rows = place.scope.visible(KeptMessages.objects.all())
    return messages_of(rows, found, most=MOST_MESSAGES)
