"""Another caller in From, towards those whom a rule or policy wants to see one.

RFC 3261 identifies a dialog by its tags, yet a request within it "MUST" have the URIs of the first
one (s12.2.1.1), and there are phones that look. So each side goes on to see what it has seen: what
was changed is sealed into our Record-Route, comes back with every request of the dialog, and is
undone or done again there. Nothing is stored. The host of From stays the caller's domain, whose
name nobody can borrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.core.request_context import TOWARD_CALLEE, Branch, RequestContext
from proxy.directory.translate import escaped_user
from proxy.sip.fields import NameAddr, parse_name_addr
from proxy.sip.scan import quote
from proxy.sip.uri import SipUri

from . import dialog_note
from .dialog_note import DialogNote, Renamed

if TYPE_CHECKING:
    from proxy.core.target_set import ShownCaller
    from proxy.sip.message import Request, Response


def show(call: RequestContext, branch: Branch) -> None:
    """Change From for a target that is to see another caller."""
    changes = branch.target.changes
    if changes is None or changes.caller is None or not call.is_initial:
        return
    from_ = call.original.from_
    if not isinstance(from_.uri, SipUri):
        return
    shown = _shown(from_, changes.caller)
    _set(branch.request, b"from", shown)
    renamed = Renamed(shown.display_text, _user(shown), from_.display_text, _user(from_))
    branch.note = DialogNote(renamed).serialise()


def keep(call: RequestContext) -> None:
    """Within the dialog: each side is told what it has seen from the beginning."""
    renamed = dialog_note.parse(call.note).renamed
    if renamed is None:
        return
    if call.direction is TOWARD_CALLEE:
        from_ = call.request.from_
        _set(call.request, b"from", _renamed(from_, renamed.shown_display, renamed.shown_user))
    else:
        _set(call.request, b"to", _renamed(call.request.to, renamed.display, renamed.user))


def seen_by_callee(from_: NameAddr, note: bytes) -> NameAddr:
    """The caller's From as the side that was called knows it, by the dialog's note."""
    renamed = dialog_note.parse(note).renamed
    if renamed is None:
        return from_
    return _renamed(from_, renamed.shown_display, renamed.shown_user)


def restore(call: RequestContext, branch: Branch | None, response: Response) -> None:
    """A response has the From and To of the request that it answers (s8.2.6.2)."""
    if branch is None or not (branch.note or call.note):
        return
    original = call.original
    response.headers.set(b"from", original.headers.first(b"from") or b"")
    if not call.is_initial:
        response.headers.set(b"to", original.headers.first(b"to") or b"")


def _shown(from_: NameAddr, caller: ShownCaller) -> NameAddr:
    display = caller.display or (b"" if caller.user else from_.display_text)
    return _renamed(from_, display, escaped_user(caller.user) or _user(from_))


def _renamed(address: NameAddr, display: bytes, user: bytes) -> NameAddr:
    uri = address.uri
    if not isinstance(uri, SipUri):
        return address
    return NameAddr(uri.with_(user=user), address.params, quote(display) if display else b"")


def _user(address: NameAddr) -> bytes:
    return (address.uri.user or b"") if isinstance(address.uri, SipUri) else b""


def _set(request: Request, name: bytes, value: NameAddr) -> None:
    request.headers.set(name, parse_name_addr(value.serialise()).serialise())
