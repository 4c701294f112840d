"""Cutting messages out of a byte stream (RFC 3261 s18.3, RFC 5626 s3.5.1)."""

from __future__ import annotations

from typing import Final

from .errors import ParseError

PING: Final = b"\r\n\r\n"
"""What `feed` gives for a double CRLF: the far side asks for a PONG."""
PONG: Final = b"\r\n"

_LENGTH_NAMES: Final = (b"content-length", b"l")
_FIRST_LETTERS: Final = (b"C", b"l", b"L", b"c")


class StreamFramer:
    """Bytes in, whole messages and keep-alives out. After a ParseError the stream is lost."""

    __slots__ = ("_buffer", "_max_message", "_need", "_searched", "error")

    def __init__(self, max_message: int) -> None:
        self._buffer = bytearray()
        self._max_message = max_message
        self._searched = 0  # up to here no end of a header section was found
        self._need = 0  # size of the message being received, 0 while its head is incomplete
        self.error: ParseError | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Whole messages, PING and PONG, in order of arrival.

        Raises ParseError: 413 for a message above the limit, 400 without a Content-Length. What
        came whole before that is given first; `error` then says that the stream is lost.
        """
        self._buffer += data
        found: list[bytes] = []
        try:
            if self.error is None:
                while (frame := self._next()) is not None:
                    found.append(frame)
        except ParseError as error:
            self.error = error
        if self.error is not None and not found:
            raise self.error
        return found

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
            need = end + 4 + _content_length(bytes(buffer[: end + 2]))
            self._limit(need)
            self._need = need
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
    if b"\r\n " in head or b"\r\n\t" in head:
        # A line that continues another one is no field, whatever it looks like.
        head = head.replace(b"\r\n ", b"  ").replace(b"\r\n\t", b"  ")
    length: int | None = None
    for line in head.split(b"\r\n")[1:]:
        if line[:1] not in _FIRST_LETTERS:
            continue
        name, _, value = line.partition(b":")
        if name.strip().lower() in _LENGTH_NAMES:
            value = value.strip()
            if not value.isdigit() or len(value) > 10:
                raise ParseError("Content-Length is not a number")
            if length is not None and length != int(value):
                raise ParseError("Content-Length stands twice")
            length = int(value)
    if length is None:
        raise ParseError("a stream needs a Content-Length (s18.3)")
    return length
