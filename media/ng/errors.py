"""The one error of the NG protocol's codec: what cannot be understood, in words for the answer."""

from __future__ import annotations


class NgError(Exception):
    """A datagram, dictionary or command that is not NG; `reason` may go into an error answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
