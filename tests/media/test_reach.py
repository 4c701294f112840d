"""To which described addresses a port sends: by kind, source of the signalling, and setting."""

from __future__ import annotations

import pytest

from media.call import Call
from media.ng import Options
from media.reach import Reach, reach_of
from media.security import Means
from tests.harness.media import IDENTITY, Pairs, answer, offer, sdp

AUTO = ("auto",)
PUBLIC, LAN, LOOPBACK = ("203.0.113.9",) * 2, ("10.0.0.9",) * 2, ("127.0.0.1",) * 2
CLOUD = ("10.0.0.9", "203.0.113.9")
SPELLED = ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0x7f.1", "2130706433", "a.test"]


@pytest.mark.parametrize(
    ("setting", "port", "source", "host", "expected"),
    [
        (AUTO, PUBLIC, "", "198.51.100.7", True),
        (AUTO, PUBLIC, "198.51.100.8", "198.51.100.7", True),
        (AUTO, PUBLIC, "198.51.100.8", "10.0.0.1", False),
        (AUTO, PUBLIC, "10.0.0.1", "10.0.0.2", True),
        (AUTO, PUBLIC, "10.0.0.1", "127.0.0.1", False),
        (AUTO, PUBLIC, "127.0.0.1", "127.0.0.1", False),
        (AUTO, PUBLIC, "10.0.0.1", "169.254.169.254", False),
        (AUTO, PUBLIC, "", "224.0.0.1", False),
        (AUTO, CLOUD, "", "10.0.0.1", False),
        (AUTO, CLOUD, "10.0.0.9", "10.0.0.1", False),  # a call that came round through ourselves
        (AUTO, LAN, "", "10.0.0.1", True),
        (AUTO, LAN, "", "127.0.0.1", False),
        (AUTO, LAN, "", "169.254.1.1", True),
        (AUTO, LOOPBACK, "", "127.0.0.2", True),
        (AUTO, LOOPBACK, "", "10.0.0.1", False),
        ((), LAN, "", "10.0.0.1", False),
        ((), LOOPBACK, "", "127.0.0.2", False),
        (("10.1.0.0/16",), PUBLIC, "", "10.1.0.1", True),
        (("10.1.0.0/16",), PUBLIC, "", "10.2.0.1", False),
        (("0.0.0.0/0",), PUBLIC, "", "169.254.169.254", False),
        *((AUTO, PUBLIC, "a.test", host, False) for host in SPELLED),
    ],
)
def test_covers(
    setting: tuple[str, ...], port: tuple[str, str], source: str, host: str, expected: bool
) -> None:
    here, advertised = port
    reach = reach_of(setting)
    assert reach.covers(host, source=source, here=here, advertised=advertised) is expected


def test_by_default_as_the_setting_is_by_default() -> None:
    assert reach_of(AUTO) == Reach()


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_a_side_that_names_an_inner_address_is_awaited(inner: str) -> None:
    """Nothing goes there; it is sent to where it is heard from."""
    call, ports = Call(b"c", Means(IDENTITY.fingerprint, bytes), wall=5.0), Pairs()
    call.offer(offer(sdp(5004)), ports, wall=6.0, now=1.0)
    far = Options(received_from=b"198.51.100.7")
    body = sdp(6379, f"a=rtcp:53 IN IP4 {inner}", host=inner)
    outcome = call.answer(answer(body, options=far), ports, wall=6.0, now=1.0)
    by_local = {rule.local[1]: rule for rule in outcome.dialogue.rules()}
    assert by_local[24000].destination is by_local[24001].destination is None
    [stream] = outcome.dialogue.callee.streams
    assert stream.rtp.signalled == (inner, 6379), "what its verdict names"
    assert stream.rtp.hear(("198.51.100.7", 40000), packets=0, now=2.0)
    assert stream.rtp.destination == ("198.51.100.7", 40000)


def test_a_candidate_of_a_lite_side_is_no_way_inside() -> None:
    call, ports = Call(b"c", Means(IDENTITY.fingerprint, bytes), wall=5.0), Pairs()
    lines = ("a=ice-lite", "a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901")
    inner = "a=candidate:1 1 UDP 9999 127.0.0.1 6379 typ host"
    outcome = call.offer(offer(sdp(5004, *lines, inner)), ports, wall=6.0, now=1.0)
    [stream] = outcome.dialogue.caller.streams
    assert stream.rtp.destination is None
