"""The audit app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "fedsip_platform.audit"
    label = "audit"
    verbose_name = "Audit log"
