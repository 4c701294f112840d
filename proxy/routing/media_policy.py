"""What holds for the media of one side: its user's policies, and where he has none, his domain's.

Nothing is known of strangers and of carriers. Within a dialog it is known who must encrypt, and
how, for that is sealed into its tokens; all else the relay keeps as it began.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from proxy.relay.profile import SRTP_REQUIRED

if TYPE_CHECKING:
    from proxy.core.request_context import Branch, RequestContext
    from proxy.directory.model import Domain, Subscriber
    from proxy.node import Node


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """`relay` is always, auto, never, or empty where nothing is known; `codecs` are names in order
    of preference, none: all."""

    relay: str = ""
    srtp: str = "off"
    codecs: tuple[bytes, ...] = ()


_UNKNOWN: Final = MediaPolicy()
_SEALED: Final = ("", *SRTP_REQUIRED)
_UNSEALED: Final = (_UNKNOWN, *(MediaPolicy(srtp=srtp) for srtp in SRTP_REQUIRED))


def of_caller(call: RequestContext) -> MediaPolicy:
    """Of the side that the request came from."""
    if not call.is_initial:
        return _UNSEALED[call.near_media]
    return _policy(call.subscriber, call.domain)


def of_callee(call: RequestContext, branch: Branch, node: Node) -> MediaPolicy:
    """Of the side that a branch goes to, and what it has asked for by refusing."""
    if not call.is_initial:
        return _UNSEALED[call.far_media]
    target = branch.target
    if target.binding is not None:
        policy = _policy(node.directory.subscriber(target.binding.aor), target.domain)
    else:
        policy = _policy(None, call.callee_domain)
    return replace(policy, srtp=branch.srtp) if branch.srtp else policy


def sealed(policy: MediaPolicy) -> int:
    """What is kept of it in the tokens of a dialog: whether, and how, this side must encrypt."""
    return _SEALED.index(policy.srtp) if policy.srtp in _SEALED else 0


def _policy(user: Subscriber | None, domain: Domain | None) -> MediaPolicy:
    if domain is None:
        return _UNKNOWN
    if user is None:
        return MediaPolicy(domain.media_policy, domain.srtp, names(domain.codecs))
    return MediaPolicy(
        user.media_policy or domain.media_policy,
        user.srtp or domain.srtp,
        names(user.codecs or domain.codecs),
    )


@lru_cache(maxsize=1024)
def names(codecs: bytes) -> tuple[bytes, ...]:
    """The names in a list of codecs, as they are compared."""
    return tuple(codecs.lower().split())
