"""Transaction users for tests of the core: routing in a few lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.core.loose_route import open_own_entries
from proxy.core.protocols import TransactionUser
from proxy.core.request_context import RequestContext
from proxy.core.target_set import Target
from proxy.sip.uri import parse_uri


def target(uri: bytes, **facts: Any) -> Target:
    """A target by the text of its URI."""
    return Target(parse_uri(uri), **facts)


def to_targets(*targets: Target, **steps: Any) -> TransactionUser:
    """Initial requests go to these targets, all others by their Route set."""

    async def user(call: RequestContext) -> None:
        open_own_entries(call)
        if call.is_initial:
            for one in targets:
                call.targets.add(one)
        await call.relay(**steps)

    return user


def by_request_uri(**steps: Any) -> TransactionUser:
    """Every request goes by its Route set and Request-URI."""
    return to_targets(**steps)


def answering(step: Callable[[RequestContext], None]) -> TransactionUser:
    """Requests are answered, or whatever the step does."""

    async def user(call: RequestContext) -> None:
        step(call)

    return user
