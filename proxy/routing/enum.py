"""ENUM (RFC 6116): a number that is no user of ours becomes the address that the DNS has for it.

After the rules, and again where a later rule or a forward leads, but only where the domain wants
it; a number that the DNS does not know stays. Of several addresses the next is tried when the one
before it cannot be reached.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import RequestContext
from proxy.core.stepping import in_task
from proxy.directory.leading import no_less_secure, wants_enum
from proxy.sip.uri import SipUri

from .translation import TRANSLATED

if TYPE_CHECKING:
    from proxy.directory.model import Domain
    from proxy.node import Node

log = logging.getLogger(__name__)

_MOST_FURTHER: Final = 5


async def look_up(call: RequestContext, node: Node) -> None:
    """Ask for the number that is called, and note the addresses that it has besides the first."""
    uri = call.request.uri
    if not isinstance(uri, SipUri):
        return
    found = await addresses(call, node, call.domain, uri, call.notes.trunk)
    if found:
        call.request.uri, *further = found
        call.notes.enum_further = further


async def addresses(
    call: RequestContext, node: Node, domain: Domain | None, uri: SipUri, trunk: bytes
) -> list[SipUri]:
    """What the roots of the setting have for a number that is called on a domain's account, whether
    dialled or made by a rule or forward; nothing for one that is not asked for."""
    if call.method not in TRANSLATED or not wants_enum(node.directory, domain, uri, trunk):
        return []
    number = (uri.user or b"").decode()
    found = await in_task(node.locator.enum(number, node.settings.enum_roots))
    log.debug("enum number=%s found=%d", number, len(found))
    return no_less_secure(found[: 1 + _MOST_FURTHER], uri)
