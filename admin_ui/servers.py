"""What a phone must be told about this machine: where our SIP listens."""

from __future__ import annotations

from functools import cache
from typing import Any

from fedsip_platform.launch import listening


@cache
def facts() -> dict[str, Any]:
    """`outbound_proxy`, and `sip` as a list of protocol and address; settings do not change."""
    return listening.from_environment().facts()
