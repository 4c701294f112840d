"""The celery application: worker and beat (`celery -A fedsip_platform`)."""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fedsip_platform.settings")

app = Celery("fedsip")
app.config_from_object("django.conf:settings", namespace="CELERY")


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Celery would replace the root logger; one format for all processes is enough."""


@worker_ready.connect
def say_ready(**_: Any) -> None:
    """Whoever started the worker waits for this line, whatever the log level."""
    print("ready worker", file=sys.stderr, flush=True)
