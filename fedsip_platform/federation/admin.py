"""Django's admin for federation rules and refusals."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from fedsip_platform.admin_steps import adopt, changed, never, try_out

from . import services
from .models import FederationRule, Refusal


class FederationRuleForm(forms.ModelForm):
    class Meta:
        model = FederationRule
        fields = "__all__"

    def _post_clean(self) -> None:
        super()._post_clean()
        try_out(self, lambda: write_rule(self))


def write_rule(form: FederationRuleForm) -> FederationRule:
    """Make or change what the form shows."""
    if form.instance.pk is None:
        return services.create_rule(**form.cleaned_data)
    kept = FederationRule.objects.get(pk=form.instance.pk)
    return services.update_rule(kept, **changed(form))


@admin.register(FederationRule)
class FederationRuleAdmin(admin.ModelAdmin):
    form = FederationRuleForm
    list_display = ("domain", "pattern", "direction", "allow", "verified", "trusted", "enabled")
    list_display_links = ("domain", "pattern")
    list_filter = ("allow", "direction", "trusted", "enabled")
    search_fields = ("domain__name", "pattern", "note")
    autocomplete_fields = ("domain",)
    list_select_related = ("domain",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("domain", "public_id", "created_at", "updated_at")

    def save_model(
        self, request: HttpRequest, obj: FederationRule, form: Any, change: bool
    ) -> None:
        adopt(obj, write_rule(form))

    def delete_model(self, request: HttpRequest, obj: FederationRule) -> None:
        services.delete_rule(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[FederationRule]) -> None:
        for rule in queryset:
            services.delete_rule(rule)


@admin.register(Refusal)
class RefusalAdmin(admin.ModelAdmin):
    list_display = ("day", "domain", "peer", "direction", "why", "amount", "last_at")
    list_filter = ("direction", "why")
    search_fields = ("domain__name", "peer")
    list_select_related = ("domain",)
    has_add_permission = never
    has_change_permission = never
    has_delete_permission = never
