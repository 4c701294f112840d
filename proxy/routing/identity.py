"""Who calls, as networks that trust each other tell it (RFC 3325), and who wants to be private.

From is not changed here (caller_id.py does, for rules and policies). P-Asserted-Identity is
believed from a foreign domain only where a rule of ours trusts it, and written only towards such a
one, for the user who has proved himself. Privacy goes on to whoever comes next (RFC 3323): we hide
an asserted identity, but no header of a dialog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Branch, Reject, RequestContext
from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_name_addr
from proxy.sip.uri import SipUri

if TYPE_CHECKING:
    from proxy.directory.model import Subscriber
    from proxy.sip.message import Request, Response

_ASSERTED: Final = b"p-asserted-identity"
_PREFERRED: Final = b"p-preferred-identity"
_PRIVACY: Final = b"privacy"
_NOBODY: Final = b"anonymous.invalid"
_NOT_HERE: Final = frozenset((b"header", b"session", b"user"))


def claimed(request: Request) -> SipUri | None:
    """Who the caller says he is: From, or what stands beside a From that names nobody on purpose.

    "Anonymous" <sip:anonymous@anonymous.invalid> with P-Preferred-Identity is how RFC 3325 s6 lets
    a user call without showing himself; his password still proves him to us.
    """
    uri = request.from_.uri
    if not isinstance(uri, SipUri):
        return None
    if uri.host.lower() != _NOBODY:
        return uri
    preferred = request.headers.first(_PREFERRED)
    if preferred is None:
        return uri
    try:
        named = parse_name_addr(preferred).uri
    except ParseError as error:
        raise Reject(400, b"Malformed P-Preferred-Identity") from error
    return named if isinstance(named, SipUri) else uri


def settle(call: RequestContext) -> None:
    """Take off what nobody vouches for; 500 for privacy that is critical and not ours to give."""
    fields = call.fields
    is_from_own_node = call.binding_aor is not None  # which has judged of it
    if _ASSERTED in fields and not call.is_trusted and not is_from_own_node:
        call.request.headers.remove(_ASSERTED)
    if _PREFERRED in fields:
        call.request.headers.remove(_PREFERRED)
    if _PRIVACY in fields:
        wanted = privacy_of(call.request)
        if b"critical" in wanted and not wanted.isdisjoint(_NOT_HERE):
            raise Reject(500, b"Privacy Not Available")  # RFC 3323 s5


def tell(call: RequestContext, branch: Branch) -> None:
    """Say towards a trusted domain who calls, and nobody else where the caller is private."""
    headers, target = branch.request.headers, branch.target
    if target.is_trusted and call.subscriber is not None and call.is_initial:
        headers.set(_ASSERTED, asserted(call.subscriber))
    elif headers.has(_ASSERTED) and not target.is_trusted:
        is_foreign = bool(target.shown_as)
        if is_foreign or b"id" in privacy_of(branch.request):
            headers.remove(_ASSERTED)


def settle_reply(branch: Branch | None, response: Response) -> None:
    """A stranger does not say who has answered either."""
    if branch is not None and not branch.target.is_trusted and response.headers.has(_ASSERTED):
        response.headers.remove(_ASSERTED)


def asserted(subscriber: Subscriber) -> bytes:
    """The value that names one of our users."""
    uri = (
        b"<sip:%b>"
        % SipUri(b"sip", subscriber.username, subscriber.aor.rpartition(b"@")[2])
        .serialise()
        .partition(b":")[2]
    )
    name = subscriber.display_name.encode()
    if not name:
        return uri
    quoted = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%b" %b' % (quoted, uri)


def privacy_of(request: Request) -> frozenset[bytes]:
    """The kinds of privacy that are asked for."""
    found = b";".join(request.headers.values(_PRIVACY))
    return frozenset(word.strip().lower() for word in found.split(b";"))
