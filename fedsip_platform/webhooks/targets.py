"""Where webhooks may be sent: never into the platform's own networks.

Tenants write the addresses, so a name is resolved once, every address that it has must be public,
and the connection goes to that very address: a name that points elsewhere a moment later changes
nothing. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024
MOST_KEPT = 2000
"""Letters of an answer's body."""


class TargetRefused(Exception):
    """This address is not for webhooks; the message says why."""


class DeliveryFailed(Exception):
    """The far side could not be reached or did not speak HTTP."""


def check_url(url: str) -> SplitResult:
    """The parts of an address that may be tried; whether its name is public is seen later."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise TargetRefused(_("Give an address of printable ASCII characters."))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetRefused(_("This is no address: %(error)s.") % {"error": error}) from error
    schemes = ("https", "http") if settings.WEB.webhook_private else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise TargetRefused(_("Give an address that begins with https://."))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise TargetRefused(_("Leave user, password and fragment out of the address."))
    if port == 0:
        raise TargetRefused(_("There is no port 0."))
    if not settings.WEB.webhook_private:
        with contextlib.suppress(ValueError):  # a name: resolved when something is sent
            _refuse_private(ipaddress.ip_address(parts.hostname))
    return parts


def public_address(host: str, port: int) -> tuple[str, int]:
    """The address to connect to; raises TargetRefused where any of the name's is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryFailed(
            _("%(host)s is not found: %(error)s") % {"host": host, "error": error}
        ) from error
    addresses = [str(each[4][0]) for each in found]
    if not settings.WEB.webhook_private:
        for text in addresses:
            _refuse_private(ipaddress.ip_address(text.partition("%")[0]))
    return addresses[0], port


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Send it; status, and how the answer's body begins. Raises DeliveryFailed or TargetRefused."""
    parts = check_url(url)
    host = str(parts.hostname)
    is_secure = parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    address = public_address(host, port)
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.sock = socket.create_connection(address, timeout=SECONDS)
        if is_secure:
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {**headers, "Host": parts.netloc})
        answer = connection.getresponse()
        return answer.status, _shown(answer.read(LONGEST_ANSWER))
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryFailed(str(error) or type(error).__name__) from error
    finally:
        connection.close()


def _shown(body: bytes) -> str:
    """What is kept of an answer for people to read; PostgreSQL keeps no NUL."""
    text = body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text[:MOST_KEPT]


def _refuse_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if not address.is_global or address.is_multicast:
        raise TargetRefused(_("%(address)s is not a public address.") % {"address": address})
