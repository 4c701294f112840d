"""Response context: gathers the responses of all branches and decides what goes upstream.

RFC 3261 s16.7 and s16.10. Pure: inputs are responses, failures, a CANCEL, a ring timeout; outputs
are actions for upstream.py. A branch counts as pending from its start to its first final
response or failure; every 2xx of an INVITE goes up, whenever it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .breadth import shares
from .request_context import HeaderPairs
from .target_set import Outcome, Stage

if TYPE_CHECKING:
    from proxy.sip.message import Response

    from .request_context import Branch
    from .target_set import Target
_CHALLENGES: Final = (b"www-authenticate", b"proxy-authenticate")
_PREFERRED_4XX: Final = frozenset((401, 407, 415, 420, 484))  # s16.7 step 6


class SendUp:
    """Send a response of a branch upstream; it is final when its status says so."""

    __slots__ = ("branch", "response")

    def __init__(self, branch: Branch, response: Response) -> None:
        self.branch = branch
        self.response = response


class SendLate:
    """Send up a 2xx of an INVITE that has had another final response, past its transaction."""

    __slots__ = ("response",)

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(slots=True, eq=False)
class Answer:
    """Answer the request with a final response of our own."""

    status: int
    reason: bytes | None = None
    headers: HeaderPairs = ()


class Cancel:
    """CANCEL a pending branch, at once or when its first provisional response comes."""

    __slots__ = ("branch",)

    def __init__(self, branch: Branch) -> None:
        self.branch = branch


@dataclass(slots=True, eq=False)
class StartGroup:
    """Fork to the next group of targets, or find out first which they are (`stage.expand`)."""

    targets: list[Target]
    stage: Stage | None = None
    outcome: Outcome = Outcome.REFUSED
    """How the targets before them ended."""


@dataclass(slots=True, eq=False)
class GiveUp:
    """End without an answer: a non-INVITE that timed out (RFC 4320 s4.2)."""


Action = SendUp | SendLate | Answer | Cancel | StartGroup | GiveUp
Actions = tuple[Action, ...]
_NOTHING: Final[Actions] = ()
_GIVE_UP: Final[Actions] = (GiveUp(),)


@dataclass(slots=True, eq=False)
class _Candidate:
    rank: int
    status: int
    reason: bytes | None
    branch: Branch | None  # with a response that was received, else None
    response: Response | None
    headers: HeaderPairs = ()
    outcome: Outcome = Outcome.REFUSED


class ResponseContext:
    """The branches of one request."""

    __slots__ = (
        "_breadth",
        "_candidates",
        "_stage_began",
        "_stages",
        "branches",
        "final_status",
        "group",
        "is_cancelled",
        "is_invite",
        "pending",
    )

    def __init__(self, later_stages: list[Stage], *, is_invite: bool, breadth: int) -> None:
        self._breadth = breadth  # of all branches that have not ended (RFC 5393 s5)
        self.branches: list[Branch] = []
        self.is_invite = is_invite
        self.is_cancelled = False
        self.final_status = 0  # of the final response that went upstream, 0 before that
        self.pending = 0
        self._stages = later_stages  # after the one that is started at once
        self._stage_began = 0  # at which candidate
        self.group = 0  # the one that is tried, counted as they are begun
        self._candidates: list[_Candidate] = []

    @property
    def groups_left(self) -> int:
        """How many stages there still are."""
        return len(self._stages)

    def admit(self, stage: Stage) -> list[tuple[Target, int]]:
        """The targets of a stage that there is room for now, each with its Max-Breadth; the others
        become a stage behind it. None: there is no room at all."""
        targets, room = stage.targets, self._free_breadth()
        if self._stages and room > 1:
            room //= 2  # the stages behind it may begin before its branches have ended
        if 0 < room < len(targets):
            self._stages.insert(0, Stage(targets[room:], ring_seconds=stage.ring_seconds))
            targets = targets[:room]
        return list(zip(targets, shares(room, len(targets)), strict=True)) if room else []

    def _free_breadth(self) -> int:
        return self._breadth - sum([one.breadth for one in self.branches if not one.is_done])

    @property
    def awaits_ring_timeout(self) -> bool:
        """Whether a stage follows when nobody answers."""
        return any(stage.follows(Outcome.NO_ANSWER) for stage in self._stages)

    def add(self, branch: Branch) -> None:
        """A branch is being started."""
        self.branches.append(branch)
        self.pending += 1

    def received(self, branch: Branch, response: Response) -> Actions:
        """A response without our Via came for a branch."""
        status = response.status
        if status < 200:
            # s16.7 step 5: every provisional but 100, as long as no final response went up
            if status == 100 or self.final_status:
                return _NOTHING
            return (SendUp(branch, response),)
        is_first = not branch.is_done
        if is_first:
            branch.is_done = True
            branch.final = response
            self.pending -= 1
        if status < 300:
            return self._succeeded(branch, response)
        if not is_first:
            return _NOTHING
        if branch.is_timed_out and status == 487:
            rank = _rank(408, is_own=True)
            return self._failed(_Candidate(rank, 408, None, None, None, outcome=Outcome.NO_ANSWER))
        rank, outcome = _rank(status, is_own=False), _outcome(status, branch, is_own=False)
        return self._failed(_Candidate(rank, status, None, branch, response, outcome=outcome))

    def failed(
        self,
        branch: Branch,
        status: int,
        reason: bytes | None = None,
        headers: HeaderPairs = (),
    ) -> Actions:
        """A branch ended without a final response: timeout, transport, DNS, a refused step."""
        if branch.is_done:
            return _NOTHING
        branch.is_done = True
        self.pending -= 1
        rank, outcome = _rank(status, is_own=True), _outcome(status, branch, is_own=True)
        return self._failed(_Candidate(rank, status, reason, None, None, headers, outcome))

    def expanding(self) -> None:
        """What a stage is is being found out; until then nothing else is begun or decided."""
        self.pending += 1

    def expanded(self, stages: list[Stage]) -> Actions:
        """What a stage turned out to be, to be tried before those that follow it."""
        if self.is_cancelled:
            return self.not_expanded(487)
        self.pending -= 1
        if self.final_status:
            return _NOTHING
        first, *rest = stages
        self._stages = rest + self._stages
        return (StartGroup(first.targets, first),)

    def not_expanded(
        self, status: int, reason: bytes | None = None, headers: HeaderPairs = ()
    ) -> Actions:
        """A stage turned out to lead nowhere."""
        self.pending -= 1
        rank, outcome = _rank(status, is_own=True), _outcome(status, None, is_own=True)
        return self._failed(_Candidate(rank, status, reason, None, None, headers, outcome))

    def too_broad(self) -> Actions:
        """There is no room for a single branch (RFC 5393 s5.3.3)."""
        return self._failed(_Candidate(_rank(440, is_own=True), 440, None, None, None))

    def cancel(self) -> Actions:
        """The caller gave up (s16.10): CANCEL everything that is pending, start nothing more."""
        if self.final_status or self.is_cancelled:
            return _NOTHING
        self.is_cancelled = True
        self._stages = []
        return self._cancel_pending()

    def ring_timeout(self) -> Actions:
        """The present group rang long enough and there is another one."""
        if self.final_status or not self.awaits_ring_timeout:
            return _NOTHING
        for branch in self.branches:
            if not branch.is_done:
                branch.is_timed_out = True
        following = next(one for one in self._stages if one.follows(Outcome.NO_ANSWER))
        if self._free_breadth() < max(1, len(following.targets)):
            return self._cancel_pending()  # and go on when they have ended
        return (*self._cancel_pending(), *self._next(Outcome.NO_ANSWER))

    def answered(self, status: int) -> Actions:
        """A final response goes upstream by another way: the transaction user replied."""
        if self.final_status:
            return _NOTHING
        self.final_status = status
        self._stages = []
        return self._cancel_pending()

    def _succeeded(self, branch: Branch, response: Response) -> Actions:
        if self.final_status:
            # "After a final response has been sent on the server transaction, the following
            # responses MUST be forwarded immediately: any 2xx response to an INVITE request"
            if not self.is_invite:
                return _NOTHING
            return (SendUp(branch, response) if self.final_status < 300 else SendLate(response),)
        self.final_status = response.status
        self._stages = []
        self._candidates = []
        if self.pending:
            return (SendUp(branch, response), *self._cancel_pending())
        return (SendUp(branch, response),)

    def _failed(self, candidate: _Candidate) -> Actions:
        if self.final_status:
            return _NOTHING
        self._candidates.append(candidate)
        if candidate.status >= 600:
            self._stages = [one for one in self._stages if Outcome.EVERYWHERE in one.after]
            if self.pending:
                return self._cancel_pending()
        if self.pending:
            return _NOTHING
        return self._next_or_final()

    def _cancel_pending(self) -> Actions:
        if not self.is_invite:
            return _NOTHING
        return tuple([Cancel(branch) for branch in self.branches if not branch.is_done])

    def _next_or_final(self) -> Actions:
        if self._stages:
            ended = min(self._candidates[self._stage_began :], key=_by_rank, default=None)
            following = self._next(Outcome.NO_ANSWER if ended is None else ended.outcome)
            if following:
                return following
        return self._choose()

    def _next(self, outcome: Outcome) -> Actions:
        """Go on to the first stage that follows such an end; what stands before it is past."""
        while self._stages:
            stage = self._stages.pop(0)
            if stage.follows(outcome):
                self._stage_began = len(self._candidates)
                self.group += 1
                return (StartGroup(stage.targets, stage, outcome),)
        return _NOTHING

    def _choose(self) -> Actions:
        """The best final response (s16.7 step 6), challenges of all put together (step 7)."""
        candidates = self._candidates
        best = min(candidates, key=_by_rank)
        status = best.status
        if self.is_cancelled and status == 408:
            status = 487
        self.final_status = status
        self._candidates = []
        if best.branch is None or best.response is None:
            if status == 408 and not self.is_invite:
                return _GIVE_UP
            if status == 503 and best.reason is None:
                status = 500  # s16.9: as if a 503 had been received; routing's own has its reason
            return (Answer(status, best.reason, best.headers),)
        if status == 503:
            # "a proxy which receives a 503 SHOULD NOT forward it upstream": we are not overloaded
            return (Answer(500),)
        if status in (401, 407):
            _gather_challenges(best.response, candidates)
        return (SendUp(best.branch, best.response),)


def _rank(status: int, *, is_own: bool) -> int:
    """Order of preference, least first (s16.7 step 6)."""
    if status >= 600:
        return 0
    rank = status // 100 * 10
    if status in _PREFERRED_4XX:
        return rank
    if status == 486:  # a person was there
        return rank + 1
    if status == 487:  # says only that a branch was ended
        return rank + 5
    if status == 408:
        return rank + 4 if is_own else rank + 3
    return rank + 3 if status == 503 else rank + 2


def _outcome(status: int, branch: Branch | None, *, is_own: bool) -> Outcome:
    """What a final response, or a failure of our own, means for the stages that follow."""
    if status >= 600:
        return Outcome.EVERYWHERE | (Outcome.BUSY if status == 600 else Outcome.REFUSED)
    if status == 486:
        return Outcome.BUSY
    if status == 480:
        return Outcome.UNREACHABLE if is_own else Outcome.NO_ANSWER
    if status == 408:
        has_rung = branch is not None and branch.provisional_seen
        return Outcome.NO_ANSWER if has_rung else Outcome.UNREACHABLE
    if status in (430, 503) or (is_own and status == 404):  # 404 of our own: no DNS
        return Outcome.UNREACHABLE
    return Outcome.REFUSED


def _by_rank(candidate: _Candidate) -> int:
    return candidate.rank


def _gather_challenges(best: Response, candidates: list[_Candidate]) -> None:
    """Add the challenges of all other 401 and 407 to the chosen one (s16.7 step 7)."""
    for candidate in candidates:
        other = candidate.response
        if other is None or other is best or candidate.status not in (401, 407):
            continue
        for name in _CHALLENGES:
            for value in other.headers.all(name):
                best.headers.append(name, value)
