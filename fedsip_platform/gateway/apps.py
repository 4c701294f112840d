"""The gateway app."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "fedsip_platform.gateway"
    label = "gateway"
    verbose_name = "Browsers"
