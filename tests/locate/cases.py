"""Where URIs lead: the zones, and (URI, hops) for each. Used without sockets and with a server.

A hop reads `transport address port`, with the name that the certificate must carry behind it for
TLS. What begins with "!" is the beginning of the LocateError. The draw is always 0.5, so that of
weighted records the one at the middle of the sum comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.locate.rfc3263 import Speaks

ZONES = {
    # The example of RFC 3263 s4.1.
    "example.com": """
        @           NAPTR 50 50 "s" "SIPS+D2T" "" _sips._tcp
        @           NAPTR 90 50 "s" "SIP+D2T"  "" _sip._tcp
        @           NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp
        _sips._tcp  SRV 0 1 5061 server1
        _sips._tcp  SRV 1 1 5061 server2
        _sip._tcp   SRV 0 1 5060 server1
        _sip._udp   SRV 0 1 5060 server2
        server1     A 192.0.2.1
        server2     A 192.0.2.2
        server2     AAAA 2001:db8::2
        """,
    "plain.test": """
        @     A 192.0.2.10
        """,
    "six.test": """
        @     AAAA 2001:db8::10
        """,
    "both.test": """
        @     A 192.0.2.11
        @     A 192.0.2.12
        @     AAAA 2001:db8::11
        """,
    "srv.test": """
        _sip._udp   SRV 10 0 5070 udp
        _sip._tcp   SRV 10 0 5071 tcp
        _sips._tcp  SRV 10 0 5072 tls
        @           A 192.0.2.20
        udp         A 192.0.2.21
        tcp         A 192.0.2.22
        tls         A 192.0.2.23
        """,
    "tcponly.test": """
        _sip._tcp   SRV 10 0 5060 one
        one         A 192.0.2.31
        """,
    "priorities.test": """
        _sip._udp   SRV 30 0 5063 c
        _sip._udp   SRV 10 0 5061 a
        _sip._udp   SRV 20 0 5062 b
        a           A 192.0.2.41
        b           A 192.0.2.42
        c           A 192.0.2.43
        """,
    "weights.test": """
        _sip._udp   SRV 10 10 5061 a
        _sip._udp   SRV 10 80 5062 b
        _sip._udp   SRV 10 20 5063 c
        a           A 192.0.2.51
        b           A 192.0.2.52
        c           A 192.0.2.53
        """,
    "preferences.test": """
        @           NAPTR 10 20 "s" "SIP+D2U" "" _sip._udp
        @           NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp
        _sip._udp   SRV 0 0 5060 one
        _sip._tcp   SRV 0 0 5060 one
        one         A 192.0.2.61
        """,
    "unknown-services.test": """
        @           NAPTR 10 10 "s" "SIP+D2S" "" _sip._sctp
        @           NAPTR 20 10 "s" "H323+D2T" "" _h323._tcp
        @           NAPTR 30 10 "s" "SIP+D2U" "" _sip._udp
        _sip._udp   SRV 0 0 5060 one
        one         A 192.0.2.62
        """,
    "websockets.test": """
        @           NAPTR 10 10 "s" "SIPS+D2W" "" _sips._ws
        @           NAPTR 20 10 "s" "SIP+D2W" "" _sip._ws
        _sips._ws   SRV 0 0 443 one
        _sip._ws    SRV 0 0 80 one
        one         A 192.0.2.63
        @           A 192.0.2.64
        """,
    "cased.test": """
        @           NAPTR 10 10 "S" "sip+d2u" "" _SIP._UDP
        @           NAPTR 10 20 "s" "SIP+D2U" "" _sip._udp
        _sip._udp   SRV 0 0 5060 ONE
        one         A 192.0.2.65
        """,
    "loop.test": """
        @           NAPTR 10 10 "" "" "" other
        other       NAPTR 10 10 "" "" "" @
        @           A 192.0.2.66
        """,
    "self.test": """
        @           NAPTR 10 10 "s" "SIP+D2U" "" @
        @           A 192.0.2.67
        """,
    "wrong-flags.test": """
        @           NAPTR 10 10 "a" "SIP+D2U" "" one
        @           NAPTR 20 10 "u" "E2U+sip" "!^.*$!sip:x@one.example!" .
        @           NAPTR 30 10 "s" "SIP+D2U" "" .
        _sip._tcp   SRV 0 0 5065 one
        one         A 192.0.2.68
        """,
    "broken-naptr.test": """
        @           NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.nowhere.test.
        _sip._tcp   SRV 0 0 5066 one
        one         A 192.0.2.69
        """,
    "half-broken-naptr.test": """
        @           NAPTR 10 10 "s" "SIP+D2U" "" gone
        @           NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp
        _sip._tcp   SRV 0 0 5067 one
        one         A 192.0.2.70
        """,
    "outsourced.test": """
        @           NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.example.com.
        """,
    "absent.test": """
        _sip._udp   SRV 0 0 0 .
        @           A 192.0.2.80
        """,
    "all-absent.test": """
        _sip._udp   SRV 0 0 0 .
        _sip._tcp   SRV 0 0 0 .
        _sips._tcp  SRV 0 0 0 .
        @           A 192.0.2.81
        """,
    "udp-absent.test": """
        _sip._udp   SRV 0 0 0 .
        _sip._tcp   SRV 0 0 5060 one
        one         A 192.0.2.82
        """,
    "dead-target.test": """
        _sip._udp   SRV 10 0 5060 gone
        _sip._udp   SRV 20 0 5060 one
        one         A 192.0.2.83
        """,
    "dead-targets.test": """
        _sip._udp   SRV 10 0 5060 gone
        @           A 192.0.2.84
        """,
    "port-zero.test": """
        _sip._udp   SRV 10 0 0 one
        _sip._udp   SRV 20 0 5060 one
        one         A 192.0.2.85
        """,
    "alias.test": """
        @           NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp
        _sip._udp   SRV 10 0 5060 nick
        nick        CNAME one
        one         A 192.0.2.86
        www         CNAME plain.test.
        far         CNAME @
        """,
    "circle.test": """
        a           CNAME b
        b           CNAME a
        """,
    "nobody.test": """
        @           A 0.0.0.0
        @           A 224.0.0.1
        @           A 255.255.255.255
        @           A 192.0.2.87
        @           AAAA ::
        """,
    "same.test": """
        _sip._udp   SRV 10 0 5060 one
        _sip._udp   SRV 20 0 5060 two
        one         A 192.0.2.88
        two         A 192.0.2.88
        """,
    "many.test": "\n".join(
        [f"_sip._udp SRV {number} 0 {5000 + number} one" for number in range(1, 41)]
        + ["one A 192.0.2.89"]
    ),
    "failing.test": """
        @           A 192.0.2.90
        _sip._tcp   SRV 10 0 5060 one
        one         A 192.0.2.91
        """,
    "no-aaaa.test": """
        @           A 192.0.2.92
        """,
    # A name in letters of its own, as the DNS has it (RFC 5890).
    "xn--bcher-kva.test": """
        _sip._udp   SRV 10 0 5060 xn--bcher-kva
        xn--bcher-kva A 192.0.2.94
        """,
    "dead.test": """
        @           A 192.0.2.93
        """,
}

# The DNS fails for these: (name, kind) -> code.
FAILURES = {
    ("failing.test", "NAPTR"): "SERVFAIL",
    ("_sip._udp.failing.test", "SRV"): "NOTIMP",
    ("no-aaaa.test", "AAAA"): "SERVFAIL",
    ("dead.test", "NAPTR"): "SERVFAIL",
    ("_sip._udp.dead.test", "SRV"): "SERVFAIL",
    ("_sip._tcp.dead.test", "SRV"): "SERVFAIL",
    ("_sips._tcp.dead.test", "SRV"): "SERVFAIL",
    ("dead.test", "A"): "SERVFAIL",
    ("dead.test", "AAAA"): "SERVFAIL",
}


@dataclass(frozen=True)
class Case:
    uri: str
    hops: tuple[str, ...]
    speaks: Speaks = field(default_factory=Speaks)

    def __str__(self) -> str:
        off = [name for name in ("udp", "tcp", "tls") if name not in self.speaks.transports]
        off += [] if self.speaks.ipv4 else ["ipv4"]
        off += [] if self.speaks.ipv6 else ["ipv6"]
        on = [f" +{name}" for name in ("ws", "wss") if name in self.speaks.transports]
        return self.uri + "".join([f" -{name}" for name in off] + on)


NO_UDP = Speaks(("tcp", "tls"))
NO_TLS = Speaks(("udp", "tcp"))
ONLY_4 = Speaks(ipv6=False)
ONLY_6 = Speaks(ipv4=False)
WITH_WS = Speaks(("udp", "tcp", "tls", "ws", "wss"))

_RFC_SIPS = (
    "tls 192.0.2.1 5061 example.com",
    "tls 2001:db8::2 5061 example.com",
    "tls 192.0.2.2 5061 example.com",
)
_RFC = (*_RFC_SIPS, "tcp 192.0.2.1 5060", "udp 2001:db8::2 5060", "udp 192.0.2.2 5060")
_SRV_TEST = ("udp 192.0.2.21 5070", "tcp 192.0.2.22 5071", "tls 192.0.2.23 5072 srv.test")

CASES = [
    # IP literals: no DNS
    Case("sip:192.0.2.200", ("udp 192.0.2.200 5060",)),
    Case("sip:bob@192.0.2.200:5070", ("udp 192.0.2.200 5070",)),
    Case("sip:192.0.2.200;transport=tcp", ("tcp 192.0.2.200 5060",)),
    Case("sip:192.0.2.200;transport=TCP", ("tcp 192.0.2.200 5060",)),
    Case("sip:192.0.2.200;transport=tls", ("tls 192.0.2.200 5061 192.0.2.200",)),
    Case("sips:192.0.2.200", ("tls 192.0.2.200 5061 192.0.2.200",)),
    Case("sips:192.0.2.200:5071;transport=tcp", ("tls 192.0.2.200 5071 192.0.2.200",)),
    Case("sips:192.0.2.200;transport=udp", ("!sips cannot go over udp",)),
    Case("sip:[2001:db8::200]", ("udp 2001:db8::200 5060",)),
    Case("sip:[2001:DB8:0::200]:5070;transport=tcp", ("tcp 2001:db8::200 5070",)),
    Case("sip:192.0.2.200;transport=sctp", ("!transport 'sctp' is not spoken here",)),
    Case("sip:192.0.2.200;transport=ws", ("!192.0.2.200: ws is not spoken here",)),
    Case("sip:192.0.2.200", ("tcp 192.0.2.200 5060",), NO_UDP),
    Case("sips:192.0.2.200", ("!192.0.2.200: no transport for sips is spoken here",), NO_TLS),
    Case("sip:[2001:db8::200]", ("!2001:db8::200: this address family",), ONLY_4),
    Case("sip:192.0.2.200", ("!192.0.2.200: this address family",), ONLY_6),
    # a port: addresses alone
    Case("sip:both.test:5080", (
        "udp 2001:db8::11 5080", "udp 192.0.2.11 5080", "udp 192.0.2.12 5080",
    )),
    Case("sip:srv.test:5060", ("udp 192.0.2.20 5060",)),
    Case("sip:srv.test:5062;transport=tcp", ("tcp 192.0.2.20 5062",)),
    Case("sips:srv.test:5063", ("tls 192.0.2.20 5063 srv.test",)),
    Case("sip:srv.test:5064;transport=tls", ("tls 192.0.2.20 5064 srv.test",)),
    Case("sip:example.com:5060", ("!example.com has no address",)),
    # transport=: SRV for it, then addresses
    Case("sip:srv.test;transport=tcp", ("tcp 192.0.2.22 5071",)),
    Case("sip:srv.test;transport=udp", ("udp 192.0.2.21 5070",)),
    Case("sip:srv.test;transport=tls", ("tls 192.0.2.23 5072 srv.test",)),
    Case("sips:srv.test;transport=tcp", ("tls 192.0.2.23 5072 srv.test",)),
    Case("sip:plain.test;transport=tcp", ("tcp 192.0.2.10 5060",)),
    Case("sip:plain.test;transport=tls", ("tls 192.0.2.10 5061 plain.test",)),
    Case("sip:example.com;transport=udp", ("udp 2001:db8::2 5060", "udp 192.0.2.2 5060")),
    Case("sip:srv.test;transport=udp", ("!srv.test: udp is not spoken here",), NO_UDP),
    # NAPTR
    Case("sip:user@example.com", _RFC),
    Case("sip:EXAMPLE.com.", _RFC),
    Case("sips:user@example.com", _RFC_SIPS),
    Case("sip:example.com", ("tcp 192.0.2.1 5060", *_RFC[4:]), NO_TLS),
    Case("sip:example.com", _RFC[:4], NO_UDP),
    Case("sip:example.com", (
        "tls 192.0.2.1 5061 example.com", "tls 192.0.2.2 5061 example.com",
        "tcp 192.0.2.1 5060", "udp 192.0.2.2 5060",
    ), ONLY_4),
    Case("sip:example.com", ("tls 2001:db8::2 5061 example.com", "udp 2001:db8::2 5060"), ONLY_6),
    Case("sip:preferences.test", ("tcp 192.0.2.61 5060", "udp 192.0.2.61 5060")),
    Case("sip:unknown-services.test", ("udp 192.0.2.62 5060",)),
    Case("sips:unknown-services.test", ("!unknown-services.test has no address",)),
    Case("sip:websockets.test", ("udp 192.0.2.64 5060",)),
    Case("sip:websockets.test", (
        "wss 192.0.2.63 443 websockets.test", "ws 192.0.2.63 80",
    ), WITH_WS),
    Case("sips:websockets.test", ("wss 192.0.2.63 443 websockets.test",), WITH_WS),
    Case("sip:websockets.test;transport=ws", ("ws 192.0.2.63 80",), WITH_WS),
    Case("sip:cased.test", ("udp 192.0.2.65 5060",)),
    Case("sip:outsourced.test", (
        "tls 192.0.2.1 5061 outsourced.test", "tls 2001:db8::2 5061 outsourced.test",
        "tls 192.0.2.2 5061 outsourced.test",
    )),
    # NAPTR that leads nowhere
    Case("sip:loop.test", ("udp 192.0.2.66 5060",)),
    Case("sip:self.test", ("udp 192.0.2.67 5060",)),
    Case("sip:wrong-flags.test", ("tcp 192.0.2.68 5065",)),
    Case("sip:broken-naptr.test", ("tcp 192.0.2.69 5066",)),
    Case("sip:half-broken-naptr.test", ("tcp 192.0.2.70 5067",)),
    # SRV
    Case("sip:srv.test", _SRV_TEST),
    Case("sips:srv.test", _SRV_TEST[2:]),
    Case("sip:srv.test", _SRV_TEST[:2], NO_TLS),
    Case("sip:srv.test", _SRV_TEST[1:], NO_UDP),
    Case("sip:tcponly.test", ("tcp 192.0.2.31 5060",)),
    Case("sip:priorities.test", (
        "udp 192.0.2.41 5061", "udp 192.0.2.42 5062", "udp 192.0.2.43 5063",
    )),
    Case("sip:weights.test", (
        "udp 192.0.2.52 5062", "udp 192.0.2.53 5063", "udp 192.0.2.51 5061",
    )),
    Case("sip:absent.test", ("!absent.test does not offer udp",)),
    Case("sip:absent.test;transport=tcp", ("tcp 192.0.2.80 5060",)),
    Case("sip:absent.test;transport=udp", ("!absent.test does not offer udp",)),
    Case("sip:absent.test:5060", ("udp 192.0.2.80 5060",)),
    Case("sips:all-absent.test", ("!all-absent.test does not offer tls",)),
    Case("sip:udp-absent.test", ("tcp 192.0.2.82 5060",)),
    Case("sip:dead-target.test", ("udp 192.0.2.83 5060",)),
    Case("sip:dead-targets.test", ("udp 192.0.2.84 5060",)),
    Case("sip:port-zero.test", ("udp 192.0.2.85 5060",)),
    Case("sip:alias.test", ("udp 192.0.2.86 5060",)),
    Case("sip:same.test", ("udp 192.0.2.88 5060",)),
    Case("sip:many.test", tuple(f"udp 192.0.2.89 {port}" for port in range(5001, 5017))),
    # addresses
    Case("sip:plain.test", ("udp 192.0.2.10 5060",)),
    Case("sips:plain.test", ("tls 192.0.2.10 5061 plain.test",)),
    Case("sip:plain.test", ("tcp 192.0.2.10 5060",), NO_UDP),
    Case("sip:six.test", ("udp 2001:db8::10 5060",)),
    Case("sip:six.test", ("!six.test has no address",), ONLY_4),
    Case("sip:both.test", (
        "udp 2001:db8::11 5060", "udp 192.0.2.11 5060", "udp 192.0.2.12 5060",
    )),
    Case("sip:both.test", ("udp 192.0.2.11 5060", "udp 192.0.2.12 5060"), ONLY_4),
    Case("sip:far.alias.test", ("udp 192.0.2.86 5060",)),
    Case("sip:www.alias.test", ("udp 192.0.2.10 5060",)),
    Case("sip:nick.alias.test:5080", ("udp 192.0.2.86 5080",)),
    Case("sip:a.circle.test", ("!",)),
    Case("sip:nobody.test", ("udp 192.0.2.87 5060",)),
    Case("sip:nowhere.plain.test", ("!nowhere.plain.test has no address",)),
    Case("sip:localhost", ("udp ::1 5060", "udp 127.0.0.1 5060")),
    Case("sip:phone.localhost;transport=tcp", ("tcp ::1 5060", "tcp 127.0.0.1 5060")),
    Case("sip:bob@xn--bcher-kva.test", ("udp 192.0.2.94 5060",)),
    Case("sip:bob@XN--BCHER-KVA.TEST", ("udp 192.0.2.94 5060",)),
    # maddr takes the host's place
    Case("sip:bob@example.com;maddr=192.0.2.201", ("udp 192.0.2.201 5060",)),
    Case("sip:bob@example.com;maddr=srv.test", _SRV_TEST),
    Case("sips:bob@example.com;maddr=plain.test", ("tls 192.0.2.10 5061 plain.test",)),
    # the DNS fails
    Case("sip:failing.test", ("tcp 192.0.2.91 5060",)),
    Case("sip:no-aaaa.test", ("udp 192.0.2.92 5060",)),
    Case("sip:no-aaaa.test", ("!AAAA no-aaaa.test",), ONLY_6),
    Case("sip:dead.test", ("!A dead.test",)),
    Case("sip:of-nobody-we-know.invalid", ("!A of-nobody-we-know.invalid",)),
]  # fmt: skip
