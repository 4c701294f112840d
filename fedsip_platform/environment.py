"""Settings of the web and worker processes, read from the environment once, by settings.py.

Not Django's settings: those are derived from these. Other processes have their own
(proxy/settings.py, media/settings.py); this one refuses unknown names under FEDSIP_WEB_ and leaves
the rest to the launcher.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from fedsip_platform.launch import addresses, certificate

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "FEDSIP_WEB_"
YEAR = 365 * 86400  # in seconds
SHORTEST_SECRET = 50  # Django's own bound (security.W009)
MAIL_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingError(Exception):
    """A setting is missing, unknown or unusable; the message is one line for whoever set it."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters go; a folder when no server is named."""

    scheme: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def backend(self) -> str:
        """Django's name for the way."""
        way = "smtp" if self.scheme else "filebased"
        return f"django.core.mail.backends.{way}.EmailBackend"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """All that the web and worker processes take from the environment."""

    database: Mapping[str, Any]
    """DATABASE_URL as connection parameters: dbname, user, password, host, port, libpq options."""
    state_dir: Path
    """FEDSIP_STATE_DIR: folder of all that this machine keeps."""
    secret_key: str
    """FEDSIP_WEB_SECRET_KEY: signs sessions; by default kept in STATE_DIR/secrets/web.key."""
    allowed_hosts: tuple[str, ...]
    """FEDSIP_WEB_ALLOWED_HOSTS: names under which browsers come, comma list or `*`; default every
    address and name of this machine."""
    trusted_proxies: tuple[Network, ...]
    """FEDSIP_WEB_TRUSTED_PROXIES: networks whose X-Forwarded-For and X-Forwarded-Proto count."""
    port: int
    """FEDSIP_WEB_PORT: HTTPS port, by default 8443."""
    address: str
    """FEDSIP_WEB_ADDRESS: address to listen on, by default all."""
    hsts_seconds: int
    """FEDSIP_WEB_HSTS_SECONDS: how long browsers must insist on HTTPS; default a year where
    FEDSIP_TLS_CERT is signed by an authority, else 0, since a browser then offers no way in."""
    is_vouched_for: bool
    """Whether FEDSIP_TLS_CERT is signed by an authority."""
    api_per_minute: int
    """FEDSIP_WEB_API_PER_MINUTE: REST requests for each person or token."""
    sip_path: str
    """FEDSIP_WEB_SIP_PATH: where browsers open their WebSocket for SIP; default /sip."""
    stun: str
    """FEDSIP_WEB_STUN: STUN servers as host:port, comma list, by which browsers learn their public
    address where they may find each other without a relay; by default our own SIP port (UDP) under
    the name by which the page came; `off` for none."""
    sip_port: int
    """FEDSIP_SIP_PORT: of the proxy, which answers STUN there; default 5060."""
    messages_per_second: int
    """FEDSIP_WEB_SIP_MESSAGES_PER_SECOND: SIP messages of one browser, by default 50; four times as
    many at once. Faster ones wait."""
    max_message: int
    """FEDSIP_SIP_MAX_MESSAGE: largest SIP message."""
    gateway: Path
    """FEDSIP_SIP_GATEWAY: the proxy's Unix socket for browsers' links."""
    call_days: int
    """FEDSIP_WEB_CALL_DAYS: how long call records are kept, in days; for their messages
    each domain has a number of its own."""
    cluster_key_text: str
    """FEDSIP_CLUSTER_KEY: key that all nodes share; passes of pages are made with it."""
    email: MailServer
    """FEDSIP_WEB_EMAIL_URL: mail server as smtp://user:password@host:587 (STARTTLS), smtps:// (TLS)
    or smtp+plain:// (no encryption, for this machine alone); by default letters are written as
    files into STATE_DIR/mail."""
    email_from: str
    """FEDSIP_WEB_EMAIL_FROM: sender of letters; by default fedsip@ and the host's name."""
    oidc_issuer: str
    """FEDSIP_WEB_OIDC_ISSUER: address of an OpenID Connect provider for single sign-on."""
    oidc_client_id: str
    """FEDSIP_WEB_OIDC_CLIENT_ID: our name at that provider."""
    oidc_client_secret: str = field(repr=False)
    """FEDSIP_WEB_OIDC_CLIENT_SECRET: our secret at that provider."""
    oidc_name: str
    """FEDSIP_WEB_OIDC_NAME: what the button says."""
    domain_proof: bool
    """FEDSIP_WEB_DOMAIN_PROOF: a domain that a tenant adds is served only once the DNS proves that
    it is the tenant's, or an operator vouches for it; off where all tenants are one's own."""
    webhook_private: bool
    """FEDSIP_WEB_WEBHOOK_PRIVATE: webhooks may go to private addresses and by plain HTTP, and
    tenants read what answers there; for a platform whose tenants are all one's own."""
    debug: bool
    """FEDSIP_WEB_DEBUG: Django's debug pages; never where strangers come."""
    broker_url: str
    """FEDSIP_BROKER_URL: celery's broker."""
    node_id: str
    """FEDSIP_NODE_ID: name of this machine in the cluster."""
    log_level: str
    """FEDSIP_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> WebSettings:
        """Read and check everything; raises SettingError."""
        known = {PREFIX + name for name in _WEB_NAMES}
        unknown = sorted({name for name in environ if name.startswith(PREFIX)} - known)
        if unknown:
            raise SettingError(
                f"{unknown[0]} is not a setting; known are {', '.join(sorted(known))}"
            )
        state_dir = Path(environ.get("FEDSIP_STATE_DIR") or ROOT / "var")
        named = environ.get("FEDSIP_TLS_CERT")
        is_vouched_for = bool(named) and certificate.is_vouched_for(Path(named))
        return cls(
            database=_database(environ),
            state_dir=state_dir,
            secret_key=_secret_key(environ, state_dir),
            allowed_hosts=_allowed_hosts(environ),
            trusted_proxies=_networks(environ, "FEDSIP_WEB_TRUSTED_PROXIES"),
            port=_number(environ, "FEDSIP_WEB_PORT", 8443, least=1, most=65535),
            address=_address(environ, "FEDSIP_WEB_ADDRESS", "::"),
            hsts_seconds=_number(
                environ, "FEDSIP_WEB_HSTS_SECONDS", YEAR if is_vouched_for else 0, most=10 * YEAR
            ),
            is_vouched_for=is_vouched_for,
            api_per_minute=_number(environ, "FEDSIP_WEB_API_PER_MINUTE", 1200, least=1),
            sip_path=_path(environ, "FEDSIP_WEB_SIP_PATH", "/sip"),
            stun=environ.get("FEDSIP_WEB_STUN", ""),
            sip_port=_number(environ, "FEDSIP_SIP_PORT", 5060, least=1, most=65535),
            messages_per_second=_number(
                environ, "FEDSIP_WEB_SIP_MESSAGES_PER_SECOND", 50, least=1, most=10_000
            ),
            max_message=_number(environ, "FEDSIP_SIP_MAX_MESSAGE", 65535, least=1),
            gateway=Path(environ.get("FEDSIP_SIP_GATEWAY") or state_dir / "gateway.sock"),
            call_days=_number(environ, "FEDSIP_WEB_CALL_DAYS", 400, least=1, most=36500),
            cluster_key_text=environ.get("FEDSIP_CLUSTER_KEY") or "",
            email=_mail_server(environ),
            email_from=environ.get("FEDSIP_WEB_EMAIL_FROM")
            or f"fedsip@{_host_name(environ) or addresses.host_name()}",
            oidc_issuer=environ.get("FEDSIP_WEB_OIDC_ISSUER", ""),
            oidc_client_id=environ.get("FEDSIP_WEB_OIDC_CLIENT_ID", ""),
            oidc_client_secret=environ.get("FEDSIP_WEB_OIDC_CLIENT_SECRET", ""),
            oidc_name=environ.get("FEDSIP_WEB_OIDC_NAME") or "Single sign-on",
            domain_proof=_switch(environ, "FEDSIP_WEB_DOMAIN_PROOF", "ON"),
            webhook_private=_switch(environ, "FEDSIP_WEB_WEBHOOK_PRIVATE"),
            debug=_switch(environ, "FEDSIP_WEB_DEBUG"),
            broker_url=environ.get("FEDSIP_BROKER_URL") or "memory://",
            node_id=environ.get("FEDSIP_NODE_ID") or "a",
            log_level=_choice(environ, "FEDSIP_LOG_LEVEL", "INFO", LOG_LEVELS),
        )

    def cluster_key(self) -> bytes:
        """The cluster's key, read when it is needed: only the proxy cannot do without."""
        path = self.state_dir / "secrets" / "cluster.key"
        try:
            key = bytes.fromhex(self.cluster_key_text or path.read_text().strip())
        except (OSError, ValueError) as error:
            raise SettingError(f"FEDSIP_CLUSTER_KEY and {path} hold no key: {error}") from error
        return key


_WEB_NAMES = (
    "PORT",
    "ADDRESS",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "TRUSTED_PROXIES",
    "HSTS_SECONDS",
    "API_PER_MINUTE",
    "SIP_PATH",
    "SIP_MESSAGES_PER_SECOND",
    "STUN",
    "CALL_DAYS",
    "EMAIL_URL",
    "EMAIL_FROM",
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_NAME",
    "DOMAIN_PROOF",
    "WEBHOOK_PRIVATE",
    "DEBUG",
)


def _database(environ: Mapping[str, str]) -> Mapping[str, Any]:
    url = environ.get("DATABASE_URL")
    if not url:
        raise SettingError(
            "DATABASE_URL is not set: start commands by ./fedsip, which knows the database, "
            "or set it to postgresql://USER:PASSWORD@HOST:PORT/NAME"
        )
    try:
        return conninfo_to_dict(url)
    except ProgrammingError as error:
        reason = str(error).strip().replace("\n", " ")
        raise SettingError(f"DATABASE_URL is not a PostgreSQL address: {reason}") from error


def _mail_server(environ: Mapping[str, str]) -> MailServer:
    text = environ.get("FEDSIP_WEB_EMAIL_URL")
    if not text:
        return MailServer()
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme not in MAIL_PORTS or not url.hostname:
        raise SettingError(
            "FEDSIP_WEB_EMAIL_URL is no mail server; give smtp://user:password@host:587"
        )
    return MailServer(
        url.scheme,
        url.hostname,
        port or MAIL_PORTS[url.scheme],
        unquote(url.username or ""),
        unquote(url.password or ""),
    )


def _secret_key(environ: Mapping[str, str], state_dir: Path) -> str:
    given = environ.get("FEDSIP_WEB_SECRET_KEY")
    if given is None:
        given = _kept_secret(state_dir / "secrets" / "web.key")
    if len(given) < SHORTEST_SECRET:
        raise SettingError(
            f"FEDSIP_WEB_SECRET_KEY has {len(given)} characters; "
            f"at least {SHORTEST_SECRET} random ones are needed"
        )
    return given


def _kept_secret(path: Path) -> str:
    """The secret in that file, made at first use; of two processes that make it, one wins."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        if not path.exists():
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            try:
                os.link(unfinished, path)
            except FileExistsError:
                pass  # the other one was first
            finally:
                unfinished.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise SettingError(
            f"the key file {path} cannot be made or read ({error.strerror}); "
            "set FEDSIP_STATE_DIR to a folder of this user, or FEDSIP_WEB_SECRET_KEY"
        ) from error


def _allowed_hosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    given = _list(environ, "FEDSIP_WEB_ALLOWED_HOSTS")
    if given:
        return given
    hosts = ["localhost", addresses.host_name()]
    hosts += [f"[{text}]" if ":" in text else text for text in addresses.local()]
    hosts.append(_host_name(environ))
    return tuple(dict.fromkeys(host for host in hosts if host))


def _host_name(environ: Mapping[str, str]) -> str:
    text = environ.get("FEDSIP_HOSTNAME", "")
    if text and not addresses.is_host(text):
        raise SettingError(
            f"FEDSIP_HOSTNAME is {text!r}, but must be a name such as sip.example.com "
            "(in punycode where it has other letters) or an IP address"
        )
    return text


def _networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text) for text in _list(environ, name))
    except ValueError as error:
        raise SettingError(f"{name}: {error}; give networks such as 10.0.0.0/8") from error


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name) or default
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError as error:
        raise SettingError(f"{name} is {text!r}, but must be an IPv4 or IPv6 address") from error


def _path(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name) or default
    if not text.startswith("/") or not text.isascii() or not text.isprintable() or "?" in text:
        raise SettingError(f"{name} is {text!r}, but must be a path such as {default}")
    return text


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _number(
    environ: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 2**31
) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingError(f"{name} is {text!r}, but must be a number from {least} to {most}")
    return int(text)


def _switch(environ: Mapping[str, str], name: str, default: str = "OFF") -> bool:
    return _choice(environ, name, default, ("ON", "OFF")) == "ON"


def _choice(environ: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    text = environ.get(name) or default
    if text.upper() not in allowed:
        words = ", ".join(word.lower() for word in allowed)
        raise SettingError(f"{name} is {text!r}, but must be one of {words}")
    return text.upper()
