"""Commands and the dictionaries that rtpengine, Kamailio, OpenSIPS and our proxy send."""

from __future__ import annotations

import pytest

from media.ng import (
    Answer,
    CodecChoice,
    Command,
    Delete,
    Document,
    ListCalls,
    NgError,
    Offer,
    Options,
    Ping,
    Query,
    error,
    error_of,
    ok,
    parse_command,
    pong,
)

OPTIONS = Options(
    ice=b"remove",
    transport_protocol=b"RTP/AVP",
    address_family=b"IP6",
    media_address=b"192.0.2.9",
    label=b"a",
    received_from=b"192.0.2.1",
    direction=(b"internal", b"external"),
    rtcp_mux=(b"demux",),
    replace=(b"origin", b"session-connection"),
    codec=CodecChoice((b"all",), (b"telephone-event",), (b"pcma", b"opus/48000/2")),
    flags=(b"trust-address",),
    others=((b"TOS", 184),),
)
COMMANDS: list[Command] = [
    Ping(),
    ListCalls(),
    ListCalls(limit=3),
    Offer(b"c", b"f", b"v=0\r\n"),
    Offer(b"c", b"f", b"v=0\r\n", b"t", b"z9hG4bK1", OPTIONS),
    Answer(b"c", b"f", b"t", b"v=0\r\n"),
    Answer(b"c", b"f", b"t", b"v=0\r\n", b"z9hG4bK1", OPTIONS),
    Query(b"c"),
    Query(b"c", b"f", b"t", b"z"),
    Delete(b"c"),
    Delete(b"c", b"f", b"t", b"z", delay=0, fatal=True),
]
BASE: Document = {b"command": b"offer", b"call-id": b"c", b"from-tag": b"f", b"sdp": b"v=0\r\n"}
SPELLINGS: list[tuple[Document, Options]] = [
    ({b"address family": b"IP6"}, Options(address_family=b"IP6")),
    ({b"address-family": b"IP6"}, Options(address_family=b"IP6")),
    ({b"transport protocol": b"RTP/AVP"}, Options(transport_protocol=b"RTP/AVP")),
    ({b"media address": b"::1"}, Options(media_address=b"::1")),
    ({b"received from": [b"IP4", b"192.0.2.1"]}, Options(received_from=b"192.0.2.1")),
    ({b"received-from": [b"IP6", b"2001:db8::1"]}, Options(received_from=b"2001:db8::1")),
    ({b"replace": [b"session connection"]}, Options(replace=(b"session-connection",))),
    ({b"rtcp-mux": [b"offer", b"accept"]}, Options(rtcp_mux=(b"offer", b"accept"))),
    ({b"flags": [b"rtcp-mux-offer"]}, Options(rtcp_mux=(b"offer",))),
    ({b"flags": [b"replace-origin"]}, Options(replace=(b"origin",))),
    ({b"flags": [b"trust address"]}, Options(flags=(b"trust-address",))),
    ({b"flags": [b"ICE=remove", b"whatever"]}, Options(ice=b"remove", flags=(b"whatever",))),
    ({b"flags": [b"direction=a", b"direction=b"]}, Options(direction=(b"a", b"b"))),
    ({b"flags": [b"call-id=forged"]}, Options()),
    ({b"ICE": b"remove", b"flags": [b"ICE=force"]}, Options(ice=b"remove")),
    (
        {b"rtpp-flags": b"replace-origin ICE=remove SIP-source-address address-family=IP4"},
        Options(
            replace=(b"origin",),
            ice=b"remove",
            flags=(b"SIP-source-address",),
            address_family=b"IP4",
        ),
    ),
    ({b"flags": 5, b"ICE": [b"x"], b"direction": b"one"}, Options(direction=(b"one",))),
    ({b"codec": {b"strip": [b"G729", 5]}}, Options(codec=CodecChoice(strip=(b"g729",)))),
    (
        {b"codec": {b"mask": b"all", b"offer": [b"PCMA"], b"except": [b"opus/48000"]}},
        Options(codec=CodecChoice((b"all",), (b"opus/48000",), (b"pcma",))),
    ),
    (
        {b"rtpp-flags": b"codec-strip-all codec-offer-opus codec-offer-PCMA codec-mask-G722"},
        Options(codec=CodecChoice((b"all", b"g722"), (), (b"opus", b"pcma"))),
    ),
    ({b"codec": [b"PCMA"]}, Options()),
]
REFUSED: list[tuple[Document, str]] = [
    ({}, 'Dictionary contains no key "command"'),
    ({b"command": b"dance"}, "Unrecognized command"),
    ({b"command": 5}, "Unrecognized command"),
    ({b"command": b"offer", b"from-tag": b"f", b"sdp": b"v"}, "No call-id in message"),
    ({b"command": b"offer", b"call-id": b"c", b"sdp": b"v"}, "No from-tag in message"),
    ({b"command": b"offer", b"call-id": b"c", b"from-tag": b"f"}, "No SDP body in message"),
    (BASE | {b"command": b"answer"}, "No to-tag in message"),
    ({b"command": b"delete"}, "No call-id in message"),
    ({b"command": b"query", b"call-id": 7}, "No call-id in message"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_round_trip(command: Command) -> None:
    assert parse_command(command.document()) == command


@pytest.mark.parametrize(("keys", "options"), SPELLINGS)
def test_spellings(keys: Document, options: Options) -> None:
    command = parse_command(BASE | keys)
    assert command == Offer(b"c", b"f", b"v=0\r\n", options=options)


@pytest.mark.parametrize(("document", "reason"), REFUSED)
def test_refused(document: Document, reason: str) -> None:
    with pytest.raises(NgError) as caught:
        parse_command(document)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("value", "delay"), [(0, 0), (5, 5), (b"7", 7), (b"x", None), (-1, None), (b"", None)]
)
def test_delete_delay(value: int | bytes, delay: int | None) -> None:
    document: Document = {b"command": b"delete", b"call-id": b"c", b"delete delay": value}
    assert parse_command(document) == Delete(b"c", delay=delay)


def test_flag_of_options() -> None:
    assert OPTIONS.has(b"trust-address")
    assert not OPTIONS.has(b"asymmetric")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ok(sdp=b"v=0\r\n"), None),
        (pong(), None),
        (error("no"), "no"),
        ({b"result": b"error"}, ""),
        ({b"result": b"error", b"error-reason": 5}, "no reason"),
        ({b"result": b"load limit"}, "load limit"),
        ({}, "not an answer"),
    ],
)
def test_answers(answer: Document, reason: str | None) -> None:
    assert error_of(answer) == reason
