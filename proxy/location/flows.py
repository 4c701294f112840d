"""Which bindings hang on which connection, so that they go when it does (RFC 5626 s4.2.2)."""

from __future__ import annotations

from proxy.transport.flow import Flow


class FlowBindings:
    """Binding ids by connection. UDP flows have no end that anybody sees and are not kept."""

    __slots__ = ("_by_connection",)

    def __init__(self) -> None:
        self._by_connection: dict[int, set[str]] = {}

    def hold(self, flow: Flow, binding_id: str) -> None:
        if flow.connection_id:
            self._by_connection.setdefault(flow.connection_id, set()).add(binding_id)

    def take(self, flow: Flow) -> set[str]:
        """The bindings of a flow that has ended."""
        return self._by_connection.pop(flow.connection_id, set())
