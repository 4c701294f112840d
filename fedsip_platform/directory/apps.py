"""The directory app."""

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "fedsip_platform.directory"
    label = "directory"
    verbose_name = "Directory"
