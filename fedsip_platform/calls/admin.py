"""Django's admin for what the proxies report: to look only."""

from __future__ import annotations

from django.contrib import admin

from fedsip_platform.admin_steps import never

from .models import BlockedSource, CallRecord, Node


@admin.register(CallRecord)
class CallRecordAdmin(admin.ModelAdmin):
    list_display = (
        *("started_at", "caller", "callee", "status", "reason", "answered_at", "ended_at"),
        *("ended_by", "node_id"),
    )
    list_filter = ("ended_by", "status", "node_id")
    search_fields = ("caller", "callee", "call_id")
    date_hierarchy = "started_at"
    show_full_result_count = False
    has_add_permission = has_change_permission = has_delete_permission = never


@admin.register(Node)
class NodeAdmin(admin.ModelAdmin):
    list_display = (
        *("node_id", "address", "version", "started_at", "seen_at"),
        *("flows", "bindings", "calls", "lost_calls"),
    )
    has_add_permission = has_change_permission = has_delete_permission = never


@admin.register(BlockedSource)
class BlockedSourceAdmin(admin.ModelAdmin):
    list_display = ("address", "reason", "first_seen_at", "last_seen_at", "blocked_until")
    list_filter = ("reason", "node_id")
    search_fields = ("address", "evidence")
    has_add_permission = has_change_permission = has_delete_permission = never
