"""A port that is taken is named, with its holder and the setting that moves us elsewhere."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from fedsip_platform.launch import ports
from fedsip_platform.launch.ports import Port
from fedsip_platform.launch.problem import Problem

FIRST = 23000
KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


@pytest.fixture(params=["udp", "tcp"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["127.0.0.1", "::1"])
def taken(request: pytest.FixtureRequest, protocol: str) -> Iterator[Port]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, KINDS[protocol]) as held:
        held.bind((request.param, FIRST))
        if protocol == "tcp":
            held.listen()
        yield Port(protocol, request.param, FIRST, "proxy", "FEDSIP_SIP_PORT")


def test_a_taken_port_is_refused_with_its_holder(taken: Port) -> None:
    with pytest.raises(Problem) as raised:
        ports.refuse_taken([taken])
    said = raised.value.message
    assert f"{taken.protocol.upper()} port {FIRST} on {taken.address}" in said
    assert f"(process {os.getpid()})" in said
    assert said.endswith("or set FEDSIP_SIP_PORT")


def test_the_same_number_on_another_protocol_is_free(taken: Port) -> None:
    other = "tcp" if taken.protocol == "udp" else "udp"
    ports.refuse_taken([Port(other, taken.address, FIRST, "proxy", "FEDSIP_SIP_PORT")])


def test_an_address_of_another_machine_is_named(protocol: str) -> None:
    port = Port(protocol, "203.0.113.7", FIRST, "proxy", "FEDSIP_SIP_ADDRESSES")
    with pytest.raises(Problem, match=r"203\.0\.113\.7 is no address of this machine"):
        ports.refuse_taken([port])
