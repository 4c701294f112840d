"""The directory app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class DirectoryConfig(AppConfig):
    name = "fedsip_platform.directory"
    label = "directory"
    verbose_name = "Directory"

    def ready(self) -> None:
        """What the proxies see is made anew by whatever migrates."""
        from . import published

        pre_migrate.connect(published.take_away, sender=self)
        post_migrate.connect(published.make_anew, sender=self)
