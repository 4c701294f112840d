"""Carriers that want to know by digest who sends them calls (RFC 3261 s22): their challenges are
answered for the trunk's account, and never shown to the caller, whose password is none of theirs.

"Since the client has a new request, it MUST increment the CSeq" (s22.2): towards the carrier the
request that answers is one ahead, and all that follow it in the dialog are. That is sealed into the
dialog (dialog_note.py) and undone in responses. A carrier that asks again in the middle of a call
puts its requests one further ahead; that alone is kept in memory, and lost with it. A challenge is
used again for the requests that follow it, so that most are not asked at all (s22.3).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import blake2b
from hmac import compare_digest
from os import urandom
from typing import TYPE_CHECKING, Final, TypeVar

from proxy.core.request_context import TOWARD_CALLEE, Branch, Reject, RequestContext
from proxy.directory import carrier_secret
from proxy.sip import digest
from proxy.sip.errors import DigestError
from proxy.sip.fields import Credentials, parse_credentials

from . import dialog_note

if TYPE_CHECKING:
    from proxy.directory.model import Trunk
    from proxy.node import Node
    from proxy.sip.message import Request, Response

log = logging.getLogger(__name__)

Key = TypeVar("Key")
Value = TypeVar("Value")

_FIELDS: Final = {
    401: (b"www-authenticate", b"authorization"),
    407: (b"proxy-authenticate", b"proxy-authorization"),
}
_NEVER_ASKED: Final = (b"ACK", b"CANCEL")  # s22.1
_MOST_ANSWERS: Final = 2  # the second where our nonce was too old
_MARK: Final = b"trunk-"
_MOST_DIGITS: Final = 18
_MOST_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class _Asked:
    """The last challenge of a trunk's gateways."""

    challenge: Credentials
    field: bytes
    """In which it is answered."""
    count: int = 0
    """How often it has been."""


class CarrierAccounts:
    """What a node remembers of carriers' challenges."""

    __slots__ = ("_asked", "_further_ahead", "_key", "_passwords")

    def __init__(self, cluster_key: bytes) -> None:
        self._key = cluster_key
        self._asked: OrderedDict[int, _Asked] = OrderedDict()  # by trunk
        self._further_ahead: OrderedDict[bytes, int] = OrderedDict()  # by Call-ID
        self._passwords: dict[str, bytes | None] = {}  # by what is stored of them

    def asked(self, trunk: Trunk, response: Response) -> bool | None:
        """Remember a challenge; whether it only says that our nonce is too old. None: it is none
        that we can answer."""
        asks, answers = _FIELDS[response.status]
        if self._password(trunk) is None:
            return None
        for value in response.headers.all(asks):
            try:
                challenge = parse_credentials(value)
            except DigestError as error:
                log.info("carrier's challenge cannot be read trunk=%d: %s", trunk.trunk_id, error)
                continue
            if digest.can_answer(challenge):
                _remember(self._asked, trunk.trunk_id, _Asked(challenge, answers))
                return challenge.params.get(b"stale", b"").lower() == b"true"
        return None

    def sign(self, request: Request, trunk: Trunk) -> None:
        """Give a request the account's credentials, as far as it is known how they are wanted."""
        for _, answers in _FIELDS.values():
            request.headers.remove(answers)  # for whoever they were, the carrier is nobody's
        asked = self._asked.get(trunk.trunk_id)
        password = None if asked is None else self._password(trunk)
        if asked is None or password is None:
            return
        asked.count += 1
        value = digest.credentials_for(
            asked.challenge,
            trunk.account,
            password,
            request.method,
            request.uri_raw,
            count=asked.count,
            cnonce=urandom(8).hex().encode(),
            body=request.body,
        )
        request.headers.set(asked.field, value)

    def contact_user(self, trunk: Trunk) -> bytes:
        """The user part of the Contact with which we register at a carrier: only it and the
        cluster's nodes know it, and all of them make the same."""
        return self._contact_user(trunk.trunk_id)

    def trunk_called_by(self, user: bytes) -> int:
        """The trunk to whose carrier this user part was given; 0 for any other."""
        number = user[len(_MARK) :].partition(b"-")[0] if user.startswith(_MARK) else b""
        if not number.isdigit() or len(number) > _MOST_DIGITS:
            return 0
        trunk_id = int(number)
        return trunk_id if compare_digest(self._contact_user(trunk_id), user) else 0

    def _contact_user(self, trunk_id: int) -> bytes:
        seal = blake2b(b"%d" % trunk_id, key=self._key, digest_size=10, person=b"fedsip contact")
        return b"%b%d-%b" % (_MARK, trunk_id, seal.hexdigest().encode())

    def further_ahead(self, call_id: bytes) -> int:
        """By how much more than sealed the CSeq of a dialog is ahead."""
        return self._further_ahead.get(call_id, 0)

    def go_ahead(self, call_id: bytes) -> None:
        """A carrier has asked in the middle of a call."""
        _remember(self._further_ahead, call_id, self.further_ahead(call_id) + 1)

    def _password(self, trunk: Trunk) -> bytes | None:
        sealed = trunk.sealed_password
        if sealed not in self._passwords:
            if len(self._passwords) >= _MOST_REMEMBERED:
                self._passwords.clear()
            self._passwords[sealed] = carrier_secret.unseal(sealed, self._key)
            if self._passwords[sealed] is None:
                log.error("password of trunk=%s cannot be opened: it was sealed with another "
                          "cluster key, set it anew", trunk.name.decode())  # fmt: skip
        return self._passwords[sealed]


def sign(call: RequestContext, branch: Branch, node: Node) -> None:
    """A request on its way to a carrier: credentials, if it has asked for some before."""
    trunk = _trunk(call, branch, node)
    if trunk is None or call.method in _NEVER_ASKED:
        return
    node.accounts.sign(branch.request, trunk)
    if call.is_initial:
        note = dialog_note.parse(branch.note)
        branch.note = replace(note, trunk_id=trunk.trunk_id).serialise()


def answer_challenge(call: RequestContext, branch: Branch, response: Response, node: Node) -> bool:
    """Whether the carrier has asked who we are, and is to hear it: `sign` says it when the branch
    is sent again."""
    if response.status not in _FIELDS or branch.challenges >= _MOST_ANSWERS:
        return False
    trunk = _trunk(call, branch, node)
    if trunk is None:
        return False
    is_stale = node.accounts.asked(trunk, response)
    if is_stale is None or (branch.challenges and not is_stale):
        log.warning("carrier refuses the account trunk=%s call_id=%r tenant=%s reason=%d %s",
                    trunk.name.decode(), call.original.call_id, (call.tenant or b"").decode(),
                    response.status, response.reason.decode(errors="replace"))  # fmt: skip
        return False
    branch.challenges += 1
    _put_ahead(branch.request, 1)
    if call.is_initial:
        note = dialog_note.parse(branch.note)
        branch.note = replace(note, cseq_ahead=note.cseq_ahead + 1).serialise()
    else:
        node.accounts.go_ahead(call.original.call_id)
    return True


def keep_ahead(call: RequestContext, node: Node) -> None:
    """Within the dialog: the carrier goes on to count from where it was."""
    note = dialog_note.parse(call.note)
    if not note.trunk_id or call.direction is not TOWARD_CALLEE:
        return
    ahead = note.cseq_ahead + node.accounts.further_ahead(call.original.call_id)
    if ahead:
        _put_ahead(call.request, ahead)


def settle_reply(call: RequestContext, branch: Branch | None, response: Response) -> None:
    """The caller hears of the requests that he has sent (s8.2.6.2), and of no carrier's challenge.
    Raises Reject 502 in the place of one."""
    if branch is None or not (branch.note or call.note or branch.target.trunk_id):
        return
    if branch.request.cseq.number != call.original.cseq.number:
        response.headers.set(b"cseq", call.original.headers.first(b"cseq") or b"")
    if response.status in _FIELDS and _trunk_id(call, branch):
        raise Reject(502, b"Carrier Refuses Our Account")


def sign_own(request: Request, note: bytes, node: Node) -> None:
    """A BYE of ours for a call that has left by a trunk."""
    trunk = node.directory.routes.trunks.get(dialog_note.parse(note).trunk_id)
    if trunk is not None and trunk.account:
        node.accounts.sign(request, trunk)


def _trunk(call: RequestContext, branch: Branch, node: Node) -> Trunk | None:
    """The trunk that the request leaves by, if it has an account."""
    trunk_id = _trunk_id(call, branch)
    trunk = node.directory.routes.trunks.get(trunk_id) if trunk_id else None
    return trunk if trunk is not None and trunk.account else None


def _trunk_id(call: RequestContext, branch: Branch) -> int:
    if call.is_initial:
        return branch.target.trunk_id
    if call.direction is not TOWARD_CALLEE or not call.note:
        return 0
    return dialog_note.parse(call.note).trunk_id


def _put_ahead(request: Request, ahead: int) -> None:
    cseq = request.cseq
    request.headers.set(b"cseq", b"%d %b" % (cseq.number + ahead, cseq.method))
    rack = request.headers.first(b"rack")
    if rack is not None:  # "RAck: 776656 1 INVITE" names a CSeq too (RFC 3262 s7.2)
        parts = rack.split()
        if len(parts) == 3 and parts[1].isdigit():
            parts[1] = b"%d" % (int(parts[1]) + ahead)
            request.headers.set(b"rack", b" ".join(parts))


def _remember(kept: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _MOST_REMEMBERED:
        kept.popitem(last=False)
