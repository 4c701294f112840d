"""Django's admin for API tokens: to see and to withdraw; people make their own by the API."""

from __future__ import annotations

from django.contrib import admin

from fedsip_platform.admin_steps import never

from .models import Token


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):
    list_display = ("name", "prefix", "person", "tenant", "scope", "expires_at", "last_used_at")
    list_filter = ("scope",)
    search_fields = ("name", "prefix", "person__email")
    list_select_related = ("person", "tenant")
    has_add_permission = has_change_permission = never
