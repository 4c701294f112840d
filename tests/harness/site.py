"""A web site of somebody else, whose pages a test writes: plain HTTP, on a name of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.harness.closing import Closing

Answer = Callable[[], tuple[str, str]]
"""Content type and body, made anew for each request."""


class Site(Closing):
    """Serves `answers` by path. Browsers take every name under localhost for this machine, and for
    a place that is safe enough to be given a microphone."""

    def __init__(self, name: str, answers: Mapping[str, Answer]) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                asked.append(self.path)
                found = answers.get(self.path)
                kind, body = found() if found else ("text/plain", "")
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = _answer

            def log_message(self, *words: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://{name}.localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
