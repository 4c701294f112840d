"""How many requests one person, token or address may make: a token bucket in this process.

Refusals count as well, so that whoever tries tokens or looks for what it may do is told to wait.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from fedsip_platform import client_address

from .models import Token

ANONYMOUS_PER_MINUTE = 60
MOST_KEYS = 20_000
ROUNDING = 1e-9
COUNTED = "fedsip.counted"
"""In the META of a request that has been counted."""


class Buckets:
    """Token buckets by key; those not used for longest are forgotten."""

    __slots__ = ("_levels", "_lock")

    def __init__(self) -> None:
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, per_minute: int, *, now: float) -> float:
        """Take one; 0 if there was one, else the seconds until there is."""
        rate = per_minute / 60
        with self._lock:
            level, at = self._levels.pop(key, (float(per_minute), now))
            level = min(float(per_minute), level + (now - at) * rate)
            wait = 0.0 if level > 1 - ROUNDING else (1 - level) / rate
            self._levels[key] = (level - 1 if wait == 0 else level, now)
            if len(self._levels) > MOST_KEYS:
                self._levels.popitem(last=False)
        return wait


_buckets = Buckets()


class RequestThrottle(BaseThrottle):
    """FEDSIP_WEB_API_PER_MINUTE for whoever is known, few for strangers."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        self._wait = count(request)
        return self._wait == 0

    def wait(self) -> float:
        return self._wait


def count(request: Request) -> float:
    """Count a request; 0 if it may be made, else the seconds until it may."""
    request.META[COUNTED] = True
    if isinstance(request.auth, Token):
        key, rate = f"token {request.auth.pk}", settings.WEB.api_per_minute
    elif request.user.is_authenticated:
        key, rate = f"person {request.user.pk}", settings.WEB.api_per_minute
    else:
        key, rate = client_address.of_request(request), ANONYMOUS_PER_MINUTE
    return _buckets.take(key, rate, now=time.monotonic())


def count_refused(request: Request) -> float:
    """The same of a request that was refused, which may have been before it was counted."""
    return 0.0 if COUNTED in request.META else count(request)
