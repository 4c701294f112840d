"""The location app."""

from django.apps import AppConfig


class LocationConfig(AppConfig):
    name = "fedsip_platform.location"
    label = "location"
    verbose_name = "Registrations"
