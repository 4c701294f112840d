"""All torture messages, and the verdict on each from expected.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from .rfc4475_invalid import INVALID
from .rfc4475_semantics import SEMANTICS
from .rfc4475_valid import VALID
from .rfc5118 import IPV6

MESSAGES: dict[str, bytes] = {**VALID, **INVALID, **SEMANTICS, **IPV6}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message: `parse` is "ok" or "error"; then a status is answered, or it is
    forwarded, or dropped."""

    parse: str
    why: str
    status: int | None = None
    forward: bool = False
    drop: bool = False


def _expected() -> dict[str, Verdict]:
    text = (Path(__file__).parent / "expected.toml").read_text()
    return {name: Verdict(**table) for name, table in tomllib.loads(text).items()}


EXPECTED = _expected()
