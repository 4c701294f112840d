"""`python -m proxy`: read the settings, serve, and say in one line why not."""

from __future__ import annotations

import logging
import sys

from proxy import native
from proxy.observe import log_lines
from proxy.settings import ProxySettings, SettingsError

log = logging.getLogger(__name__)

_RUNS_AS = {
    native.COMPILED: "compiled",
    native.PURE: "plain Python",
    native.STALE: "plain Python, since sources have changed after they were compiled",
}


def main() -> int:
    """Exit code: 0 after a stop that was asked for, 2 when a setting or a port is in the way."""
    try:
        settings = ProxySettings.from_env()
    except SettingsError as error:
        sys.stderr.write(f"fedsip proxy: {error}\n")
        return 2
    log_lines.set_up(settings.log_level)
    found = native.choose(pure=settings.pure)
    log.log(
        logging.WARNING if found == native.STALE else logging.INFO, "runs as %s", _RUNS_AS[found]
    )
    from proxy.server import run  # not before it is chosen what this imports

    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
