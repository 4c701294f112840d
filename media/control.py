"""The NG server: a datagram in, a datagram out. Retransmissions get the answer of the first."""

from __future__ import annotations

import logging
from collections.abc import Callable

from media.driver import Driver
from media.ng import (
    Answer,
    Delete,
    Document,
    ListCalls,
    NgError,
    Offer,
    Ping,
    Query,
    Value,
    error,
    ok,
    parse_command,
    parse_cookie,
    parse_frame,
    pong,
    serialise_frame,
)
from media.sdp import ParseError
from media.stream import LoadLimit, Refused

log = logging.getLogger(__name__)

REPLAY_SECONDS = 10.0
MAX_REPLAYS = 20_000
_NOT_FOUND = "Call-ID not found or tags didn't match"  # rtpengine's words, which tools look for


class Control:
    """Dispatches commands to the driver. Unknown flags are ignored, unknown commands refused."""

    __slots__ = ("_clock", "_driver", "_replays")

    def __init__(self, driver: Driver, *, clock: Callable[[], float]) -> None:
        self._driver = driver
        self._clock = clock
        self._replays: dict[tuple[object, bytes], tuple[float, bytes]] = {}

    def answer(self, datagram: bytes, source: object) -> bytes | None:
        """The datagram to send back; None for what has not even a cookie."""
        try:
            cookie, _ = parse_cookie(datagram)
        except NgError:
            log.debug("dropped a datagram without a cookie source=%s", source)
            return None
        now = self._clock()
        self._forget(now)
        known = self._replays.get((source, cookie))
        if known is not None:
            return known[1]
        try:
            frame = parse_frame(datagram)
        except NgError as refused:
            return serialise_frame(cookie, error(f"Could not decode dictionary: {refused.reason}"))
        reply = serialise_frame(cookie, self._safely(frame.document), is_json=frame.is_json)
        self._replays[source, cookie] = now + REPLAY_SECONDS, reply
        return reply

    def _forget(self, now: float) -> None:
        """Drop replays that are old, or too many: the dictionary is in the order of time."""
        while self._replays:
            key = next(iter(self._replays))
            if self._replays[key][0] > now and len(self._replays) < MAX_REPLAYS:
                return
            del self._replays[key]

    def _safely(self, document: Document) -> Document:
        try:
            return self._carry_out(document)
        except NgError as refused:
            return error(refused.reason)
        except ParseError as refused:
            log.info("refused call_id=%s why=%s", _call_id(document), refused)
            return error(f"Failed to parse SDP: {refused}")
        except LoadLimit as refused:
            log.warning("refused call_id=%s why=%s", _call_id(document), refused)
            supported = document.get(b"supports")
            if isinstance(supported, list) and b"load limit" in supported:
                return {b"result": b"load limit", b"message": str(refused).encode()}
            return error(str(refused))
        except Refused as refused:
            log.info("refused call_id=%s why=%s", _call_id(document), refused)
            return error(str(refused))
        except Exception:
            log.exception("failed call_id=%s", _call_id(document))
            return error("Internal error")

    def _carry_out(self, document: Document) -> Document:
        match parse_command(document):
            case Ping():
                return pong()
            case Offer() as offer:
                outcome = self._driver.offer(offer)
            case Answer() as answer:
                outcome = self._driver.answer(answer)
            case Delete() as delete:
                return self._delete(delete)
            case Query() as query:
                return ok() | self._driver.query(query)
            case ListCalls(limit):
                calls: list[Value] = [*self._driver.calls]
                return ok(calls=calls[:limit])
        return ok(sdp=outcome.sdp)

    def _delete(self, delete: Delete) -> Document:
        found = self._driver.delete(delete)
        if found is not None:
            return ok() | found
        return error(_NOT_FOUND) if delete.fatal else ok(warning=_NOT_FOUND.encode())


def _call_id(document: Document) -> str:
    call_id = document.get(b"call-id") or document.get(b"call id")
    return call_id.decode(errors="replace") if isinstance(call_id, bytes) else "-"
