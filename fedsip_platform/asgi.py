"""The web process: HTTP by Django, WebSockets by Channels (`daphne fedsip_platform.asgi`)."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fedsip_platform.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connections
from django.urls import re_path

from fedsip_platform.trusted_proxies import TrustedProxies

http = get_asgi_application()
connections["default"].settings_dict["OPTIONS"]["pool"] = settings.WEB_DATABASE_POOL


async def refuse(scope, receive, send):
    """A WebSocket to an address that we do not have: closed before it is accepted (403)."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


websocket_routes = [
    re_path("", refuse),
]

application = TrustedProxies(
    ProtocolTypeRouter(
        {
            "http": http,
            "websocket": AllowedHostsOriginValidator(
                AuthMiddlewareStack(URLRouter(websocket_routes))
            ),
        }
    ),
    settings.WEB.trusted_proxies,
)
