"""The first page: is it up, what is there, where to go next."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from fedsip_platform.calls.models import CallRecord, Node
from fedsip_platform.directory.models import Domain, Subscriber, user_count
from fedsip_platform.location import services as location
from fedsip_platform.location.models import Binding
from fedsip_platform.tenants.models import Role, Tenant
from fedsip_platform.tenants.scope import Scope

NODE_IS_SILENT = timedelta(seconds=10)  # its heartbeat comes each second
MOST_DOMAINS = 10


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Counts of what this person may see, and the state of the nodes for operators."""
    scope = Scope(request.user)
    now = timezone.now()
    bindings = location.current(scope.visible(Binding.objects.all()))
    domains = scope.visible(Domain.objects.select_related("tenant"))
    calls = scope.visible(CallRecord.objects.filter(started_at__gt=now - timedelta(days=1)))
    nodes = list(Node.objects.all()) if scope.is_operator else []
    page = {
        "scope": scope,
        "tenants": scope.visible(Tenant.objects.all()).count(),
        "domains": domains.count(),
        "users": scope.visible(Subscriber.objects.all()).count(),
        "online": bindings.aggregate(amount=Count("aor", distinct=True))["amount"],
        "devices": bindings.count(),
        "calls": calls.aggregate(
            all=Count("pk"), answered=Count("pk", filter=Q(answered_at__isnull=False))
        ),
        "first_domains": domains.annotate(users=user_count())[:MOST_DOMAINS],
        "roles": [
            (membership.tenant, Role(membership.role))
            for membership in request.user.memberships.select_related("tenant")
        ],
        "nodes": nodes,
        "is_live": any(now - node.seen_at < NODE_IS_SILENT for node in nodes),
    }
    return render(request, "admin_ui/home.html", page)
