"""What rules and diversions change in the request for one target alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import caller_id

if TYPE_CHECKING:
    from proxy.core.request_context import Branch, RequestContext


def apply(call: RequestContext, branch: Branch) -> None:
    """Take header fields off, add others, show another caller; note which rule led there."""
    changes = branch.target.changes
    if changes is None:
        return
    headers = branch.request.headers
    for name in changes.removed:
        headers.remove(name)
    for name, value in changes.added:
        headers.append(name, value)
    caller_id.show(call, branch)
    if changes.rule_id is not None:
        call.notes.rule_id = changes.rule_id
        call.notes.translated_from = changes.translated_from
