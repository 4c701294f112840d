"""Settings from the environment, and the one line that refuses them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fedsip_platform.environment import ROOT, SettingError, WebSettings
from fedsip_platform.launch import certificate
from fedsip_platform.launch.state import StateFolder
from tests.harness.authority import Authority

SECRET = "s" * 50
URL = "postgresql://fedsip:secret@db.example:5433/fedsip?sslmode=require"


def settings(**given: str) -> WebSettings:
    return WebSettings.from_env({"DATABASE_URL": URL, "FEDSIP_WEB_SECRET_KEY": SECRET, **given})


def test_defaults() -> None:
    web = settings()
    assert web.port == 8443
    assert web.debug is False
    assert web.hsts_seconds == 0
    assert web.trusted_proxies == ()
    assert {"localhost", "127.0.0.1"} <= set(web.allowed_hosts)
    assert web.database["sslmode"] == "require"
    assert web.database["port"] == "5433"


def test_hostname_is_allowed() -> None:
    assert "sip.example.com" in settings(FEDSIP_HOSTNAME="sip.example.com").allowed_hosts
    assert settings(FEDSIP_WEB_ALLOWED_HOSTS="a.example, b.example").allowed_hosts == (
        "a.example",
        "b.example",
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FEDSIP_WEB_PROT", "1", "FEDSIP_WEB_PROT is not a setting; known are"),
        ("FEDSIP_WEB_PORT", "x", "must be a number from 1 to 65535"),
        ("FEDSIP_WEB_PORT", "65536", "must be a number from 1 to 65535"),
        ("FEDSIP_WEB_PORT", "0", "must be a number from 1 to 65535"),
        ("FEDSIP_WEB_ADDRESS", "eth0", "must be an IPv4 or IPv6 address"),
        ("FEDSIP_HOSTNAME", "a b", "must be a name such as sip.example.com"),
        ("FEDSIP_HOSTNAME", "télé.example", "must be a name such as sip.example.com"),
        ("FEDSIP_WEB_PORT", "-1", "must be a number"),
        ("FEDSIP_WEB_DEBUG", "yes", "must be one of on, off"),
        ("FEDSIP_WEB_SECRET_KEY", "short", "at least 50 random ones"),
        ("FEDSIP_WEB_SECRET_KEY", "", "at least 50 random ones"),
        ("FEDSIP_WEB_TRUSTED_PROXIES", "10.0.0.1/8", "give networks such as 10.0.0.0/8"),
        ("FEDSIP_LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL is not a PostgreSQL address"),
    ],
)
def test_refusals_are_one_line(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings(**{name: value})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_secret_is_made_once_and_private(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": URL, "FEDSIP_STATE_DIR": str(tmp_path)}
    first = WebSettings.from_env(environ)
    assert WebSettings.from_env(environ).secret_key == first.secret_key
    assert len(first.secret_key) == 64
    key = tmp_path / "secrets" / "web.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [each.name for each in key.parent.iterdir()] == ["web.key"]


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("in the way")
    with pytest.raises(SettingError, match="cannot be made or read"):
        WebSettings.from_env({"DATABASE_URL": URL, "FEDSIP_STATE_DIR": str(tmp_path)})


def manage(*words: str, **given: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": URL, **given}
    environ.setdefault("FEDSIP_WEB_SECRET_KEY", "secret of a test, with " + "random" * 6)
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bad_setting_ends_the_process_with_2() -> None:
    done = manage("check", FEDSIP_WEB_PROT="1")
    assert done.returncode == 2
    assert done.stderr.startswith("fedsip web: FEDSIP_WEB_PROT is not a setting")
    assert len(done.stderr.splitlines()) == 1


def check_deployment(**given: str) -> subprocess.CompletedProcess[str]:
    secret = "".join(chr(33 + number) for number in range(64))
    words = ("check", "--deploy", "--fail-level", "WARNING")
    return manage(*words, FEDSIP_WEB_SECRET_KEY=secret, **given)


@pytest.mark.db
def test_deployment_check_is_clean(tmp_path: Path, template_url: str) -> None:
    vouched, _ = Authority(tmp_path).issue(tmp_path, "sip.example.com")
    for given in ({}, {"FEDSIP_TLS_CERT": str(vouched)}):
        done = check_deployment(DATABASE_URL=template_url, **given)
        assert done.returncode == 0, done.stderr
        assert "no issues" in done.stdout
    careless = check_deployment(FEDSIP_TLS_CERT=str(vouched), FEDSIP_WEB_HSTS_SECONDS="0")
    assert "security.W004" in careless.stderr
    assert careless.returncode == 1


def test_https_is_insisted_on_only_with_a_certificate_of_an_authority(tmp_path: Path) -> None:
    vouched, _ = Authority(tmp_path).issue(tmp_path, "sip.example.com")
    state = StateFolder(tmp_path / "state")
    state.make()
    own, _ = certificate.ensure(state, ["localhost"], today=datetime.now(UTC))
    assert settings(FEDSIP_TLS_CERT=str(vouched)).hsts_seconds == 365 * 86400
    assert settings(FEDSIP_TLS_CERT=str(own)).hsts_seconds == 0
    assert settings(FEDSIP_TLS_CERT=str(tmp_path / "none.pem")).hsts_seconds == 0
    assert settings(FEDSIP_TLS_CERT=str(vouched), FEDSIP_WEB_HSTS_SECONDS="0").hsts_seconds == 0
    assert settings(FEDSIP_WEB_HSTS_SECONDS="60").hsts_seconds == 60


@pytest.mark.db
def test_no_migration_is_missing(template_url: str) -> None:
    done = manage("makemigrations", "--check", "--dry-run", DATABASE_URL=template_url)
    assert done.returncode == 0, done.stdout + done.stderr
