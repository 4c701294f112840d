"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "fedsip_platform.people"
    label = "people"

    def ready(self) -> None:
        from . import signals  # noqa: F401 - connects the audit log to signing in
