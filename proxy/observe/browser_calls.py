"""By which browser's connection a call is spoken: a page that goes takes its calls with it."""

from __future__ import annotations

from collections.abc import Iterable

from .call import Call, SpokenBy

_BROWSERS = ("ws", "wss")


class BrowserCalls:
    """Answered calls by flow. What is no browser's flow is passed over."""

    __slots__ = ("_by_flow",)

    def __init__(self) -> None:
        self._by_flow: dict[SpokenBy, set[str]] = {}

    def hold(self, call: Call, flows: Iterable[SpokenBy | None]) -> None:
        """The call's sides speak by these flows from now on, and by no others."""
        self.release(call)
        call.browser_flows = tuple(
            [flow for flow in flows if flow is not None and flow.protocol in _BROWSERS]
        )
        for flow in call.browser_flows:
            self._by_flow.setdefault(flow, set()).add(call.public_id)

    def release(self, call: Call) -> None:
        """The call is over."""
        for flow in call.browser_flows:
            held = self._by_flow.get(flow)
            if held is not None:
                held.discard(call.public_id)
                if not held:
                    del self._by_flow[flow]
        call.browser_flows = ()

    def take(self, flow: SpokenBy) -> set[str]:
        """Public ids of the calls of a flow that has ended."""
        return self._by_flow.pop(flow, set())
