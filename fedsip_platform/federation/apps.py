"""The federation app."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    name = "fedsip_platform.federation"
    label = "federation"
    verbose_name = "Federation"
