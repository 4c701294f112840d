"""The routing app."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "fedsip_platform.routing"
    label = "routing"
    verbose_name = "Routing"
