"""Keys by which messages find their transactions (RFC 3261 s17.1.3, s17.2.3, s9.2).

A key is a tuple, to be compared and hashed and nothing else. ACK has the key of its INVITE, and
CANCEL both one of its own and that of the request it means. A request without the branch cookie
comes from an RFC 2543 element and is matched by its own fields.
"""

from typing import Final

from proxy.sip.codec import METHODS
from proxy.sip.message import Request, Response

BRANCH_COOKIE: Final = b"z9hG4bK"

_CANCELLED: Final = (b"INVITE", *sorted(METHODS - {b"ACK", b"CANCEL", b"INVITE"}))

Key = tuple[object, ...]


def client_key(response: Response) -> tuple[bytes, bytes] | None:
    """Key of the client transaction that a response belongs to: the branch in its top Via and the
    method, since a CANCEL shares the branch of its INVITE. None without a branch."""
    branch = response.via.branch
    return None if branch is None else (branch, response.cseq.method)


def server_key(request: Request) -> Key:
    """Key of the server transaction of a request; an ACK gets the key of its INVITE."""
    method = request.method
    if method == b"ACK":
        method = b"INVITE"
    via = request.via
    branch = via.branch
    if is_unique(branch):
        return (branch, via.host.lower(), via.port, method)
    return _rfc2543_key(request, method, to_tag=request.to_tag)


def cancelled_keys(cancel: Request) -> list[Key]:
    """Keys of the server transactions that a CANCEL may mean, of any method but CANCEL and ACK
    (s9.2): its own does not say which. An INVITE's is the first."""
    via = cancel.via
    branch = via.branch
    if is_unique(branch):
        return [(branch, via.host.lower(), via.port, method) for method in _CANCELLED]
    return [_rfc2543_key(cancel, method, to_tag=cancel.to_tag) for method in _CANCELLED]


def rfc2543_ack_key(request: Request, to_tag: bytes | None) -> Key:
    """Key under which the ACK of an RFC 2543 element finds the transaction: its To tag is the one
    of the response that was sent to `request`."""
    return _rfc2543_key(request, b"INVITE", to_tag=to_tag)


def is_unique(branch: bytes | None) -> bool:
    """Whether a branch is unique by itself, as RFC 3261 wants it; the bare cookie is not."""
    return (
        branch is not None
        and len(branch) > 7
        and (branch.startswith(BRANCH_COOKIE) or branch[:7].lower() == b"z9hg4bk")
    )


def _rfc2543_key(request: Request, method: bytes, *, to_tag: bytes | None) -> Key:
    return (
        request.uri_raw,
        to_tag,
        request.from_tag,
        request.call_id,
        request.cseq.number,
        request.via.serialise(),
        method,
    )
