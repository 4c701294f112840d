"""The tasks app: what waits for celery, as rows."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "fedsip_platform.tasks"
    label = "tasks"
