"""The tree of what was asked of the DNS, from answers that stand in the test."""

from __future__ import annotations

from typing import Any

from admin_ui.dns_tree import Question, tree_of


def step(kind: str, name: str, *answers: str, error: str = "") -> dict[str, Any]:
    return {"kind": kind, "name": name, "answers": list(answers), "error": error}


def hop(transport: str, address: str, port: int) -> dict[str, Any]:
    return {"transport": transport, "address": address, "port": port}


def located(steps: list[Any], hops: list[Any], error: str = "") -> dict[str, Any]:
    return {"uri": "sip:bob@example.com", "steps": steps, "hops": hops, "error": error}


def shape(questions: list[Question]) -> list[Any]:
    return [(f"{one.kind} {one.name}", one.servers, shape(one.below)) for one in questions]


def test_each_name_is_below_the_answer_that_led_to_it() -> None:
    tree = tree_of(
        located(
            [
                step(
                    "NAPTR", "example.com",
                    '10 10 "s" "SIPS+D2T" "" _sips._tcp.example.com',
                    '20 10 "s" "SIP+D2U" "" _sip._udp.example.com.',
                ),
                step("SRV", "_sips._tcp.example.com", "10 100 5061 Sip.example.com."),
                step("AAAA", "sip.example.com", "2001:db8::1"),
                step("A", "sip.example.com", "192.0.2.1"),
                step("SRV", "_sip._udp.example.com", error="SERVFAIL"),
            ],
            [hop("tls", "2001:db8::1", 5061), hop("tls", "192.0.2.1", 5061)],
        )
    )  # fmt: skip
    assert shape(tree.questions) == [
        ("NAPTR example.com", [], [
            ("SRV _sips._tcp.example.com", [], [
                ("AAAA sip.example.com", ["1. TLS [2001:db8::1]:5061"], []),
                ("A sip.example.com", ["2. TLS 192.0.2.1:5061"], []),
            ]),
            ("SRV _sip._udp.example.com", [], []),
        ]),
    ]  # fmt: skip
    assert tree.questions[0].below[1].error == "SERVFAIL"


def test_what_was_not_led_to_stands_beside() -> None:
    asked = [step("NAPTR", "example.com"), step("SRV", "_sip._udp.example.com"), step("A", "a.b")]
    assert shape(tree_of(located(asked, [])).questions) == [
        ("NAPTR example.com", [], []),
        ("SRV _sip._udp.example.com", [], []),
        ("A a.b", [], []),
    ]


def test_an_address_needs_no_question() -> None:
    tree = tree_of(located([], [hop("udp", "192.0.2.9", 5060)]))
    assert (tree.questions, tree.servers, tree.error) == ([], ["1. UDP 192.0.2.9:5060"], "")
    assert tree_of(located([], [], "no such name")).error == "no such name"
