"""Where the packet path in C lies once `./fedsip build` has compiled it (forward.c, forward.h)."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("forward.c")
HEADER: Final = Path(__file__).with_name("forward.h")
FOLDER: Final = Path(sys.prefix) / "fedsip-native-relay"


def of(folder: Path = FOLDER) -> Path:
    """The library of exactly these sources, made or to be made."""
    digest = hashlib.sha256(sysconfig.get_platform().encode())
    digest.update(SOURCE.read_bytes())
    digest.update(HEADER.read_bytes())
    return folder / f"forward-{digest.hexdigest()[:16]}.so"


def declarations() -> str:
    """What the library has, without the preprocessor's lines."""
    lines = HEADER.read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))
