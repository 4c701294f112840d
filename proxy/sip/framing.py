"""Cutting messages out of a byte stream (RFC 3261 s18.3, RFC 5626 s3.5.1)."""

from __future__ import annotations

from typing import Final

from .errors import ParseError

PING: Final = b"\r\n\r\n"
"""What `feed` gives for a double CRLF: the far side asks for a PONG."""
PONG: Final = b"\r\n"

_LENGTH_NAMES: Final = (b"content-length", b"l")


class StreamFramer:
    """Bytes in, whole messages and keep-alives out. After a ParseError the stream is lost."""

    __slots__ = ("_buffer", "_max_message", "_need", "_searched")

    def __init__(self, max_message: int) -> None:
        self._buffer = bytearray()
        self._max_message = max_message
        self._searched = 0  # up to here no end of a header section was found
        self._need = 0  # size of the message being received, 0 while its head is incomplete

    def feed(self, data: bytes) -> list[bytes]:
        """Whole messages, PING and PONG, in order of arrival.

        Raises ParseError: 413 for a message above the limit, 400 without a Content-Length.
        """
        self._buffer += data
        found: list[bytes] = []
        while True:
            frame = self._next()
            if frame is None:
                return found
            found.append(frame)

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if not self._need:
            if buffer[:2] == b"\r\n":
                return self._keep_alive()
            if buffer[:1] == b"\r" and len(buffer) == 1:
                return None
            end = buffer.find(b"\r\n\r\n", max(0, self._searched - 3))
            if end < 0:
                self._searched = len(buffer)
                self._limit(len(buffer))
                return None
            self._need = end + 4 + _content_length(bytes(buffer[: end + 2]))
            self._limit(self._need)
        if len(buffer) < self._need:
            return None
        frame = bytes(buffer[: self._need])
        del buffer[: self._need]
        self._need = self._searched = 0
        return frame

    def _keep_alive(self) -> bytes | None:
        buffer = self._buffer
        if buffer[:4] == PING:
            del buffer[:4]
            return PING
        if len(buffer) == 2 or buffer[:4] == b"\r\n\r":
            # The second CRLF of a ping may still be on its way; a lone CRLF is a pong, which
            # nobody waits for urgently, or padding before a message.
            return None
        del buffer[:2]
        return PONG

    def flush_pong(self) -> bool:
        """Whether a lone CRLF is all that is waiting; it is taken out."""
        if self._buffer == PONG:
            self._buffer.clear()
            return True
        return False

    @property
    def unfinished(self) -> bytearray:
        """What has come of the next message; after a ParseError what could not be framed."""
        return self._buffer

    def _limit(self, size: int) -> None:
        if size > self._max_message:
            raise ParseError(f"message above {self._max_message} bytes", 413)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() in _LENGTH_NAMES:
            value = value.strip()
            if not value.isdigit() or len(value) > 10:
                raise ParseError("Content-Length is not a number")
            return int(value)
    raise ParseError("a stream needs a Content-Length (s18.3)")
