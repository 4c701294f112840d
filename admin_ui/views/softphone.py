"""The place of the softphone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from admin_ui.frame import tenant_page


@require_GET
@tenant_page("softphone")
def softphone(request: HttpRequest) -> HttpResponse:
    """Says what will be here."""
    return render(request, "admin_ui/softphone.html")
