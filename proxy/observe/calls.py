"""Which calls there are: begun by an INVITE, answered by a 2xx, ended by BYE, failure or silence.

Watched more than steered: losing this loses no call. What changes and what has ended is told to
records.py. Of a call that was answered enough is kept to end it by a BYE to both sides.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from os import urandom
from typing import TYPE_CHECKING, Any, Final

from proxy.sip.status import reason_of

from .browser_calls import BrowserCalls
from .call import Call, Dialog, SpokenBy, Tags, tags_of
from .call_table import CallTable
from .hops import hop_of, hops_of
from .media_report import sentences_of, streams_of, verdict_of
from .policies import policies_of
from .text import as_instant, as_text, place

if TYPE_CHECKING:
    from proxy.sip.message import Response

    from .protocols import Observed, Records

log = logging.getLogger(__name__)

_MOST_OPEN: Final = 100_000
_CHECK_SECONDS: Final = 300.0
_LONGEST_SECONDS: Final = 86_400.0
"""After a day nobody believes that a call of which we see nothing goes on."""
_REPORT_SECONDS: Final = 3.0
"""Longest wait for the relay's last words about a call that has ended."""
_CHALLENGES: Final = (401, 407)
_MOST_OVER: Final = 10_000
"""So many of the calls that have ended are known still: more than end before they are written."""


class Calls:
    """Watches INVITEs and BYEs; satisfies core's Observer."""

    __slots__ = (
        "_calls",
        "_open",
        "_over",
        "_records",
        "_reporting",
        "_wall",
        "browsers",
        "lost",
        "on_tenant",
    )

    def __init__(self, records: Records, *, wall: Callable[[], float]) -> None:
        self._calls = CallTable()
        self._open: dict[int | bytes, int] = {}  # by tenant, and by the address of who calls
        self._records = records
        self._wall = wall
        self.browsers = BrowserCalls()
        self._reporting: OrderedDict[tuple[bytes, Tags], Call] = OrderedDict()
        self._over: OrderedDict[bytes, None] = OrderedDict()
        self.lost = 0
        self.on_tenant: Callable[[Observed], None] | None = None
        """Is told of each call that concerns a domain of ours, when that is known."""

    def __len__(self) -> int:
        return len(self._calls)

    def of_tenant(self, tenant_id: int) -> int:
        """How many calls of that tenant are open on this node."""
        return self._open.get(tenant_id, 0)

    def by_tenant(self) -> dict[int, int]:
        """How many calls are open on this node, of each tenant that has any."""
        return {key: amount for key, amount in self._open.items() if isinstance(key, int)}

    def of_user(self, aor: bytes) -> int:
        """How many open calls that user has made on this node."""
        return self._open.get(aor, 0)

    def comes_back(self, call: Observed, aor: bytes) -> bool:
        """Whether an INVITE is of a call that this user has begun here and that nobody has answered
        yet: a spiral, sent on by whoever was called."""
        original = call.original
        return self._calls.is_ringing(original.call_id, original.from_tag or b"", aor)

    # -- what core tells

    def relayed(self, call: Observed, *, now: float) -> None:
        """A request was set on its way."""
        if call.method != b"INVITE" or not call.is_initial or call.server_transaction is None:
            return  # without a transaction it has failed already
        held = self._calls.of(call)
        if held is not None and (call.subscriber is None or held.passage is call):
            return  # it comes back; who signs it makes another call, whatever its Call-ID
        held = self._begun(call)
        held.passage = call
        held.hang_up = lambda: call.reply(480, b"Ended by the platform")
        self._hold(held)
        self._records.changed(held)
        if log.isEnabledFor(logging.INFO):
            _log("call begun", held, "")
        if len(self) > _MOST_OPEN:
            self._let_go(next(self._calls.values()))
            self.lost += 1

    def ringing(self, call: Observed, status: int, *, now: float) -> None:
        """A provisional response other than 100 went upstream."""
        held = self._calls.of(call)
        if held is not None and held.ringing_at is None and held.passage is call:
            held.ringing_at = self._wall()
            self._note_hops(held, call, now=now)
            self._records.changed(held)

    def answered(self, call: Observed, response: Response, *, now: float) -> None:
        """A final response went upstream."""
        if call.method != b"INVITE":
            return
        status = response.status
        held = self._calls.of(call)
        if not call.is_initial:
            if held is not None and status < 300:
                self._renewed(held, call, response)
            return
        if held is None:
            self._refused(call, response, now=now)
            return
        if held.passage is not call:
            return
        if call.relay_id is not None and call.notes.is_relayed:
            held.relay_id = call.relay_id
        self._note_hops(held, call, now=now)
        held.rule_id = call.notes.rule_id  # a later one may have led to the target that answered
        if status >= 300:
            self._end(held, status, _refuser(call, status), response.reason)
        else:
            held.checked_at = self._wall()
            tags = tags_of(call.original.from_tag, response.to_tag)
            self._calls.answer(held, tags, held.checked_at)
            held.hang_up = None
            held.dialog = _dialog(call, response)
            self.browsers.hold(held, _flows(call))
            self._records.changed(held)

    # -- what routing and others tell

    def ended(self, call: Observed) -> None:
        """A BYE passed. One that crosses another end of its call changes nothing any more."""
        original = call.original
        held = self._calls.of(call)
        is_caller = call.direction is not None and call.direction.value == "toward_callee"
        ended_by = "caller" if is_caller else "callee"
        if held is not None:
            reported = tags_of(original.from_tag, original.to_tag) if held.relay_id else None
            self._end(held, 200, ended_by, b"BYE", reported=reported)
        elif original.call_id not in self._over:
            call_id = as_text(original.call_id)
            tags = [as_text(tag) for tag in (original.from_tag, original.to_tag) if tag]
            ended_at = as_instant(self._wall())
            self._records.ended_elsewhere(call_id, tags, ended_at=ended_at, ended_by=ended_by)

    def platform_ended(self, held: Call, reason: bytes, *, reports: bool = False) -> None:
        """The platform has ended it: somebody wanted that, or nobody sees anything of it."""
        if self._calls.get(held.public_id) is held:
            status = 200 if held.answered_at is not None else 480
            reported = held.tags if reports else None
            self._end(held, status, "proxy", reason, reported=reported)

    def last_report(self, call_id: bytes, tags: Tags, answer: Mapping[bytes, Any]) -> None:
        """The relay's last words of the dialog with these tags (`tags_of`)."""
        held = self._reporting.pop((call_id, tags), None)
        if held is not None:
            _take_report(held, answer)
            self._records.ended(held)

    def media_reported(self, held: Call, answer: Mapping[bytes, Any]) -> None:
        """The relay's figures of a call that goes on."""
        _take_report(held, answer)

    def give_up_reports(self) -> None:
        """Let go of the calls whose relay says nothing."""
        late = self._wall() - _REPORT_SECONDS
        while self._reporting:
            key, held = next(iter(self._reporting.items()))
            if held.ended_at > late:
                return
            del self._reporting[key]
            self._records.ended(held)

    def close(self) -> None:
        """The node ends: no report is waited for any more."""
        while self._reporting:
            self._records.ended(self._reporting.popitem(last=False)[1])

    def adopt(self, calls: list[Call]) -> None:
        """The calls of this node's earlier life. Those that were answered go on, as their tokens
        do; those that rang are over."""
        for held in calls:
            held.checked_at = self._wall()
            self._hold(held)
            if held.answered_at is None:
                self._end(held, 503, "proxy", b"Proxy restarted")

    def has_named(self, call_id: bytes) -> bool:
        """Whether a call of that Call-ID goes on."""
        return self._calls.has_named(call_id)

    def is_alone(self, held: Call) -> bool:
        """Whether no other call that goes on has its Call-ID."""
        return self._calls.is_alone(held)

    def by_public_id(self, public_id: str) -> Call | None:
        """The call while it goes on."""
        return self._calls.get(public_id)

    def due(self, *, most: int) -> list[Call]:
        """Answered calls with media that were not looked at for a while, the oldest first."""
        now = self._wall()
        found = []
        for held in [one for one, _ in zip(self._calls.values(), range(most), strict=False)]:
            if now - held.checked_at < _CHECK_SECONDS:
                break
            held.checked_at = now
            self._calls.look_at_last(held)
            if now - held.started_at > _LONGEST_SECONDS:
                self.platform_ended(held, b"Lost sight of")
            elif held.answered_at is not None and held.relay_id:
                found.append(held)
        return found

    # -- the steps

    def _renewed(self, held: Call, call: Observed, response: Response) -> None:
        """A re-INVITE: either side may be somewhere else since (RFC 3261 s12.2, target refresh)."""
        if call.relay_id is not None:  # which browsers may have had in reserve until now
            held.relay_id = call.relay_id
        near, far = call.original.headers.first(b"contact"), response.headers.first(b"contact")
        if held.dialog is not None and near is not None and far is not None:
            if call.direction is None or call.direction.value != "toward_callee":
                near, far = far, near
            held.dialog = replace(held.dialog, contact=near, far_contact=far)
            self._records.changed(held)
        self.browsers.hold(held, _flows(call))

    def _hold(self, held: Call) -> None:
        self._calls.add(held)
        for key in (held.tenant_id, held.user):
            if key:
                self._open[key] = self._open.get(key, 0) + 1

    def _let_go(self, held: Call) -> None:
        if not self._calls.remove(held):
            return
        self.browsers.release(held)
        for key in (held.tenant_id, held.user):
            if key:
                left = self._open[key] - 1
                if left:
                    self._open[key] = left
                else:
                    del self._open[key]

    def _begun(self, call: Observed) -> Call:
        domain = call.domain or call.callee_domain
        original = call.original
        now = self._wall()
        if domain is not None and self.on_tenant is not None:
            self.on_tenant(call)
        return Call(
            urandom(16).hex(),
            original.call_id,
            None if domain is None else domain.tenant_id,
            None if domain is None else domain.domain_id,
            b"" if domain is None else domain.tenant,
            original.from_.uri.serialise(),
            original.to.uri.serialise(),
            original.uri_raw,
            call.notes.target or call.request.uri_raw,
            now,
            original.headers.first(b"user-agent") or b"",
            call.notes.rule_id,
            place(call.flow),
            checked_at=now,
            from_tag=original.from_tag or b"",
            user=b"" if call.subscriber is None else call.subscriber.aor,
        )

    def _note_hops(self, held: Call, call: Observed, *, now: float) -> None:
        """Where its INVITE has been until now, and by which policies."""
        held.hop = hop_of(call) or held.hop
        held.hops = hops_of(call, since=self._wall() - now) or held.hops
        held.policies = policies_of(call) or held.policies

    def _refused(self, call: Observed, response: Response, *, now: float) -> None:
        """A call that got no further than here, if it concerns a tenant and is not a challenge."""
        status = response.status
        is_ours = call.domain is not None or call.callee_domain is not None
        if is_ours and status >= 300 and status not in _CHALLENGES:
            held = self._begun(call)
            self._note_hops(held, call, now=now)
            self._end(held, status, "proxy", response.reason)

    def _end(
        self,
        held: Call,
        status: int,
        ended_by: str,
        reason: bytes,
        *,
        reported: Tags | None = None,
    ) -> None:
        """`reported`: of which tags the relay still has something to say."""
        self._let_go(held)
        self._over[held.call_id] = None
        if len(self._over) > _MOST_OVER:
            self._over.popitem(last=False)
        held.passage = held.hang_up = held.dialog = None
        held.ended_at = self._wall()
        held.status, held.ended_by, held.reason = status, ended_by, reason or reason_of(status)
        if log.isEnabledFor(logging.INFO):
            seconds = 0.0 if held.answered_at is None else held.ended_at - held.answered_at
            said = as_text(held.reason)
            _log("call ended", held, f" status={status} reason={said!r} by={ended_by} "
                                     f"talk={seconds:.0f}")  # fmt: skip
        if reported is not None:
            key = (held.call_id, reported)
            if (before := self._reporting.pop(key, None)) is not None:
                self._records.ended(before)
            self._reporting[key] = held
            self._records.ending(held)
        else:
            self._records.ended(held)


def _dialog(call: Observed, response: Response) -> Dialog | None:
    """What a BYE would need, as it stands in both messages."""
    headers = response.headers
    to, far_contact = headers.first(b"to"), headers.first(b"contact")
    original = call.original.headers
    from_, contact = original.first(b"from"), original.first(b"contact")
    if to is None or far_contact is None or from_ is None or contact is None:
        return None
    return Dialog(from_, to, contact, far_contact, tuple(headers.values(b"record-route")))


def _flows(call: Observed) -> list[SpokenBy | None]:
    """By which the request came, and the ones of the branches that took it."""
    context = call.response_context
    branches = () if context is None else context.branches
    return [call.flow] + [
        branch.flow for branch in branches
        if branch.final is not None and branch.final.status < 300
    ]  # fmt: skip


def _refuser(call: Observed, status: int) -> str:
    """Who said no: the caller by CANCEL, a far side, or nobody but us."""
    if call.is_cancelled:
        return "caller"
    context = call.response_context
    said = context is not None and any(
        branch.final is not None and branch.final.status == status for branch in context.branches
    )
    return "callee" if said else "proxy"


def _take_report(held: Call, answer: Mapping[bytes, Any]) -> None:
    held.media = streams_of(answer, caller_tag=held.from_tag)
    held.verdict = verdict_of(answer)
    held.verdict_text = sentences_of(answer)


def _log(what: str, held: Call, ending: str) -> None:
    log.info(
        "%s call_id=%s tenant=%s caller=%s callee=%s%s",
        what,
        as_text(held.call_id),
        as_text(held.tenant),
        as_text(held.caller),
        as_text(held.request_uri),
        ending,
    )
