"""Hosts that a test itself is: servers that answer in one way, and one that connects over TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

from proxy.sip import Request, Response
from proxy.sip.codec import parse, serialise
from proxy.sip.framing import PING, PONG, StreamFramer
from tests.harness.builders import new_branch
from tests.harness.closing import Closing


class RefusingHost(Closing):
    """A server over UDP that answers each request of one method with the same status and keeps what
    came."""

    def __init__(self, status: int, *, answers: bytes = b"INVITE") -> None:
        self._status = status
        self._answers = answers
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
            if message.method == self._answers:
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


class TlsHost(Closing):
    """A server over TLS with one certificate; it answers each request but ACK with the same status
    and keeps what came."""

    def __init__(self, certificate: Path, key: Path, status: int) -> None:
        self._status = status
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.came: list[Request] = []
        self.connections = 0
        """How many have come, with or without a handshake."""
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def methods(self) -> list[bytes]:
        return [one.method for one in self.came]

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:  # closed
                return
            self.connections += 1
            self._open.append(plain)
            thread = threading.Thread(target=self._serve, args=(plain,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        framer = StreamFramer(65_536)
        try:
            with self._context.wrap_socket(plain, server_side=True) as connection:
                self._open.append(connection)
                while data := connection.recv(65_536):
                    for one in framer.feed(data):
                        if one not in (PING, PONG):
                            self._answer(connection, parse(one))
        except OSError:  # the far side does not like what it sees, or the test is over
            return

    def _answer(self, connection: ssl.SSLSocket, message: Request | Response) -> None:
        if not isinstance(message, Request):
            return
        self.came.append(message)
        if message.method != b"ACK":
            connection.sendall(serialise(message.response(self._status, to_tag=b"host")))

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def close(self) -> None:
        for one in (self._server, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)


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
