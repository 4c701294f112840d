"""Where the processes of this machine will listen, by their own settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fedsip_platform.environment import SettingError, WebSettings
from fedsip_platform.launch import addresses
from fedsip_platform.launch.ports import Port
from fedsip_platform.launch.problem import BAD_SETTING, Problem
from media.settings import MediaSettings
from media.settings import SettingsError as MediaSettingsError
from proxy.settings import ProxySettings, SettingsError

ANY = {4: "0.0.0.0", 6: "::"}  # noqa: S104  (asked whether it is free, never listened on)


@dataclass(frozen=True, slots=True)
class Listening:
    """The settings of all processes, checked, and what follows from them for this machine."""

    proxy: ProxySettings
    relay: MediaSettings
    web: WebSettings

    @property
    def web_port(self) -> int:
        """Port of the dashboard."""
        return self.web.port

    @property
    def web_address(self) -> str:
        """Address of the dashboard; `::` stands for both families, where there are two."""
        if self.web.address == ANY[6] and not addresses.has_ipv6():
            return ANY[4]
        return self.web.address

    @property
    def ports(self) -> list[Port]:
        """Every fixed port; the relay finds its media ports by itself."""
        found = list(self._sip_ports())
        found.append(Port("udp", *self.relay.ng, "the relay", "FEDSIP_MEDIA_NG"))
        web_addresses = [self.web_address]
        if self.web_address == ANY[6]:
            web_addresses.append(ANY[4])
        for address in web_addresses:
            found.append(Port("tcp", address, self.web.port, "web", "FEDSIP_WEB_PORT"))
        return found

    def facts(self) -> dict[str, Any]:
        """Addresses as people and phones use them."""
        host = os.environ.get("FEDSIP_HOSTNAME") or self._phone_host()
        shown = f"[{host}]" if ":" in host else host
        return {
            "dashboard": f"https://{shown}:{self.web.port}/",
            "outbound_proxy": f"{shown}:{self.proxy.port}",
            "media": f"{shown} UDP {self.relay.ports}",
            "sip": [
                {"protocol": name.upper(), "address": f"{shown}:{number}"}
                for name, on, number in self._protocols()
                if on
            ],
        }

    def _phone_host(self) -> str:
        given = [address for address in self.proxy.addresses if address != "auto"]
        return self.proxy.advertised_ipv4 or (given[0] if given else addresses.reachable())

    def _protocols(self) -> tuple[tuple[str, bool, int], ...]:
        return (
            ("udp", self.proxy.udp, self.proxy.port),
            ("tcp", self.proxy.tcp, self.proxy.port),
            ("tls", self.proxy.tls, self.proxy.tls_port),
        )

    def _sip_ports(self) -> Iterator[Port]:
        for address in self._sip_addresses():
            for name, on, number in self._protocols():
                if on:
                    setting = "FEDSIP_SIP_TLS_PORT" if name == "tls" else "FEDSIP_SIP_PORT"
                    kind = "udp" if name == "udp" else "tcp"
                    yield Port(kind, address, number, "the proxy", setting)

    def _sip_addresses(self) -> list[str]:
        families = [number for number, on in ((4, self.proxy.ipv4), (6, self.proxy.ipv6)) if on]
        if self.proxy.addresses == ("auto",):
            return [ANY[number] for number in families if number == 4 or addresses.has_ipv6()]
        return [address.strip("[]") for address in self.proxy.addresses]


def from_environment() -> Listening:
    """Read the settings of every process; a Problem names the first that is wrong."""
    # The database comes into being later; its absence is no mistake of the administrator.
    environment = {"DATABASE_URL": "postgresql:///fedsip"} | dict(os.environ)
    try:
        return Listening(
            ProxySettings.from_env(environment),
            MediaSettings.from_env(environment),
            WebSettings.from_env(environment),
        )
    except (SettingsError, MediaSettingsError, SettingError) as error:
        raise Problem(str(error), exit_code=BAD_SETTING) from error
