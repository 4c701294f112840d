"""The live app."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "fedsip_platform.live"
    label = "live"
    verbose_name = "Live views"
