"""Addresses of the web process."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from fedsip_platform.health import health

admin.site.login = secure_admin_login(admin.site.login)  # asks for the second factor too

urlpatterns = [
    path("health", health, name="health"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("fedsip_platform.api.urls")),
    path("", include("fedsip_platform.people.urls")),
    path("", include("admin_ui.urls")),
]

handler400 = "fedsip_platform.api.errors.bad_request"
handler403 = "fedsip_platform.api.errors.forbidden"
handler404 = "fedsip_platform.api.errors.not_found"
handler500 = "fedsip_platform.api.errors.server_error"

admin.site.site_header = "fedsip"
admin.site.site_title = "fedsip"
admin.site.index_title = "Everything, for operators"
