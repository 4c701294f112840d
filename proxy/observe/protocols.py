"""What is read of requests on their way, and what is told of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from proxy.sip.message import Request

    from .call import Call


class Observed(Protocol):
    """What is read of a request on its way; core's RequestContext has it."""

    @property
    def original(self) -> Request: ...
    @property
    def request(self) -> Request: ...
    @property
    def method(self) -> bytes: ...
    @property
    def fields(self) -> dict[bytes, bytes]: ...
    @property
    def flow(self) -> Any: ...
    @property
    def is_initial(self) -> bool: ...
    @property
    def is_cancelled(self) -> bool: ...
    @property
    def relay_id(self) -> bytes | None: ...
    @property
    def domain(self) -> Any: ...
    @property
    def callee_domain(self) -> Any: ...
    @property
    def subscriber(self) -> Any: ...
    @property
    def direction(self) -> Any: ...
    @property
    def notes(self) -> Any: ...
    @property
    def response_context(self) -> Any: ...
    @property
    def server_transaction(self) -> Any: ...
    def reply(self, status: int, reason: bytes | None = None) -> None: ...


class Records(Protocol):
    """What is told of calls; records.py writes it."""

    def changed(self, call: Call) -> None:
        """A call began, rings or was answered."""

    def ending(self, call: Call) -> None:
        """A call is over, and what its relay says of it is still to come."""

    def ended(self, call: Call) -> None:
        """A call is over."""

    def ended_elsewhere(
        self, call_id: str, tags: list[str], *, ended_at: str, ended_by: str
    ) -> None:
        """A BYE with these tags passed for a call that is not known here."""
