"""Hosts that a test itself is: one that refuses calls, and one that connects with a certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Self

from proxy.sip import Request, Response
from proxy.sip.codec import parse, serialise
from proxy.sip.framing import StreamFramer
from tests.harness.builders import new_branch
from tests.harness.closing import Closing


class RefusingHost(Closing):
    """A server over UDP that answers each INVITE with the same status and keeps what came."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.came: list[Request] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def methods(self) -> list[bytes]:
        return [one.method for one in self.came]

    def _serve(self) -> None:
        while True:
            data, source = self._socket.recvfrom(65_536)
            if not data:
                return
            message = parse(data)
            if not isinstance(message, Request):
                continue
            self.came.append(message)
            if message.method == b"INVITE":
                answer = message.response(self._status, to_tag=b"refused")
                self._socket.sendto(serialise(answer), source)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(10)
        self._socket.close()


class TlsClient(Closing):
    """A connection to a proxy over TLS."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        plain = socket.create_connection(address, timeout=60)
        self._socket = context.wrap_socket(plain, server_hostname=address[0])
        self._framer = StreamFramer(65_536)
        self._waiting: list[bytes] = []

    @property
    def via(self) -> bytes:
        """A Via of its own, with a new branch each time."""
        host, port = self._socket.getsockname()
        return b"SIP/2.0/TLS %b:%d;branch=%b" % (host.encode(), port, new_branch())

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def final(self) -> Response:
        """The next final response."""
        while True:
            while self._waiting:
                message = parse(self._waiting.pop(0))
                if isinstance(message, Response) and message.status >= 200:
                    return message
            data = self._socket.recv(65_536)
            if not data:
                raise AssertionError("the proxy has closed the connection")
            self._waiting += self._framer.feed(data)

    def close(self) -> None:
        self._socket.close()
