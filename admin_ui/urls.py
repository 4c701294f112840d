"""Addresses of the dashboard. `/t/SLUG/...` belongs to a tenant, `/platform/...` to operators."""

from __future__ import annotations

from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from .views import (
    blocks,
    calls,
    developers,
    domains,
    overview,
    platform,
    routing,
    search,
    security,
    settings,
    softphone,
    start,
    user_import,
    users,
)

of_tenant = [
    path("", overview.overview, name="overview"),
    path("search", search.search, name="search"),
    path("calls/", calls.calls, name="calls"),
    path("calls/export.csv", calls.export, name="call-export"),
    path("calls/<uuid:key>", calls.call, name="call"),
    path("calls/<uuid:key>.pcap", calls.packets, name="call-packets"),
    path("calls/<uuid:key>/hang-up", calls.hang_up, name="call-hang-up"),
    path("users/", users.users, name="users"),
    path("users/new", users.new, name="user-new"),
    path("users/import", user_import.import_users, name="user-import"),
    path("users/export.csv", users.export, name="user-export"),
    path("users/bulk", users.bulk, name="user-bulk"),
    path("users/devices/<str:binding_id>/sign-out", users.sign_out, name="device-sign-out"),
    path("users/<uuid:key>", users.user, name="user"),
    path("users/<uuid:key>/password", users.new_password, name="user-password"),
    path("users/<uuid:key>/disable", users.disable, name="user-disable"),
    path("users/<uuid:key>/enable", users.enable, name="user-enable"),
    path("users/<uuid:key>/delete", users.delete, name="user-delete"),
    path("domains/", domains.domains, name="domains"),
    path("domains/new", domains.new, name="domain-new"),
    path("domains/<uuid:key>", domains.domain, name="domain"),
    path("domains/<uuid:key>/delete", domains.delete, name="domain-delete"),
    path("routing/", routing.rules, name="routing"),
    path("routing/of/<uuid:domain_key>/new", routing.new, name="rule-new"),
    path("routing/of/<uuid:domain_key>/order", routing.order, name="rule-order"),
    path("routing/<uuid:key>", routing.rule, name="rule"),
    path("routing/<uuid:key>/switch", routing.switch, name="rule-switch"),
    path("routing/<uuid:key>/delete", routing.delete, name="rule-delete"),
    path("softphone/", softphone.softphone, name="softphone"),
    path("security/", security.security, name="security"),
    path("developers/", developers.developers, name="developers"),
    path("developers/tokens", developers.new_token, name="token-new"),
    path("developers/tokens/<uuid:key>/withdraw", developers.withdraw_token, name="token-withdraw"),
    path("settings/", settings.settings, name="settings"),
]

urlpatterns = [
    path("", start.home, name="home"),
    path("softphone", softphone.phone, name="phone"),
    path("theme", start.theme, name="theme"),
    path("favicon.ico", RedirectView.as_view(url=static("admin_ui/mark.svg"))),
    path("platform/", platform.platform, name="platform"),
    path("platform/blocks", blocks.blocks, name="blocks"),
    path("platform/blocks/<uuid:key>/lift", blocks.lift, name="block-lift"),
    path("platform/allowed", blocks.allow, name="allowed-new"),
    path("platform/allowed/<uuid:key>/remove", blocks.disallow, name="allowed-remove"),
    path("platform/tenants/new", platform.new_tenant, name="tenant-new"),
    path("platform/tenants/<slug:slug>", platform.tenant, name="tenant"),
    path("t/<slug:slug>/", include(of_tenant)),
]
