"""The policies that hold for a branch of a call, for the call's record (observe/policies.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.observe import policies

if TYPE_CHECKING:
    from proxy.core.request_context import Branch, RequestContext
    from proxy.directory.model import Domain

    from .media_policy import MediaPolicy


def line_of(
    call: RequestContext, branch: Branch, near_media: MediaPolicy, far_media: MediaPolicy
) -> str:
    """Of both sides; not of a callee who is another tenant's."""
    target = branch.target
    near = call.domain
    far = call.callee_domain if target.binding is None else target.domain
    is_anothers = near is not None and far is not None and near.tenant_id != far.tenant_id
    return policies.line(
        _side(near_media, near, is_nat=call.caller_nat),
        "" if is_anothers else _side(far_media, far, is_nat=target.nat),
        call.notes.media_way,
        call.notes.federation_in,
        target.federation,
    )


def _side(media: MediaPolicy, domain: Domain | None, *, is_nat: bool) -> str:
    if domain is None:
        flags = (False, False, False, False, is_nat)
    else:
        flags = (
            domain.require_tls,
            domain.unauthenticated,
            domain.e164,
            domain.nat_alias_contact,
            is_nat,
        )
    return policies.side(media.relay, media.srtp, media.codecs, flags)
