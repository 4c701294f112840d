"""Bindings go with their connection, and with no other; a flow is let go by its last one."""

from __future__ import annotations

from proxy.location.flows import FlowBindings
from proxy.transport.flow import Flow


def flow(connection_id: int) -> Flow:
    protocol = "tcp" if connection_id else "udp"
    return Flow(protocol, ("192.0.2.1", 5060), ("192.0.2.10", 5060), connection_id)


def test_what_hangs_on_a_connection() -> None:
    flows = FlowBindings()
    flows.hold(flow(1), "x")
    flows.hold(flow(1), "y")
    flows.hold(flow(1), "x")
    flows.hold(flow(2), "z")
    assert flows.take(flow(1)) == {"x", "y"}
    assert flows.take(flow(1)) == set()
    assert flows.take(flow(2)) == {"z"}


def test_who_has_moved_on_stays() -> None:
    flows = FlowBindings()
    flows.hold(flow(1), "x")
    flows.hold(flow(1), "y")
    flows.hold(flow(2), "x")
    flows.hold(flow(0), "y")
    assert flows.take(flow(1)) == set()
    assert flows.take(flow(2)) == {"x"}
    flows.hold(flow(3), "y")
    assert flows.take(flow(3)) == {"y"}


def test_the_last_one_lets_a_flow_go() -> None:
    flows = FlowBindings()
    flows.hold(flow(0), "x")
    flows.hold(flow(0), "y")
    assert flows.release("unknown") is None
    assert flows.release("x") is None
    assert flows.release("y") == flow(0)
    assert flows.release("y") is None
    assert flows.take(flow(0)) == set()
