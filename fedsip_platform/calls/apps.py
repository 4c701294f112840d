"""The calls app."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "fedsip_platform.calls"
    label = "calls"
    verbose_name = "Calls and nodes"
