"""Django's admin for registrations: to look, and to sign phones out."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from fedsip_platform.admin_steps import never

from . import services
from .models import Binding


@admin.register(Binding)
class BindingAdmin(admin.ModelAdmin):
    list_display = (
        *("aor", "contact", "protocol", "received", "nat", "user_agent", "expires_at"),
        *("node_id", "deleted"),
    )
    list_filter = ("deleted", "protocol", "nat", "family")
    search_fields = ("aor", "contact", "received", "user_agent")
    show_full_result_count = False
    ordering = ("aor",)
    actions = ("sign_out",)
    has_add_permission = has_change_permission = has_delete_permission = never

    @admin.action(description="Sign out: end these registrations")
    def sign_out(self, request: HttpRequest, queryset: QuerySet[Binding]) -> None:
        amount = services.sign_out(queryset)
        messages.success(request, f"{amount} ended. The phones may register again.")
