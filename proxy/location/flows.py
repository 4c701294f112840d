"""Which bindings hang on which flow: they go with their connection (RFC 5626 s4.2.2), and a flow
is kept alive only while one hangs on it."""

from __future__ import annotations

from proxy.transport.flow import Flow


class FlowBindings:
    """Binding ids by flow. A phone with several accounts has one flow for all of them."""

    __slots__ = ("_by_flow", "_flows")

    def __init__(self) -> None:
        # Nearly all flows have one binding: a set of one would take five times the room.
        self._by_flow: dict[Flow, tuple[str, ...]] = {}
        self._flows: dict[str, Flow] = {}

    def hold(self, flow: Flow, binding_id: str) -> None:
        """A binding is reached by this flow from now on, and by no other."""
        if self._flows.get(binding_id) == flow:
            return
        self.release(binding_id)
        self._flows[binding_id] = flow
        self._by_flow[flow] = (*self._by_flow.get(flow, ()), binding_id)

    def release(self, binding_id: str) -> Flow | None:
        """A binding is gone; gives the flow that nothing else hangs on now."""
        flow = self._flows.pop(binding_id, None)
        if flow is None:
            return None
        left = tuple([one for one in self._by_flow[flow] if one != binding_id])
        if left:
            self._by_flow[flow] = left
            return None
        del self._by_flow[flow]
        return flow

    def on(self, flow: Flow) -> tuple[str, ...]:
        """The bindings of a flow."""
        return self._by_flow.get(flow, ())

    def take(self, flow: Flow) -> set[str]:
        """The bindings of a flow that has ended."""
        held = self._by_flow.pop(flow, ())
        for binding_id in held:
            del self._flows[binding_id]
        return set(held)
