"""Keys and the certificate: made at the first start, kept from then on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime

from fedsip_platform.launch import addresses, certificate
from fedsip_platform.launch.state import StateFolder


def make(state: StateFolder, *, further_names: Iterable[str]) -> None:
    """Make what no setting names, and set the settings that lead every process to it."""
    own_certificate, own_key = state.tls / "cert.pem", state.tls / "key.pem"
    os.environ["FEDSIP_STATE_DIR"] = str(state.path)
    os.environ.setdefault("FEDSIP_TLS_CERT", str(own_certificate))
    os.environ.setdefault("FEDSIP_TLS_KEY", str(own_key))
    if not os.environ.get("FEDSIP_CLUSTER_KEY"):
        state.secret("cluster.key")
    if not os.environ.get("FEDSIP_WEB_SECRET_KEY"):
        state.secret("web.key")
    if os.environ["FEDSIP_TLS_CERT"] == str(own_certificate):
        named = [os.environ["FEDSIP_HOSTNAME"]] if os.environ.get("FEDSIP_HOSTNAME") else []
        names = [*named, addresses.host_name(), *further_names, "localhost", *addresses.local()]
        usable = [name for name in names if addresses.is_host(name)]  # a machine may be called ü
        certificate.ensure(state, usable, today=datetime.now(UTC))
