"""Cookie and dictionary, in both spellings of the dictionary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.ng import Frame, NgError, parse_frame, serialise_frame
from media.ng.bencode import MAX_DEPTH

FRAMES = [
    (b"5323_1 d7:command4:pinge", Frame(b"5323_1", {b"command": b"ping"})),
    (b'7 {"command":"ping"}', Frame(b"7", {b"command": b"ping"}, is_json=True)),
    (
        '1 {"a":["é",1,true,null,1.5],"b":{}}'.encode(),
        Frame(b"1", {b"a": ["é".encode(), 1, 1, b"", b"1.5"], b"b": {}}, is_json=True),
    ),
]
REFUSED = [
    b"",
    b"cookie",
    b" de",
    b"c ",
    b"c le",
    b"c 4:ping",
    b"c {",
    b"c [1]",
    b"c {}x",
    b"c \xff",
    b"c {\xff}",
    b"x" * 300 + b" de",
    b'c {"a":' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}",
    b'c {"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b'c {"a":"' + b"x" * 70_000 + b'"}',
    b'c {"a":"\\ud800"}',
    b'c {"\\udfff":1}',
]


@pytest.mark.parametrize(("datagram", "frame"), FRAMES)
def test_frames(datagram: bytes, frame: Frame) -> None:
    assert parse_frame(datagram) == frame


@pytest.mark.parametrize("datagram", REFUSED, ids=range(len(REFUSED)))
def test_refused(datagram: bytes) -> None:
    with pytest.raises(NgError):
        parse_frame(datagram)


@pytest.mark.parametrize("is_json", [False, True])
def test_answer_in_the_spelling_of_the_request(is_json: bool) -> None:
    document = {b"result": b"ok", b"totals": {b"RTP": {b"packets": 5}}, b"tags": [b"a"]}
    datagram = serialise_frame(b"17", document, is_json=is_json)
    assert datagram.startswith(b"17 {" if is_json else b"17 d")
    assert parse_frame(datagram) == Frame(b"17", document, is_json)


@given(st.binary(max_size=60))
def test_any_bytes(datagram: bytes) -> None:
    try:
        frame = parse_frame(datagram)
    except NgError:
        return
    assert parse_frame(serialise_frame(frame.cookie, frame.document)).document == frame.document
