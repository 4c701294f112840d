"""Offers and answers to the media relay, and the end of its sessions (docs/behaviour.md s6).

The relay gets the body with facts about both sides and gives a body back; nothing here reads SDP.
Which relay a call has is sealed into its dialog token, so any node finds it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from media.ng import Answer, Command, Delete, Offer
from proxy.core.request_context import Branch, Reject, RequestContext
from proxy.observe.call import tags_of
from proxy.relay.client import RelayError
from proxy.relay.offer_answer import Body, in_request, in_response
from proxy.relay.profile import SRTP_REQUIRED, SideFacts, options_towards
from proxy.relay.refusal import BY_DTLS, EVERYTHING, may_take
from proxy.routing import in_force, media_policy
from proxy.sip.uri import SipUri, Uri

if TYPE_CHECKING:
    from proxy.node import Node
    from proxy.relay.pool import Relay
    from proxy.routing.media_policy import MediaPolicy
    from proxy.sip.message import Request, Response

log = logging.getLogger(__name__)

_MOST_EXPECTED: Final = 50_000
_MUST_ENCRYPT: Final = "Encryption is required"  # the words of our relay
_NO_CODEC: Final = "No codec"
_OFFERED: Final = "offered"  # what a branch has at the relay
_ANSWERED: Final = "answered"
_DIRECT: Final = "direct"  # its description passes as it is, whatever relay the call has
_MORE: Final = {"offered": EVERYTHING, "either": (BY_DTLS,)}
"""What a phone is offered that has refused: an offer has but one protocol (RFC 3264)."""
_UNKNOWN_CALL: Final = "Unknown call"  # the words of all relays


class Need(Enum):
    """Whether a branch needs a relay; browsers perhaps."""

    NO = auto()
    PERHAPS = auto()
    YES = auto()


class Sessions:
    """What media steps must remember between the messages of one transaction, and their tasks.

    `expecting` holds the calls, by Call-ID and caller's tag, whose INVITE came without an offer and
    whose response made one: the next PRACK with a description answers it.
    """

    __slots__ = ("_tasks", "expecting")

    def __init__(self) -> None:
        self.expecting: set[tuple[bytes, bytes | None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, node: Node, relay: Relay, command: Command) -> None:
        """Send a command that nothing waits for."""
        task = asyncio.get_running_loop().create_task(_send(node, relay, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until every command has its answer, or has failed."""
        while self._tasks:
            await asyncio.wait(self._tasks)


async def offer(call: RequestContext, branch: Branch, node: Node) -> None:
    """A description in a request, on its way to a branch. Raises Reject 503 when no relay takes
    an offer, 488 when it is plain and must not be; an answer that the relay refuses passes."""
    request = branch.request
    kind = in_request(
        call.method,
        has_sdp=_has_sdp(request),
        answer_expected=_near_name(call) in node.sessions.expecting,
    )
    if call.is_initial and call.method == b"INVITE":
        both = media_policy.of_caller(call), media_policy.of_callee(call, branch, node)
        call.near_media, branch.far_media = (media_policy.sealed(one) for one in both)
        if not call.notes.is_relayed:
            _choose_way(call, branch, both, node)
        branch.policies = in_force.line_of(call, branch, *both)
    call.notes.offer_made = kind is Body.OFFER
    if kind is Body.NOTHING or call.relay_id is None or branch.media is _DIRECT:
        return
    if kind is Body.OFFER:
        branch.media = _OFFERED
        if branch.srtp:
            request.body = call.original.body
        request.body = await _offered(call, branch, node)
    else:
        node.sessions.expecting.discard(_near_name(call))
        request.body = await _answered_in_request(call, branch, node)


def offer_encrypted(call: RequestContext, branch: Branch, response: Response, node: Node) -> bool:
    """A target has refused what it was offered: whether it is to be offered encryption alone, in
    RTP/SAVP first, then in UDP/TLS/RTP/SAVPF. A phone that takes nothing plain passes over the key
    in RTP/AVP (RFC 8643) and says 488. What its 488 gives as another reason, or says that it can
    do, leaves out what cannot help. Where the policy is another than `offered`, that decides.
    """
    if response.status != 488 or branch.media is not _OFFERED or not call.is_initial:
        return False
    far = _far(call, branch, node)
    if far.is_websocket or not call.notes.offer_made:
        return False
    description = response.body if _has_sdp(response) else b""
    found = may_take(branch.request.body, response.headers.values(b"warning"), description)
    branch.srtp = next((one for one in _MORE.get(far.srtp, ()) if one in found), "")
    return bool(branch.srtp)


async def answer(
    call: RequestContext, branch: Branch | None, response: Response, node: Node
) -> None:
    """A description in a response, on its way upstream. Raises Reject 488 where encryption is
    required and the answer is not what was offered; its early media is not heard."""
    if branch is None or call.relay_id is None or branch.media is _DIRECT:
        return
    if call.is_initial and 200 <= response.status < 300:
        branch.media = _ANSWERED
        _end_branches(call, node)
    kind = in_response(
        call.method,
        response.status,
        has_sdp=_has_sdp(response),
        request_offered=call.notes.offer_made,
    )
    if kind is Body.NOTHING:
        return
    relay = node.relays.by_id(call.relay_id)
    if relay is None:
        log.warning("relay of the call is unknown call_id=%s", _call_id(call))
        return
    caller, callee = _near(call, node), _far(call, branch, node)
    options = options_towards(caller, callee)
    command: Command
    if kind is Body.ANSWER:
        command = Answer(
            call_id=call.original.call_id,
            from_tag=call.original.from_tag or b"",
            to_tag=response.to_tag or b"",
            sdp=response.body,
            via_branch=_via_branch(call, branch),
            options=options,
        )
    else:
        if len(node.sessions.expecting) > _MOST_EXPECTED:
            node.sessions.expecting.clear()
        node.sessions.expecting.add(_near_name(call))
        branch.media = branch.media or _OFFERED
        command = Offer(
            call_id=call.original.call_id,
            from_tag=response.to_tag or b"",
            to_tag=call.original.from_tag or b"",
            sdp=response.body,
            via_branch=_via_branch(call, branch),
            options=options,
        )
    try:
        response.body = _sdp(await node.relays.request(relay, command))
    except RelayError as error:
        if (why := _refusal(error, caller, callee)) is not None:
            log.info("answer refused call_id=%s tenant=%s reason=%s", _call_id(call),
                     (call.tenant or b"").decode(), error)  # fmt: skip
            if response.status >= 200:
                branch.media = branch.media and _OFFERED
                raise Reject(488, why) from error
            _silence(response)
            return
        level = logging.WARNING if error.is_silent else logging.INFO
        log.log(level, "answer passes as it is call_id=%s tenant=%s reason=%s", _call_id(call),
                    (call.tenant or b"").decode(), error)  # fmt: skip


def end_unanswered(call: RequestContext, node: Node) -> None:
    """The call never was (CANCEL, failure, timeout); a re-INVITE that failed changes nothing."""
    if call.is_initial and call.relay_id is not None:
        node.sessions.expecting.discard(_near_name(call))
        _end_branches(call, node)


def end(call: RequestContext, node: Node) -> None:
    """The call is over (BYE): the relay forgets it."""
    original = call.original
    for tag in (original.from_tag, original.to_tag):
        node.sessions.expecting.discard((original.call_id, tag))
    relay = None if call.relay_id is None else node.relays.by_id(call.relay_id)
    if relay is not None:
        node.sessions.later(
            node,
            relay,
            Delete(original.call_id, original.from_tag or b"", original.to_tag or b""),
        )


def _near_name(call: RequestContext) -> tuple[bytes, bytes | None]:
    """Names the call as far as the side knows that sends the request."""
    return call.original.call_id, call.original.from_tag


def _end_branches(call: RequestContext, node: Node) -> None:
    """The relay forgets the branches that were not answered, and no other of the same Call-ID:
    a proxy before us may have forked the call to us twice."""
    context, relay = call.response_context, node.relays.by_id(call.relay_id or b"")
    if context is None or relay is None:
        return
    original = call.original
    for branch in context.branches:
        if branch.media is _OFFERED:
            branch.media = None
            node.sessions.later(
                node,
                relay,
                Delete(
                    original.call_id, original.from_tag or b"", via_branch=_via_branch(call, branch)
                ),
            )


async def _offered(call: RequestContext, branch: Branch, node: Node) -> bytes:
    request = branch.request
    command = Offer(
        call_id=call.original.call_id,
        from_tag=call.original.from_tag or b"",
        to_tag=call.original.to_tag or b"",
        sdp=request.body,
        via_branch=_via_branch(call, branch),
        options=options_towards(_far(call, branch, node), _near(call, node)),
    )
    failure = RelayError("no relay")
    for relay in _relays(call, node):
        try:
            body = _sdp(await node.relays.request(relay, command))
        except RelayError as error:
            log.warning("offer refused call_id=%s tenant=%s reason=%s", _call_id(call),
                        (call.tenant or b"").decode(), error)  # fmt: skip
            failure = error
            if error.reason.startswith((_MUST_ENCRYPT, _NO_CODEC)):
                raise Reject(488, _refusal(error)) from error
            continue
        if call.is_initial:
            call.relay_id = relay.relay_id
        return body
    raise Reject(503, b"No media relay") from failure


def _relays(call: RequestContext, node: Node) -> list[Relay]:
    """A new call may go to any relay; one that has branches or a dialog stays where it is."""
    relay = None if call.relay_id is None else node.relays.by_id(call.relay_id)
    if not call.is_initial or call.near_entry is not None:
        return [] if relay is None else [relay]
    choices = node.relays.choices(call.original.call_id)
    others = [one for one in choices if one is not relay and one.is_alive]
    return others if relay is None else [relay, *others]


async def _answered_in_request(call: RequestContext, branch: Branch, node: Node) -> bytes:
    """An answer in ACK or PRACK: its sender is the one who answers, so the tags change sides."""
    request = branch.request
    relay = node.relays.by_id(call.relay_id or b"")
    if relay is None:
        return request.body
    sides = _far(call, branch, node), _near(call, node)
    command = Answer(
        call_id=call.original.call_id,
        from_tag=call.original.to_tag or b"",
        to_tag=call.original.from_tag or b"",
        sdp=request.body,
        options=options_towards(*sides),
    )
    try:
        return _sdp(await node.relays.request(relay, command))
    except RelayError as error:
        is_of_browsers = error.reason.startswith(_UNKNOWN_CALL) and _are_browsers(*sides)
        if not is_of_browsers and (why := _refusal(error, *sides)) is not None:
            raise Reject(488, why) from error
        # Between two browsers, or an ACK that answers our re-sent one: nothing waits for it there.
        log.info("answer in %s passes as it is call_id=%s reason=%s", call.method.decode(),
                 _call_id(call), error)  # fmt: skip
        return request.body


def _choose_way(
    call: RequestContext, branch: Branch, policies: Sequence[MediaPolicy], node: Node
) -> None:
    """Whether a branch of a new call goes by a relay, and by which.

    Two browsers find each other by ICE, or do not: no one can know before. So theirs begins without
    a relay and has one in its tokens, which takes the next description that either side sends.
    """
    need, call.notes.media_way = _need(call, branch, policies)
    if need is Need.NO:
        branch.media = _DIRECT
        return
    if _has_relay_already(call, node):
        call.notes.media_way = "spiral"
        branch.media = _DIRECT
        return
    if call.relay_id is None and (choices := node.relays.choices(call.original.call_id)):
        call.relay_id = choices[0].relay_id
        call.near_entry = None  # that of an earlier branch says that the call has none
    if need is Need.PERHAPS:
        branch.media = _DIRECT
    elif call.relay_id is not None:
        call.notes.is_relayed = True


def _has_relay_already(call: RequestContext, node: Node) -> bool:
    """A spiral: the call has passed through us before and comes back. A second passage through a
    relay under the same Call-ID would send its media in a circle."""
    if b"record-route" not in call.fields:
        return False
    for entry in call.original.record_routes:
        user = entry.uri.user if isinstance(entry.uri, SipUri) else None
        if user and (side := node.tokens.open(user, call.original.call_id)) is not None:
            return bool(side.relay_id)
    return False


def _need(
    call: RequestContext, branch: Branch, policies: Sequence[MediaPolicy]
) -> tuple[Need, str]:
    """By the policies of both sides: one that says always wins, then what only a relay can see to,
    then one that says auto. Each branch is looked at when its turn comes, so a later stage may be
    the first to need one. And why, in a word of observe/policies.py."""
    relay = {one.relay for one in policies}
    if "always" in relay:
        return Need.YES, "always"
    near, targets = call.flow, (branch.target, *call.targets)
    are_browsers = near.is_websocket and all(each.websocket for each in targets)
    must_encrypt = any(one.srtp in SRTP_REQUIRED for one in policies)
    if must_encrypt and not are_browsers:  # browsers encrypt anyway
        return Need.YES, "encryption"
    if any(one.codecs for one in policies):
        return Need.YES, "codecs"
    if "auto" not in relay:
        return Need.NO, "never"
    if are_browsers:
        return Need.PERHAPS, "browsers"
    if any(each.websocket != near.is_websocket for each in targets):
        return Need.YES, "kinds"
    if call.caller_nat or any(each.nat for each in targets):
        return Need.YES, "nat"
    if branch.family != near.family:
        return Need.YES, "family"
    return Need.NO, "plain"


def _are_browsers(*sides: SideFacts) -> bool:
    return all(side.is_websocket for side in sides)


def _near(call: RequestContext, node: Node) -> SideFacts:
    """The side that the request came from."""
    flow, policy = call.flow, media_policy.of_caller(call)
    return SideFacts(
        flow.family,
        flow.is_websocket,
        call.caller_nat,
        flow.remote[0],
        policy.srtp,
        policy.codecs,
        node.interfaces.name_of(flow.remote[0]),
        _user(call.original.from_.uri),
    )


def _far(call: RequestContext, branch: Branch, node: Node) -> SideFacts:
    """The side that the request goes to."""
    flow, policy = branch.flow, media_policy.of_callee(call, branch, node)
    source = flow.remote[0] if flow is not None else ""
    located = branch.hop.address if branch.hop is not None else ""
    return SideFacts(
        branch.family,
        branch.target.websocket or (flow is not None and flow.is_websocket),
        branch.target.nat and bool(source),
        source,
        policy.srtp,
        policy.codecs,
        node.interfaces.name_of(source or located),
        _user(call.original.to.uri),
    )


def _user(uri: Uri) -> bytes:
    return (uri.user if isinstance(uri, SipUri) else None) or b""


def _refusal(error: RelayError, *sides: SideFacts) -> bytes | None:
    """Why a description that the relay refused must not pass as it is, as a reason for 488. None:
    it passes, for nobody would be heard unencrypted or by a codec that is not allowed."""
    if error.reason.startswith(_NO_CODEC):
        return b"No Common Codec"
    is_required = any(side.is_srtp_required for side in sides)
    if error.reason.startswith(_MUST_ENCRYPT) or (is_required and error.reason):
        return b"SRTP is required here"
    return None


def _silence(response: Response) -> None:
    """Take the description out of a provisional response."""
    response.body = b""
    response.headers.remove(b"content-type")


def _via_branch(call: RequestContext, branch: Branch) -> bytes:
    """Tells the branches of a forked INVITE apart; a dialog has only one."""
    return branch.branch_id if call.is_initial else b""


def _has_sdp(message: Request | Response) -> bool:
    return bool(message.body) and message.content_type == b"application/sdp"


def _sdp(answer: Mapping[bytes, object]) -> bytes:
    body = answer.get(b"sdp")
    if not isinstance(body, bytes):
        raise RelayError("the relay's answer has no sdp")
    return body


async def _send(node: Node, relay: Relay, command: Command) -> None:
    try:
        answer = await node.relays.request(relay, command)
    except RelayError as error:
        log.info("relay command failed: %s", error)
        return
    if isinstance(command, Delete) and not command.via_branch:  # the call's end, not a branch's
        tags = tags_of(command.from_tag, command.to_tag)
        node.calls.last_report(command.call_id, tags, answer)


def _call_id(call: RequestContext) -> str:
    return call.original.call_id.decode("utf-8", "replace")
