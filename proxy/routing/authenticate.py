"""Who is calling: challenges, credentials, and that From or To is who the credentials say.

docs/behaviour.md s3. Unknown users and wrong passwords cost the same work and get the same
answer.
"""

from __future__ import annotations

import logging
from os import urandom
from typing import TYPE_CHECKING

from proxy.core.request_context import Reject, RequestContext
from proxy.directory.leading import host_name
from proxy.sip import digest, passes
from proxy.sip.digest import Verdict
from proxy.sip.errors import DigestError
from proxy.sip.fields import Credentials, parse_credentials
from proxy.sip.uri import SipUri, canonical_aor

from . import identity, outbound

if TYPE_CHECKING:
    from proxy.directory.model import Domain, Subscriber
    from proxy.node import Node

log = logging.getLogger(__name__)


def local_caller(call: RequestContext, node: Node) -> None:
    """The gate of every request out of a dialog.

    From one of our domains: that user's credentials (407), and From must be him (403). From a
    foreign domain: only to our own users, we are no open relay (403). So does a call of a user of
    ours that somebody else sends back to us while it rings: he could not sign it again.
    """
    uri = identity.claimed(call.request)
    caller = None if uri is None else node.directory.domain(host_name(uri))
    if caller is None:
        if not node.is_local(call.request.uri):
            raise outbound.relaying_denied()
        return
    if not caller.enabled:
        raise Reject(403, b"Domain is disabled")
    call.domain = caller
    call.tenant = caller.tenant
    if caller.require_tls and not call.flow.is_secure:
        raise Reject(403, b"TLS Required")
    _check_page(call, caller)
    if caller.unauthenticated:
        return
    subscriber = _verified(call, node, caller, b"proxy-authorization")
    if subscriber is None:
        if uri is not None and _comes_back(call, node, uri):
            call.domain, call.tenant = None, None  # on nobody's account: as from a stranger
            return
        raise _challenge(node, caller, 407, b"proxy-authenticate", stale=False)
    if uri is None or uri.aor() != subscriber.aor:
        raise Reject(403, b"Forbidden auth ID")
    call.subscriber = subscriber
    node.floods.know(call.source)


def consume(call: RequestContext, node: Node) -> None:
    """Take credentials for realms of ours off, so that nobody down the line sees them (s22.3): also
    within dialogs, where an ACK has those of its INVITE (s13.2.2.4) and phones sign a BYE."""
    headers = call.request.headers
    if not headers.has(b"proxy-authorization"):
        return
    others = [one for one in headers.all(b"proxy-authorization") if not _is_for_us(one, node)]
    headers.remove(b"proxy-authorization")
    for value in others:
        headers.append(b"proxy-authorization", value)


def _is_for_us(value: bytes, node: Node) -> bool:
    try:
        realm = parse_credentials(value).params.get(b"realm", b"")
    except DigestError:
        return False
    return node.directory.domain(realm.lower()) is not None


def _comes_back(call: RequestContext, node: Node, caller: SipUri) -> bool:
    """A spiral to a user of ours (RFC 3261 s16.3 step 4): it has been here, as its Vias say too, or
    at another node, as the seal in one of them does."""
    if call.method != b"INVITE" or not node.is_local(call.request.uri):
        return False
    if not node.calls.has_named(call.original.call_id):
        return call.has_passed()
    return node.calls.comes_back(call, caller.aor()) and any(
        node.transport.is_own(via.host, via.port) for via in call.original.vias[1:]
    )


def registering_user(call: RequestContext, node: Node, domain: Domain) -> Subscriber | None:
    """The user whose credentials a REGISTER has; To must be him. None in an open domain.

    Raises Reject 401 or 403.
    """
    _check_page(call, domain)
    if domain.unauthenticated:
        return None
    subscriber = _verified(call, node, domain, b"authorization")
    if subscriber is None:
        raise _challenge(node, domain, 401, b"www-authenticate", stale=False)
    to = call.request.to.uri
    if not isinstance(to, SipUri) or to.aor() != subscriber.aor:
        raise Reject(403, b"Forbidden auth ID")
    node.floods.know(call.source)
    return subscriber


def _check_page(call: RequestContext, domain: Domain) -> None:
    """A page of another site speaks for the tenants that have listed the site, and for no other."""
    tenants = call.flow.tenants
    if tenants and domain.tenant_id not in tenants:
        raise Reject(403, b"Site is not allowed")


def _verified(call: RequestContext, node: Node, domain: Domain, field: bytes) -> Subscriber | None:
    """The enabled subscriber whose password the request proves; None for no or wrong credentials.

    Raises Reject with a stale challenge when only the nonce is old.
    """
    credentials = _credentials_for(call, domain, field)
    if credentials is None:
        return None
    username = credentials.params.get(b"username", b"")
    if b"@" in username:
        username = username.rpartition(b"@")[0]  # some phones send the whole address
    of_pass = passes.read_username(username)
    user = username if of_pass is None else of_pass[0]
    subscriber = node.directory.subscriber_or_nobody(canonical_aor(user, domain.name))

    def ha1_for(algorithm: bytes) -> bytes | None:
        known: bytes | None
        if of_pass is not None:
            known = passes.pass_ha1(
                node.secret,
                username,
                domain.name,
                subscriber.ha1_md5,
                algorithm,
                wall=node.wall(),
            )
        else:
            known = subscriber.ha1_sha256 if algorithm == digest.SHA256 else subscriber.ha1_md5
        return known or None if subscriber.enabled else None  # an empty one anybody can make

    verdict = digest.verify(
        credentials,
        call.method,
        call.original.uri_raw,
        ha1_for,
        node.secret,
        wall=node.wall(),
        replay=node.nonce_counts,
        body=call.original.body,
    )
    if verdict is Verdict.STALE:
        status = 401 if field == b"authorization" else 407
        name = b"www-authenticate" if status == 401 else b"proxy-authenticate"
        raise _challenge(node, domain, status, name, stale=True)
    if verdict is not Verdict.OK:
        log.info(
            "sign-in refused source=%s user=%s@%s tenant=%s call_id=%s",
            call.source[0],
            username.decode(errors="replace"),
            domain.name.decode(),
            domain.tenant.decode(),
            call.original.call_id.decode(errors="replace"),
        )
        node.blocks.failed_sign_in(
            domain.domain_id,
            canonical_aor(user, domain.name),
            call.source[0],
            call.original.headers.first(b"user-agent") or b"",
        )
        return None
    if of_pass is not None:
        call.notes.pass_expires_at = of_pass[1]
    return subscriber


def _credentials_for(call: RequestContext, domain: Domain, field: bytes) -> Credentials | None:
    """The Digest credentials for the domain's realm."""
    for value in call.request.headers.all(field):
        try:
            credentials = parse_credentials(value)
        except DigestError as error:
            raise Reject(400, b"Malformed credentials") from error
        if credentials.scheme.lower() == b"digest" and _is_realm(credentials, domain):
            return credentials
    return None


def _is_realm(credentials: Credentials, domain: Domain) -> bool:
    return credentials.params.get(b"realm", b"").lower() == domain.name


def _challenge(node: Node, domain: Domain, status: int, field: bytes, *, stale: bool) -> Reject:
    values = digest.make_challenge(
        domain.name,
        node.secret,
        wall=node.wall(),
        unique=urandom(6).hex().encode(),
        algorithms=node.digest_algorithms,
        stale=stale,
    )
    return Reject(status, headers=tuple((field, value) for value in values))
