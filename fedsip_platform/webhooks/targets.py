"""Where webhooks may be sent: never into the platform's own networks.

Tenants write the addresses, so a name is resolved once, every address that it has must be public
(none that the proxy sends nothing to), and the connection goes to that very address: a name that
points elsewhere a moment later changes nothing. Redirects are not followed. Who answers a byte at
a time is given up as well: the deliveries of others wait for whoever listens to him.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from proxy.locate.inside import kind_of

SECONDS = 10.0
"""Longest silence."""
MOST_SECONDS = 20.0
"""Longest exchange once the connection stands."""
LONGEST_ANSWER = 64 * 1024
MOST_KEPT = 2000
"""Letters of an answer's body."""


_LAST_BITS = tuple(ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "::/96"))
"""Networks whose last 32 bits are an IPv4 address."""


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
        with _cut_after(MOST_SECONDS, connection.sock):
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


@contextlib.contextmanager
def _cut_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """Cut the connection off when so much time has passed, whatever still trickles in."""
    twin = sock.dup()  # TLS takes the socket itself over
    timer = threading.Timer(seconds, _cut, (twin,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        twin.close()


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended at this very moment
        sock.shutdown(socket.SHUT_RDWR)


def _refuse_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    meant = address
    if isinstance(address, ipaddress.IPv6Address):
        meant = _within(address) or address
    if kind_of(str(address)) or not meant.is_global or meant.is_multicast:
        raise TargetRefused(_("%(address)s is not a public address.") % {"address": address})


def _within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped, 6to4, or by a NAT64 (RFC 6052)."""
    if any(address in prefix for prefix in _LAST_BITS):
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour
