"""Where a call's INVITE has been: each hop that was tried, how it was found and how that ended.

Read from the branches when something is written of the call, so that nothing is kept for it
beside them. A call that went to one place, to which no DNS led, is told by its record's other
columns and costs nothing here. All others have a list, as JSON made once, of rows with:

    target     the Request-URI as it was sent
    address    `udp 192.0.2.1:5060`; empty when the DNS led nowhere
    leads      the answers of the DNS that led there, as in a zone file; none for a phone's flow
    at         when it was tried
    outcome    waiting, ringing, answered, refused, cancelled, unanswered (it rang too long),
               silent (nothing came back), failed (there is no way, or we did not let it go)
    status     of its final answer, or 0
    reason     its reason phrase, or what was wrong with the way there
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .encoding import encoded
from .text import as_instant, as_text, place, place_of, storable

if TYPE_CHECKING:
    from .protocols import Observed

Row = dict[str, Any]
MOST_HOPS: Final = 24
"""Of a call; where there are more, the last one stands behind the first of them."""


def hop_of(call: Observed) -> str:
    """Where the call went: the branch that answered, else the last that was tried."""
    context = call.response_context
    if context is None or _is_anothers(call):
        return ""
    chosen = None
    for branch in context.branches:
        if branch.flow is not None:
            chosen = branch
            if branch.final is not None and branch.final.status < 300:
                break
    return "" if chosen is None else place(chosen.flow)


def hops_of(call: Observed, *, since: float) -> str:
    """All hops in the order of trying, at most MOST_HOPS; "" where other columns say it, and where
    they are not the caller's to know. `since` is the wall clock's time at 0 of the monotonic.
    """
    context = call.response_context
    if context is None or _is_anothers(call):
        return ""
    branches = context.branches
    if len(branches) == 1 and _is_plain(branches[0]):
        return ""
    is_over = context.final_status > 0
    rows: list[Row] = []
    for branch in branches:
        target = as_text(branch.request.uri_raw)
        for tried in branch.tried:
            outcome = "refused" if tried.status else "failed" if tried.why else "silent"
            at = as_instant(since + tried.at)
            why = storable(tried.why)
            rows.append(_row(target, tried.hop, at, outcome, tried.status, why))
        if not branch.tried_at:
            continue  # nothing of it was sent
        outcome, status, reason = _end_of(branch, is_over=is_over)
        row = _row(target, branch.hop, as_instant(since + branch.tried_at), outcome, status, reason)
        if branch.hop is None and branch.flow is not None:
            row["address"] = place(branch.flow)
        rows.append(row)
    if len(rows) > 1:
        rows.sort(key=_at)
    if len(rows) > MOST_HOPS:
        rows = [*rows[: MOST_HOPS - 1], rows[-1]]
    return encoded(rows).decode() if rows else ""


def _is_plain(branch: Any) -> bool:
    return not (branch.tried or branch.failure or (branch.hop is not None and branch.hop.leads))


def _row(target: str, hop: Any, at: str, outcome: str, status: int, reason: str) -> Row:
    return {
        "target": target,
        "address": "" if hop is None else place_of(hop.transport, hop.address, hop.port),
        "leads": [] if hop is None else [storable(lead.text) for lead in hop.leads],
        "at": at,
        "outcome": outcome,
        "status": status,
        "reason": reason,
    }


def _at(row: Row) -> str:
    at: str = row["at"]
    return at


def _end_of(branch: Any, *, is_over: bool) -> tuple[str, int, str]:
    """Outcome, status and reason of a branch's last hop."""
    final = branch.final
    if final is not None:
        said = as_text(final.reason)
        if final.status < 300 and not branch.is_refused:
            return "answered", final.status, said
        if final.status == 487 and branch.is_timed_out:
            return "unanswered", final.status, said
        is_ours = final.status == 487 and branch.cancel_wanted
        return "cancelled" if is_ours else "refused", final.status, said
    if branch.failure is not None:
        return "failed" if branch.failure else "silent", 0, storable(branch.failure)
    if branch.is_timed_out:
        return "unanswered", 0, ""
    if is_over:
        return "cancelled", 0, ""
    return "ringing" if branch.provisional_seen else "waiting", 0, ""


def _is_anothers(call: Observed) -> bool:
    """Where another tenant's phone is, is not the caller's to know."""
    near, far = call.domain, call.callee_domain
    return near is not None and far is not None and near.tenant_id != far.tenant_id
