"""The one error of the SDP parser."""

from __future__ import annotations


class ParseError(Exception):
    """A body that is no session description; `line` counts from 1, 0 is the whole body."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"SDP line {line}: {message}" if line else f"SDP: {message}")
        self.message = message
        self.line = line
