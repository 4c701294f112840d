"""What a SIP user's page shows, to who looks after the tenant and to the user alike."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui import servers
from admin_ui.call_way import way_of
from fedsip_platform.calls import queries
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding


def render_user(
    request: HttpRequest,
    template: str,
    user: Subscriber,
    form: BaseForm,
    *,
    address: str,
    bindings: QuerySet[Binding],
    calls: QuerySet[CallRecord],
    most_calls: int,
    secret: str = "",
    link: str = "",
    **more: Any,
) -> HttpResponse:
    """Devices, forwards, the way of a call, the latest calls, and what is shown only now.

    `address` is the page's own, also where it answers to a change; `bindings` and `calls` are those
    that whoever asks may see; `secret` is a new password, `link` that of an invitation.
    """
    recent = calls.filter(queries.of_user(user.aor)).order_by("-started_at")[:most_calls]
    devices = list(location.current(bindings))
    forwards = list(user.forwards.all())
    context = {
        "user_": user,
        "form": form,
        "secret": secret,
        "link": link,
        "live_at": address,
        "bindings": devices,
        "forwards": forwards,
        "way": way_of(forwards, len(devices)),
        "recent": recent,
        "servers": servers.facts(),
        **more,
    }
    response = render(request, template, context)
    if secret or link:
        response["Cache-Control"] = "no-store"
    return response
