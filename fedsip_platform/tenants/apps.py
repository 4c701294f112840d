"""The tenants app."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "fedsip_platform.tenants"
    label = "tenants"
    verbose_name = "Tenants and people"
