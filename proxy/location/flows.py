"""Which bindings hang on which connection, so that they go when it does (RFC 5626 s4.2.2)."""

from __future__ import annotations

from proxy.transport.flow import Flow


class FlowBindings:
    """Binding ids by connection. UDP flows have no end that anybody sees and are not kept."""

    __slots__ = ("_by_connection", "_connections")

    def __init__(self) -> None:
        # Nearly all connections have one: a set of one would take five times the room.
        self._by_connection: dict[int, tuple[str, ...]] = {}
        self._connections: dict[str, int] = {}

    def hold(self, flow: Flow, binding_id: str) -> None:
        """A binding is reached by this flow from now on, and by no other."""
        connection_id = flow.connection_id
        before = self._connections.get(binding_id, 0)
        if before == connection_id:
            return
        if before:
            self._let_go(before, binding_id)
        if connection_id:
            self._connections[binding_id] = connection_id
            held = self._by_connection.get(connection_id, ())
            self._by_connection[connection_id] = (*held, binding_id)
        else:
            del self._connections[binding_id]

    def _let_go(self, connection_id: int, binding_id: str) -> None:
        left = tuple([one for one in self._by_connection[connection_id] if one != binding_id])
        if left:
            self._by_connection[connection_id] = left
        else:
            del self._by_connection[connection_id]

    def take(self, flow: Flow) -> set[str]:
        """The bindings of a flow that has ended."""
        held = self._by_connection.pop(flow.connection_id, ())
        for binding_id in held:
            del self._connections[binding_id]
        return set(held)
