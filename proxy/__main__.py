"""`python -m proxy`: read the settings, serve, and say in one line why not."""

from __future__ import annotations

import sys

import uvloop

from proxy.observe import log_lines
from proxy.server import serve
from proxy.settings import ProxySettings, SettingsError
from proxy.transport.listening import ListenFailed
from proxy.transport.tls import CertificateError


def main() -> int:
    """Exit code: 0 after a stop that was asked for, 2 when a setting or a port is in the way."""
    try:
        settings = ProxySettings.from_env()
        log_lines.set_up(settings.log_level)
        uvloop.run(serve(settings))
    except (SettingsError, ListenFailed, CertificateError) as error:
        sys.stderr.write(f"fedsip proxy: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
