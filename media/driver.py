"""Carries out what calls decide: binds ports, installs rules, and answers for unknown packets.

It keeps the table of calls and the map from local ports to them; the clocks are handed in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from itertools import count

from media.call import Call, Outcome
from media.circle import leads_back
from media.dialogue import Dialogue
from media.dtls.identity import Identity
from media.forward.engine import Engine
from media.forward.rule import Address, ForwardRule
from media.keying import CallLater, Keying, Place
from media.ng import Answer, Delete, Document, Offer, Query
from media.ports import PortPool
from media.reach import BY_DEFAULT, Reach
from media.reaper import Patience, note_packets, sweep
from media.report import report
from media.rtp import DTLS, RTCP, RTP, ParseError, kind_of, rtcp
from media.sdp import Connection
from media.security import OPAQUE, Means
from media.settings import Interface
from media.stream import LoadLimit, LocalPair, Refused, Stream

log = logging.getLogger(__name__)

_BUSY_PORTS_BORNE = 64
InterfaceKey = tuple[bytes, bytes]
"""Name of an interface, b"" for the first one, and family."""


class BoundPorts:
    """A PortSource whose pairs are open sockets of the engine already."""

    __slots__ = (
        "_browser_port",
        "_engine",
        "_families",
        "_hosts",
        "_interfaces",
        "_lanes",
        "_pools",
        "_reach",
    )

    def __init__(
        self,
        engine: Engine,
        interfaces: Mapping[InterfaceKey, Interface],
        pools: Mapping[InterfaceKey, PortPool],
        *,
        browser_port: int = 0,
        reach: Reach = BY_DEFAULT,
    ) -> None:
        self._engine = engine
        self._interfaces = interfaces
        self._pools = pools
        self._browser_port = browser_port
        self._reach = reach
        self._lanes = count(1)
        self._hosts = {one.advertised: one.host for one in interfaces.values()}
        self._families: dict[bytes, tuple[bytes, ...]] = {}
        for name, family in interfaces:
            self._families[name] = (*self._families.get(name, ()), family)

    def host_of(self, host: str) -> str:
        """The address at which ports are open that others know at `host`."""
        return self._hosts.get(host, host)

    def families(self, interface: bytes = b"") -> tuple[bytes, ...]:
        return self._families.get(interface, ())

    def take(
        self, family: bytes, interface: bytes = b"", *, is_shared: bool = False, now: float
    ) -> LocalPair:
        found = self._interfaces.get((interface, family))
        if found is None:
            raise Refused(f"No {family.decode(errors='replace')} address here")
        advertised = Connection(family, found.advertised.encode())
        if is_shared and self._browser_port:
            number = next(self._lanes)
            lane = LocalPair(
                found.host, self._browser_port, advertised, interface, number, self._reach
            )
            self._engine.open(lane.rtp)
            return lane
        pool = self._pools[interface, family]
        for _ in range(_BUSY_PORTS_BORNE):
            port = pool.take(now=now)
            if port is None:
                raise Refused("Ran out of ports")
            pair = LocalPair(found.host, port, advertised, interface, reach=self._reach)
            if self._open(pair):
                return pair
            pool.give_back(port, now=now)  # another program has it: try again later
        raise Refused("Ran out of ports: too many are taken by other programs")

    def give_back(self, pair: LocalPair, *, now: float) -> None:
        for local in pair.locals:
            self._engine.close(local)
        if pair.lane:
            return
        self._pools[pair.interface, pair.advertised.family].give_back(pair.port, now=now)

    def _open(self, pair: LocalPair) -> bool:
        try:
            self._engine.open(pair.rtp)
        except OSError as error:
            log.debug("port=%s is not free: %s", pair.rtp, error)
            return False
        try:
            self._engine.open(pair.rtcp)
        except OSError as error:
            self._engine.close(pair.rtp)
            log.debug("port=%s is not free: %s", pair.rtcp, error)
            return False
        return True


class Driver:
    """All calls of this relay. `clock` is monotonic seconds, `wall` those of the epoch."""

    __slots__ = (
        "_clock",
        "_engine",
        "_keying",
        "_max_calls",
        "_means",
        "_places",
        "_ports",
        "_wall",
        "calls",
    )

    def __init__(
        self,
        engine: Engine,
        ports: BoundPorts,
        *,
        identity: Identity,
        random: Callable[[int], bytes],
        max_calls: int,
        clock: Callable[[], float],
        wall: Callable[[], float],
        call_later: CallLater,
    ) -> None:
        self._engine = engine
        self._ports = ports
        self._keying = Keying(engine, identity, clock=clock, call_later=call_later)
        self._means = Means(identity.fingerprint, random)
        self._max_calls = max_calls
        self._clock = clock
        self._wall = wall
        self._places: dict[Address, Place] = {}
        self.calls: dict[bytes, Call] = {}

    # -- commands

    def offer(self, offer: Offer) -> Outcome:
        """Raises sdp.ParseError and Refused."""
        call = self.calls.get(offer.call_id)
        if call is None:
            if len(self.calls) >= self._max_calls:
                raise LoadLimit(f"Load limit: {self._max_calls} calls are running")
            call = Call(offer.call_id, self._means, wall=self._wall())
        is_new = not call.dialogues
        outcome = call.offer(offer, self._ports, wall=self._wall(), now=self._clock())
        if is_new:
            self.calls[offer.call_id] = call
            log.info("call begins call_id=%s", _text(call.call_id))
        self._carry_out(outcome)
        return outcome

    def answer(self, answer: Answer) -> Outcome:
        """Raises sdp.ParseError and Refused."""
        call = self.calls.get(answer.call_id)
        if call is None:
            raise Refused("Unknown call-id")
        outcome = call.answer(answer, self._ports, wall=self._wall(), now=self._clock())
        self._carry_out(outcome)
        return outcome

    def query(self, query: Query) -> Document:
        """Raises Refused when there is no such call."""
        call = self.calls.get(query.call_id)
        if call is None:
            raise Refused("Unknown call-id")
        tags = [tag for tag in (query.from_tag, query.to_tag) if tag]
        return self._report(call, [one for one in call.dialogues if one.has(*tags)])

    def delete(self, delete: Delete) -> Document | None:
        """End what is meant and report on it; None when nothing is meant."""
        call = self.calls.get(delete.call_id)
        dialogues = call.meant_by(delete) if call is not None else []
        if call is None or not dialogues:
            return None
        found = self._report(call, dialogues)
        for dialogue in dialogues:
            if delete.delay:
                dialogue.delete_at = self._clock() + delete.delay
            else:
                self._end(call, dialogue, "delete")
        return found

    def sweep(self, calls: Iterable[Call], patience: Patience) -> None:
        """End those of these calls that have been silent too long, by the reaper's judgement."""
        found = sweep(
            calls,
            patience,
            self._engine.packets,
            wall=self._wall(),
            now=self._clock(),
        )
        for dialogue in found.changed:
            self._engine.install(dialogue.rules())
        for call in calls:
            for dialogue in call.dialogues:
                places = self._places_of(dialogue)
                if [place for place in places if self._keying.expire(place)]:
                    log.info("consent ended call_id=%s", _text(call.call_id))
                    self._engine.install(dialogue.rules())
        self._note_sound(calls)
        for call, dialogue, why in found.ended:
            self._end(call, dialogue, why)

    def close(self) -> None:
        """End all calls: the relay stops."""
        for call in list(self.calls.values()):
            for dialogue in list(call.dialogues):
                self._end(call, dialogue, "the relay stops")

    # -- packets that no rule covers

    def stranger(self, local: Address, datagram: bytes, source: Address) -> bool:
        """A packet from a source that is not accepted: True when it is learned from now on."""
        place = self._places.get(local)
        if place is None or not (place.near.is_active and place.far.is_active):
            return False
        if place.near.is_managed and kind_of(datagram) not in (RTP, RTCP):
            self._keying.receive(place, datagram, source)
            return False
        if not place.near.may_receive(place.end) or not _is_sensible(datagram, place.near):
            return False
        if place.near.checks:
            return self._keying.hear(place, source)
        packets = self._engine.packets(local)
        if not place.end.hear(source, packets=packets, now=self._clock()):
            return False
        if self._break_circles(place.dialogue):
            self._engine.install(place.dialogue.rules())
            return False
        log.debug("latched local=%s source=%s signalled=%s", local, source, place.end.signalled)
        self._engine.install(place.dialogue.rules())
        return True

    def rtcp(self, local: Address, datagram: bytes, section: int = 0) -> None:
        """A report passed from the side behind `local` to the other: take a section's figures."""
        place = self._places.get(local)
        found = place.dialogue.section_at(local, section) if place is not None else None
        if found is None:
            return
        near, far = found
        try:
            reports = rtcp.parse(datagram)
        except ParseError:
            return  # encrypted, or broken: it was passed on as it is
        now = self._clock()
        for one in reports:
            if isinstance(one, rtcp.Report):
                if one.ntp_middle:
                    far.hearsay.sent_to(one.ntp_middle, now=now)
                for block in one.blocks:
                    near.hearsay.said(block, now=now)

    # -- inside

    def _note_sound(self, calls: Iterable[Call]) -> None:
        """Take samples of how answered calls sound, where it is time for one."""
        now = self._clock()
        for call in calls:
            for dialogue in call.dialogues:
                if not dialogue.is_answered:
                    continue
                for stream in (*dialogue.caller.streams, *dialogue.callee.streams):
                    if stream.pair is None:
                        continue
                    if stream.history.is_due(now=now):
                        found = self._engine.counters(stream.rtp.local, stream.index)
                        stream.history.note(
                            expected=found.expected,
                            lost=found.lost,
                            jitter_seconds=found.jitter_seconds,
                            round_trip_seconds=stream.hearsay.round_trip_seconds or 0.0,
                            at=int(self._wall()),
                            now=now,
                        )

    def _report(self, call: Call, dialogues: list[Dialogue]) -> Document:
        for dialogue in dialogues:
            note_packets(dialogue, self._engine.packets, wall=self._wall(), now=self._clock())
        return report(call, dialogues, self._engine.counters, self._keying.failure)

    def _carry_out(self, outcome: Outcome) -> None:
        dialogue = outcome.dialogue
        dialogue.quiet_since = self._clock()
        self._give_back(outcome.released)
        for one, other in dialogue.sections():
            for near, far in ((one, other), (other, one)):
                if near.pair is not None and near.rides is None:
                    for end in near.ends:
                        self._places[end.local] = Place(dialogue, near, far, end)
        self._break_circles(dialogue)
        self._keying.update(dialogue, self._places_of(dialogue))
        self._engine.install(dialogue.rules())

    def _break_circles(self, dialogue: Dialogue) -> bool:
        """Forget addresses by which packets would go round within this relay; True if any were."""
        own = [one for one in self._places_of(dialogue) if self._rule_at(one.end.destination)]
        circling = [one for one in own if self._circles(one)]
        for place in circling:
            log.warning("media would go in a circle, not sent local=%s to=%s",
                        place.end.local, place.end.destination)  # fmt: skip
            place.end.signal(None, hosts=())
            place.end.select(None)
        return bool(circling)

    def _circles(self, place: Place) -> bool:
        """Whether what is sent from a port to its far end comes to be sent from there again."""
        found = self._rule_at(place.end.destination)
        return found is not None and any(
            leads_back(rule, self._rule_at)
            for rule in place.dialogue.rules()
            if place.end.local in (rule.out, rule.rtcp_out, *(one.out for one in rule.others))
        )

    def _rule_at(self, address: Address | None) -> ForwardRule | None:
        """The rule of the port of ours that an address is; None for one that is not ours."""
        if address is None:
            return None
        local = (self._ports.host_of(address[0]), address[1])
        place = self._places.get(local)
        if place is None:
            return None
        return next((rule for rule in place.dialogue.rules() if rule.local == local), None)

    def _places_of(self, dialogue: Dialogue) -> list[Place]:
        return [self._places[local] for pair in dialogue.pairs() for local in pair.locals]

    def _end(self, call: Call, dialogue: Dialogue, why: str) -> None:
        self._give_back(tuple(call.remove(dialogue)))
        if not call.dialogues:
            del self.calls[call.call_id]
            log.info("call ends call_id=%s why=%s", _text(call.call_id), why)

    def _give_back(self, pairs: tuple[LocalPair, ...]) -> None:
        for pair in pairs:
            for local in pair.locals:
                place = self._places.pop(local, None)
                if place is not None:
                    self._keying.forget(place.end)
            self._ports.give_back(pair, now=self._clock())


def _is_sensible(datagram: bytes, stream: Stream) -> bool:
    """May a source be learned from it? STUN and keep-alives say nothing about media."""
    if not stream.is_rtp:
        return bool(datagram)
    kind = kind_of(datagram)
    is_opaque = stream.security.kind == OPAQUE
    return kind in (RTP, RTCP) or (is_opaque and kind == DTLS)


def _text(call_id: bytes) -> str:
    return call_id.decode(errors="replace")
