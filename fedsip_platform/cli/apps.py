"""Makes Django find the commands."""

from django.apps import AppConfig


class CliConfig(AppConfig):
    name = "fedsip_platform.cli"
    label = "cli"
