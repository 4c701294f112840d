"""An ASGI application for test_web_server.py: what a browser asks for, and how far it has come."""

from __future__ import annotations

import json
import resource
from typing import Any

MESSAGE = "m" * 100_000
TOTAL = 640
state = {"sent": 0, "received": 0, "left": 0, "scheme": ""}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        state["peak_kib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        state["files"] = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(state).encode()})
        return
    await receive()
    state["scheme"] = scope["scheme"]
    match scope["path"]:
        case "/refused":
            start = {"type": "websocket.http.response.start", "status": 400, "headers": []}
            await send(start)
            await send({"type": "websocket.http.response.body", "body": b""})
        case "/flood":
            await send({"type": "websocket.accept", "subprotocol": None})
            for _ in range(TOTAL):
                await send({"type": "websocket.send", "text": MESSAGE})
                state["sent"] += 1
            await send({"type": "websocket.close", "code": 1012})
        case "/sink":
            await send({"type": "websocket.accept", "subprotocol": None})
            while (await receive())["type"] == "websocket.receive":
                state["received"] += 1
            state["left"] += 1
