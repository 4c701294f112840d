"""ENUM (RFC 6116): a number that is no user of ours becomes the address that the DNS has for it.

After the rules and only where the domain wants it; a number that the DNS does not know stays. Of
several addresses the next is tried when the one before it cannot be reached.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import RequestContext
from proxy.core.stepping import in_task
from proxy.locate.enum import is_number
from proxy.sip.uri import SipUri

from .translation import TRANSLATED

if TYPE_CHECKING:
    from proxy.node import Node

log = logging.getLogger(__name__)

_MOST_FURTHER: Final = 5


async def look_up(call: RequestContext, node: Node) -> None:
    """Ask the roots of the setting for a number in E.164 that was called at one of our domains."""
    domain, uri = call.domain, call.request.uri
    if domain is None or not domain.enum or call.method not in TRANSLATED:
        return
    if not isinstance(uri, SipUri) or not is_number(uri.user) or not node.is_local(uri):
        return
    if node.directory.subscriber(uri.aor()) is not None:
        return
    number = (uri.user or b"").decode()
    found = await in_task(node.locator.enum(number, node.settings.enum_roots))
    if found:
        log.debug("enum number=%s uri=%s", number, found[0])
        call.request.uri, *further = found
        call.notes.enum_further = further[:_MOST_FURTHER]
