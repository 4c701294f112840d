"""Django's admin for API tokens: to see and to withdraw; people make their own by the API."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from fedsip_platform.admin_steps import never

from . import tokens
from .models import Token


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):
    list_display = ("name", "prefix", "person", "tenant", "scopes", "expires_at", "last_used_at")
    search_fields = ("name", "prefix", "person__email")
    list_select_related = ("person", "tenant")
    has_add_permission = has_change_permission = never

    def delete_model(self, request: HttpRequest, obj: Token) -> None:
        tokens.withdraw(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        for token in queryset:
            tokens.withdraw(token)
