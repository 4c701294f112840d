"""Hands work to celery without ever failing the change that made it."""

from __future__ import annotations

import logging
from typing import Any

from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def soon(task: Any, *arguments: Any) -> None:
    """Have a worker do this. Where no broker answers, the periodic sweep of that work finds it."""
    try:
        task.apply_async(arguments, retry=False, ignore_result=True)
    except OperationalError as error:
        logger.warning("broker away task=%s problem=%s", task.name, error)
