"""The route: what this platform does with a request, in order. It has no logic of its own.

Read from top to bottom; each step is one screen away, in the module it is called from. A step ends
the request by raising Reject (a response) or Drop (silence); otherwise it returns.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from proxy.core import loose_route
from proxy.core.request_context import Branch, Reject, RequestContext

from . import (
    authenticate,
    caller_id,
    carrier_accounts,
    changes,
    destination,
    e164,
    enum,
    federation,
    identity,
    limits,
    media,
    nat,
    registrar,
    screen,
    translation,
    trunks,
)

if TYPE_CHECKING:
    from proxy.node import Node
    from proxy.sip.message import Response


async def route_request(call: RequestContext, node: Node) -> None:
    """Main route: runs once for each request that starts a server transaction, and for ACK."""
    screen.drop_floods(call, node)
    screen.drop_scanners(call, node)
    screen.refuse_unknown_methods(call, node)
    screen.check_max_forwards(call)
    nat.note_source(call)
    loose_route.open_own_entries(call, node.is_local)
    if call.method == b"REGISTER":
        await registrar.register(call, node)
        return
    if call.is_initial:
        await initial_request(call, node)
    else:
        sequential_request(call, node)
    authenticate.consume(call, node)
    nat.alias_contact(call, node)
    await call.relay(
        on_branch=partial(branch, node),
        on_reply=partial(reply, node),
        on_end=partial(unanswered, node),
        on_refused=partial(refused, node),
        on_inner=partial(inner, node),
    )


async def initial_request(call: RequestContext, node: Node) -> None:
    """No To tag and no Route sealed by our own nodes: decide where the request goes."""
    screen.drop_stray_acks(call)
    destination.answer_own_options(call, node)
    screen.refuse_preloaded_routes(call)
    destination.require_user(call)
    if not trunks.admit(call, node):
        authenticate.local_caller(call, node)
        screen.refuse_strangers_when_full(call)
        destination.note_caller_binding(call, node)
        federation.admit_stranger(call, node)
    identity.settle(call)
    destination.mean_own_domain(call, node)
    e164.normalise(call)
    translation.translate(call, node)
    await enum.look_up(call, node)
    destination.find_targets(call, node)
    limits.refuse_above(call, node)


def sequential_request(call: RequestContext, node: Node) -> None:
    """Within a dialog: the opened tokens, the Route and the Request-URI say where it goes."""
    screen.refuse_strangers_in_dialogs(call)
    identity.settle(call)
    caller_id.keep(call)
    carrier_accounts.keep_ahead(call, node)
    nat.take_off_alias(call)
    destination.find_flow_again(call, node)
    if call.method == b"BYE":
        media.end(call, node)
        node.calls.ended(call)
    destination.find_instance(call, node)


async def branch(node: Node, call: RequestContext, branch: Branch) -> None:
    """branch_route: for each target, when it is known how it is reached; and what it is offered
    after it has refused."""
    if branch.attempt == 0:
        identity.tell(call, branch)
        changes.apply(call, branch)
    await media.offer(call, branch, node)
    carrier_accounts.sign(call, branch, node)


def refused(node: Node, call: RequestContext, branch: Branch, response: Response) -> bool:
    """Whether the target of a branch that has refused is told or offered something else."""
    return carrier_accounts.answer_challenge(call, branch, response, node) or media.offer_encrypted(
        call, branch, response, node
    )


def inner(node: Node, call: RequestContext, branch: Branch, why: str) -> Reject:
    """The answer where a target is inside of networks to which nothing is sent."""
    return federation.refuse_inner(call, branch, why, node)


async def reply(
    node: Node, call: RequestContext, branch: Branch | None, response: Response
) -> None:
    """onreply_route: each response that goes upstream."""
    identity.settle_reply(branch, response)
    caller_id.restore(call, branch, response)
    carrier_accounts.settle_reply(call, branch, response)
    nat.alias_contact_in_reply(call, branch, response, node)
    await media.answer(call, branch, response, node)


async def unanswered(node: Node, call: RequestContext) -> None:
    """An INVITE that ended without an answer: cancelled, refused, timed out."""
    media.end_unanswered(call, node)
