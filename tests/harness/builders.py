"""SIP messages for tests: what a phone would send, built from few words."""

from __future__ import annotations

from itertools import count

from proxy.sip.message import Request, Response

_branches = count(1)

Pairs = tuple[tuple[bytes, bytes], ...]


def new_branch() -> bytes:
    """A Via branch that no other test message has."""
    return b"z9hG4bKtest%d" % next(_branches)


def request(
    method: bytes,
    uri: bytes,
    *,
    via: bytes = b"SIP/2.0/UDP 192.0.2.10:5060",
    branch: bytes | None = None,
    from_uri: bytes = b"sip:alice@example.com",
    from_tag: bytes = b"alice-tag",
    to_uri: bytes | None = None,
    to_tag: bytes | None = None,
    call_id: bytes = b"call-1@test",
    cseq: int = 1,
    contact: bytes | None = b"<sip:alice@192.0.2.10:5060>",
    routes: tuple[bytes, ...] = (),
    max_forwards: int | None = 70,
    extra: Pairs = (),
    body: bytes = b"",
) -> Request:
    """A request as a user agent sends it."""
    to = b"<%b>" % (uri if to_uri is None else to_uri)
    if to_tag is not None:
        to += b";tag=" + to_tag
    headers = [(b"via", b"%b;branch=%b" % (via, branch or new_branch()))]
    headers += [(b"route", route) for route in routes]
    if max_forwards is not None:
        headers.append((b"max-forwards", b"%d" % max_forwards))
    headers.append((b"from", b"<%b>;tag=%b" % (from_uri, from_tag)))
    headers.append((b"to", to))
    headers.append((b"call-id", call_id))
    headers.append((b"cseq", b"%d %b" % (cseq, method)))
    if contact is not None:
        headers.append((b"contact", contact))
    headers += extra
    if body:
        headers.append((b"content-type", b"application/sdp"))
    return Request(method, uri, headers, body)


def respond(
    to: Request,
    status: int,
    reason: bytes | None = None,
    *,
    to_tag: bytes | None = b"bob-tag",
    contact: bytes | None = b"<sip:bob@192.0.2.20:5060>",
    extra: Pairs = (),
    body: bytes = b"",
) -> Response:
    """A response as a user agent server sends it, its Record-Route copied (s12.1.1)."""
    response = to.response(status, reason, to_tag=to_tag if status > 100 else None)
    if 100 < status < 300:
        for line in to.headers.all(b"record-route"):
            response.headers.append(b"record-route", line)
        if contact is not None:
            response.headers.append(b"contact", contact)
    for name, value in extra:
        response.headers.append(name, value)
    response.body = body
    if body:
        response.headers.append(b"content-type", b"application/sdp")
    return response


def ack_of(invite: Request, final: Response) -> Request:
    """The ACK of a client transaction for a 300-699, on the branch of its INVITE."""
    ack = Request(b"ACK", invite.uri_raw)
    ack.headers.append(b"via", invite.headers.values(b"via")[0])
    for route in invite.headers.all(b"route"):
        ack.headers.append(b"route", route)
    ack.headers.append(b"max-forwards", b"70")
    ack.headers.append(b"from", invite.headers.first(b"from") or b"")
    ack.headers.append(b"to", final.headers.first(b"to") or b"")
    ack.headers.append(b"call-id", invite.call_id)
    ack.headers.append(b"cseq", b"%d ACK" % invite.cseq.number)
    return ack


def cancel_of(invite: Request, extra: Pairs = ()) -> Request:
    """The CANCEL for an INVITE, on its branch (s9.1)."""
    cancel = ack_of(invite, invite.response(100))
    cancel.method = b"CANCEL"
    cancel.headers.set(b"cseq", b"%d CANCEL" % invite.cseq.number)
    for name, value in extra:
        cancel.headers.append(name, value)
    return cancel


class Dialog:
    """The state of a dialog at one side, made from an INVITE and its 2xx or 1xx (s12.1)."""

    def __init__(self, invite: Request, response: Response, *, is_caller: bool) -> None:
        record_routes = (response if is_caller else invite).headers.values(b"record-route")
        self.route_set = tuple(reversed(record_routes)) if is_caller else tuple(record_routes)
        self.call_id = invite.call_id
        local, remote = (invite.from_, response.to) if is_caller else (response.to, invite.from_)
        self.local_uri, self.remote_uri = local.uri.serialise(), remote.uri.serialise()
        self.local_tag, self.remote_tag = local.tag or b"", remote.tag or b""
        contacts = (response if is_caller else invite).contacts
        self.remote_target = contacts[0].uri.serialise()
        self.cseq = invite.cseq.number if is_caller else 100

    def request(
        self,
        method: bytes,
        *,
        via: bytes,
        cseq: int | None = None,
        contact: bytes | None = None,
        routes: tuple[bytes, ...] | None = None,
        body: bytes = b"",
    ) -> Request:
        """The next request within the dialog; an ACK keeps the number of its INVITE."""
        if cseq is None:
            if method != b"ACK":
                self.cseq += 1
            cseq = self.cseq
        return request(
            method,
            self.remote_target,
            via=via,
            from_uri=self.local_uri,
            from_tag=self.local_tag,
            to_uri=self.remote_uri,
            to_tag=self.remote_tag,
            call_id=self.call_id,
            cseq=cseq,
            contact=contact,
            routes=self.route_set if routes is None else routes,
            body=body,
        )
