"""The web process: HTTP by Django, WebSockets by Channels (`daphne fedsip_platform.asgi`)."""

from __future__ import annotations

import os
import re

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fedsip_platform.settings")

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connections
from django.urls import re_path

http = get_asgi_application()

from fedsip_platform.gateway.consumer import SipConsumer  # noqa: E402 - models need Django set up
from fedsip_platform.gateway.models import listers  # noqa: E402
from fedsip_platform.gateway.origins import Origins  # noqa: E402
from fedsip_platform.live.consumer import LiveConsumer  # noqa: E402
from fedsip_platform.trusted_proxies import TrustedProxies  # noqa: E402

connections["default"].settings_dict["OPTIONS"]["pool"] = settings.WEB_DATABASE_POOL


async def refuse(scope, receive, send):
    """A WebSocket to an address that we do not have: closed before it is accepted (403)."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


websocket_routes = [
    re_path("^live$", LiveConsumer.as_asgi()),
    re_path("", refuse),
]

dashboard = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_routes)))
# Neither sessions nor our own hosts alone: phones on other people's pages come here too.
sip = SipConsumer(settings.WEB, Origins(settings.ALLOWED_HOSTS, listers))

application = TrustedProxies(
    ProtocolTypeRouter(
        {
            "http": http,
            "websocket": URLRouter(
                [
                    re_path(f"^{re.escape(settings.WEB.sip_path[1:])}$", sip),
                    re_path("", dashboard),
                ]
            ),
        }
    ),
    settings.WEB.trusted_proxies,
)
