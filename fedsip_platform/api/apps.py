"""The API app: its own tokens, and the resources of all others."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "fedsip_platform.api"
    label = "api"
    verbose_name = "API"
