"""`python -m media`: the relay, by the settings in its environment."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

import uvloop

from media.server import StartError, serve
from media.settings import MediaSettings, SettingsError

_BAD_START = 2


def main() -> int:
    """Serve until told to stop; one line and 2 when that cannot begin."""
    try:
        settings = MediaSettings.from_env(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return _BAD_START
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except StartError as error:
        print(error, file=sys.stderr)
        return _BAD_START
    return 0


if __name__ == "__main__":
    sys.exit(main())
