"""One call while it goes on, and the row that is kept of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from proxy.sip.fields import parse_name_addr

from .text import as_instant, as_text, whole_text

Row = dict[str, Any]
Tags = tuple[bytes, bytes]
_LINES: Final = ("from", "contact", "to", "far_contact")


class SpokenBy(Protocol):
    """A flow, as far as it matters here (proxy/transport/flow.py)."""

    @property
    def protocol(self) -> str: ...


@dataclass(slots=True, frozen=True)
class Dialog:
    """What a BYE to either side is made of: header field values of the INVITE and of its 2xx."""

    from_: bytes
    to: bytes
    """With the tag of the side that answered."""
    contact: bytes
    """The caller's."""
    far_contact: bytes
    record_routes: tuple[bytes, ...]
    """As they stood in the 2xx, one value each; two of them are ours."""

    def as_json(self) -> Row:
        """For the table of live calls."""
        values = (self.from_, self.contact, self.to, self.far_contact)
        row: Row = {name: whole_text(value) for name, value in zip(_LINES, values, strict=True)}
        row["record_routes"] = [whole_text(value) for value in self.record_routes]
        return row


def dialog_of(row: Row) -> Dialog | None:
    """The dialog as `as_json` wrote it; None for a call that was not answered."""
    if "to" not in row:
        return None
    from_, contact, to, far_contact = (str(row[name]).encode() for name in _LINES)
    routes = tuple(str(value).encode() for value in row["record_routes"])
    return Dialog(from_, to, contact, far_contact, routes)


def tags_of(one: bytes | None, other: bytes | None) -> Tags:
    """Both tags of a dialog, the same whichever side has sent the message."""
    near, far = one or b"", other or b""
    return (near, far) if near < far else (far, near)


@dataclass(slots=True, eq=False)
class Call:
    """One call while it goes on. Instants are wall-clock seconds."""

    public_id: str
    call_id: bytes
    tenant_id: int | None
    domain_id: int | None
    tenant: bytes
    caller: bytes
    callee: bytes
    request_uri: bytes
    """As it was dialled, before any rule."""
    target: bytes
    """After number plan and rule."""
    started_at: float
    user_agent: bytes
    rule_id: int | None
    caller_address: str = ""
    hop: str = ""
    hops: str = ""
    """As hops.py says them, until it last rang or ended."""
    policies: str = ""
    """That it met, in the words of policies.py; as old as its hops."""
    relay_id: bytes = b""
    ringing_at: float | None = None
    answered_at: float | None = None
    checked_at: float = 0.0
    from_tag: bytes = b""
    user: bytes = b""
    """Address of the user of ours who makes it; empty for a stranger."""
    dialog: Dialog | None = None
    tags: Tags | None = None
    """Of its dialog; None until it is answered."""
    passage: Any = None
    """Its INVITE on its way through us, until it is answered. One that comes back to us under the
    same Call-ID, a spiral, is another passage of this call."""
    hang_up: Callable[[], None] | None = None
    """Ends it while it rings."""
    browser_flows: tuple[SpokenBy, ...] = ()
    """By which its browsers speak; browser_calls.py keeps it."""
    is_written: bool = False
    """Its row stands, or will stand, among the live ones."""
    media: list[Row] = field(default_factory=list)
    """What the relay said last."""
    verdict: list[str] = field(default_factory=list)
    verdict_text: list[str] = field(default_factory=list)
    # how it ended
    ended_at: float = 0.0
    status: int = 0
    reason: bytes = b""
    ended_by: str = "proxy"

    def live_row(self, node_id: str) -> Row:
        """Columns of proxy_live_call."""
        row = self._row(node_id)
        row["dialog"] = {} if self.dialog is None else self.dialog.as_json()
        return row

    def record(self, node_id: str) -> Row:
        """Columns of proxy_call."""
        row = self._row(node_id)
        scores = [stream["mos"] for stream in self.media if stream.get("mos")]
        codecs = [stream["codec"] for stream in self.media if stream.get("codec")]
        row.update(
            ended_at=as_instant(self.ended_at),
            status=self.status,
            reason=as_text(self.reason),
            ended_by=self.ended_by,
            media=self.media,
            mos=min(scores, default=None),
            codec=codecs[0] if codecs else "",
            verdict=self.verdict,
            verdict_text=self.verdict_text,
        )
        return row

    def _row(self, node_id: str) -> Row:
        return {
            "public_id": self.public_id,
            "call_id": as_text(self.call_id),
            "tenant_id": self.tenant_id,
            "domain_id": self.domain_id,
            "caller": as_text(self.caller),
            "callee": as_text(self.callee),
            "request_uri": as_text(self.request_uri),
            "target": as_text(self.target),
            "caller_address": self.caller_address,
            "hop": self.hop,
            "hops": self.hops or None,
            "started_at": as_instant(self.started_at),
            "ringing_at": None if self.ringing_at is None else as_instant(self.ringing_at),
            "answered_at": None if self.answered_at is None else as_instant(self.answered_at),
            "node_id": node_id,
            "relay_id": self.relay_id.hex(),
            "user_agent": as_text(self.user_agent),
            "rule_id": self.rule_id,
            "policies": self.policies,
        }


def call_of(row: Row) -> Call:
    """A live call from its row, for the node that comes back; instants are epoch seconds."""
    dialog = dialog_of(row["dialog"])
    from_tag = b"" if dialog is None else parse_name_addr(dialog.from_).tag or b""
    to_tag = b"" if dialog is None else parse_name_addr(dialog.to).tag or b""
    return Call(
        row["public_id"].hex,
        row["call_id"].encode(),
        row["tenant_id"],
        row["domain_id"],
        b"",
        row["caller"].encode(),
        row["callee"].encode(),
        row["request_uri"].encode(),
        row["target"].encode(),
        row["started_at"],
        row["user_agent"].encode(),
        row["rule_id"],
        row["caller_address"],
        row["hop"],
        json.dumps(row["hops"]) if row["hops"] else "",
        row["policies"],
        bytes.fromhex(row["relay_id"]),
        row["ringing_at"],
        row["answered_at"],
        from_tag=from_tag,
        dialog=dialog,
        tags=None if dialog is None else tags_of(from_tag, to_tag),
        is_written=True,
    )
