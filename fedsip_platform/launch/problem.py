"""What stops the launcher: one sentence for a person, never a traceback."""

from __future__ import annotations

REFUSED = 1
BAD_SETTING = 2
NOT_RUNNING = 3


class Problem(Exception):
    """A cause and what to do about it, in one line; ends the command with `exit_code`."""

    def __init__(self, message: str, *, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
