"""Security: who was kept out, and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from admin_ui.frame import tenant_page


@require_GET
@tenant_page("security")
def security(request: HttpRequest) -> HttpResponse:
    """Failed sign-ins of the tenant's users."""
    return render(request, "admin_ui/security.html")
