"""Datagrams in, datagrams out: replays, errors, and whatever anybody sends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.control import MAX_REPLAYS, REPLAY_SECONDS, Control
from media.driver import Driver
from media.ng import Delete, Document, ListCalls, Ping, Query, parse_frame, serialise_frame
from media.ng.messages import Command
from tests.harness.media import IdleEngine, Time, answer, driver_of, offer, sdp

PROXY = ("192.0.2.5", 33333)


class Bench:
    """A control with everything behind it."""

    def __init__(self, max_calls: int = 100) -> None:
        self.time = Time()
        self.engine = IdleEngine()
        self.driver: Driver = driver_of(self.engine, self.time, max_calls=max_calls)
        self.control = Control(self.driver, clock=self.time.monotonic)
        self._count = 0

    def ask(self, command: Command | Document) -> Document:
        self._count += 1
        cookie = b"%d" % self._count
        document = command if isinstance(command, dict) else command.document()
        reply = self.control.answer(serialise_frame(cookie, document), PROXY)
        assert reply is not None
        frame = parse_frame(reply)
        assert frame.cookie == cookie
        return frame.document


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_life_of_a_call(bench: Bench) -> None:
    assert bench.ask(Ping()) == {b"result": b"pong"}
    assert bench.ask(ListCalls()) == {b"result": b"ok", b"calls": []}
    found = bench.ask(offer(sdp(5004)))
    assert set(found) == {b"result", b"sdp"}
    assert bench.ask(answer(sdp(6004)))[b"result"] == b"ok"
    assert bench.ask(ListCalls()) == {b"result": b"ok", b"calls": [b"c"]}
    assert bench.ask(ListCalls(0)) == {b"result": b"ok", b"calls": []}
    for command in (Query(b"c"), Delete(b"c", b"a")):
        found = bench.ask(command)
        assert found[b"result"] == b"ok"
        assert set(found) >= {b"created", b"last signal", b"tags", b"totals", b"SSRC"}
    assert bench.ask(ListCalls()) == {b"result": b"ok", b"calls": []}


NOT_FOUND = b"Call-ID not found or tags didn't match"
BRIDGE = b"Cannot bridge RTP/SAVP to RTP/AVP: no key in the description can be used"


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (Delete(b"?"), {b"result": b"ok", b"warning": NOT_FOUND}),
        (Delete(b"?", fatal=True), {b"result": b"error", b"error-reason": NOT_FOUND}),
        (Query(b"?"), {b"result": b"error", b"error-reason": b"Unknown call-id"}),
        (answer(sdp()), {b"result": b"error", b"error-reason": b"Unknown call-id"}),
        (
            offer(b"hello"),
            {
                b"result": b"error",
                b"error-reason": b"Failed to parse SDP: SDP line 1: not of the form x=...",
            },
        ),
        (
            offer(sdp(protocol="RTP/SAVP")).document() | {b"transport-protocol": b"RTP/AVP"},
            {b"result": b"error", b"error-reason": BRIDGE},
        ),
        (
            {b"command": b"play media"},
            {b"result": b"error", b"error-reason": b"Unrecognized command"},
        ),
        ({}, {b"result": b"error", b"error-reason": b'Dictionary contains no key "command"'}),
    ],
)
def test_errors(bench: Bench, command: Command | Document, found: Document) -> None:
    assert bench.ask(command) == found


def test_unknown_flags_are_ignored(bench: Bench) -> None:
    document = offer(sdp(5004)).document() | {
        b"flags": [b"loop-protect", b"codec-strip-G729"],
        b"TOS": 184,
        b"record call": b"on",
    }
    assert bench.ask(document)[b"result"] == b"ok"


def test_load_limit_in_both_ways() -> None:
    bench = Bench(max_calls=1)
    bench.ask(offer(sdp(5004), call_id=b"1"))
    found = bench.ask(offer(sdp(5004), call_id=b"2"))
    assert found == {b"result": b"error", b"error-reason": b"Load limit: 1 calls are running"}
    document = offer(sdp(5004), call_id=b"2").document() | {b"supports": [b"load limit"]}
    assert bench.ask(document) == {
        b"result": b"load limit",
        b"message": b"Load limit: 1 calls are running",
    }


def test_json_is_answered_in_json(bench: Bench) -> None:
    assert bench.control.answer(b'7 {"command":"ping"}', PROXY) == b'7 {"result":"pong"}'


def test_retransmission_gets_the_first_answer(bench: Bench) -> None:
    request = serialise_frame(b"7", offer(sdp(5004)).document())
    first = bench.control.answer(request, PROXY)
    opened = set(bench.engine.opened)
    assert bench.control.answer(request, PROXY) == first
    assert bench.engine.opened == opened
    # The same cookie of another proxy, or long after, is another request.
    ping = serialise_frame(b"7", Ping().document())
    assert bench.control.answer(ping, ("192.0.2.6", 1)) == b"7 d6:result4:ponge"
    bench.time.advance(REPLAY_SECONDS + 1)
    assert bench.control.answer(ping, PROXY) == b"7 d6:result4:ponge"


def test_replays_are_bounded(bench: Bench) -> None:
    for number in range(MAX_REPLAYS + 5):
        bench.control.answer(b"%d d7:command4:pinge" % number, PROXY)
    assert len(bench.control._replays) == MAX_REPLAYS


def test_no_cookie_no_answer(bench: Bench) -> None:
    assert bench.control.answer(b"ping", PROXY) is None


def test_no_dictionary_is_an_error_that_is_not_remembered(bench: Bench) -> None:
    for _ in range(2):
        reply = bench.control.answer(b"7 xyz", PROXY)
        assert reply is not None
        assert parse_frame(reply).document[b"result"] == b"error"
    assert bench.control.answer(b"7 d7:command4:pinge", PROXY) == b"7 d6:result4:ponge"


def test_our_own_mistakes_are_errors_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.ask(offer(sdp(5004)))
    bench.engine.opened.clear()  # an engine that has lost its sockets: install() fails
    found = bench.ask(offer(sdp(5004), to_tag=b"b"))
    assert found == {b"result": b"error", b"error-reason": b"Internal error"}
    assert "failed call_id=c" in caplog.text


BODY = st.sampled_from([sdp(5004), sdp(0), sdp(5004, host="::1"), b"v=0", b"", sdp(5004, "a=\xff")])
TAG = st.sampled_from([b"a", b"b", b"", b"\xff"])
TEXTS = st.sampled_from([b"offer", b"answer", b"delete", b"query", b"list", b"RTP/AVP", b"IP6"])
KEYS = st.sampled_from(
    (
        b"command,call-id,from-tag,to-tag,sdp,via-branch,flags,replace,ICE,rtcp-mux,direction,"
        b"address family,media address,received from,transport-protocol,delete-delay,limit,"
        b"supports,rtpp-flags,label"
    ).split(b",")
)
VALUES = BODY | TAG | TEXTS | st.integers(-5, 5) | st.lists(TEXTS | st.integers(), max_size=3)
SENSIBLE = st.fixed_dictionaries(
    {
        b"command": st.sampled_from([b"offer", b"answer", b"delete", b"query"]),
        b"call-id": st.sampled_from([b"1", b"2"]),
        b"from-tag": TAG,
        b"to-tag": TAG,
        b"sdp": BODY,
    }
)


@settings(max_examples=2 * settings().max_examples)
@given(
    st.lists(
        st.tuples(SENSIBLE, st.dictionaries(KEYS, VALUES, max_size=4)).map(
            lambda two: two[0] | two[1]
        ),
        max_size=8,
    )
)
def test_any_conversation(documents: list[Document]) -> None:
    """Whatever is asked in whatever order: an answer, no mistake of ours, no port that leaks."""
    bench = Bench()
    for document in documents:
        found = bench.ask(document)
        assert found.get(b"error-reason") != b"Internal error"
    bench.driver.close()
    assert not bench.engine.opened


@given(st.binary(max_size=60))
def test_any_datagram(datagram: bytes) -> None:
    reply = Bench().control.answer(datagram, PROXY)
    assert reply is None or b"Internal error" not in reply
