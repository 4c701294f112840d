"""The routing app."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "fedsip_platform.routing"
    label = "routing"
    verbose_name = "Routing"

    def ready(self) -> None:
        from . import signals  # noqa: F401 - what leads to a deleted user goes with him
