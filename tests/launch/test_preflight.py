"""Databases, brokers and files that cannot be used, each in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fedsip_platform.launch import preflight
from fedsip_platform.launch.problem import Problem

UNREACHABLE = "postgresql://fedsip:verysecret@127.0.0.1:23011/fedsip"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://fedsip@localhost/fedsip", r"DATABASE_URL begins with mysql; it must look like"),
        ("fedsip", r"DATABASE_URL begins with no scheme"),
        (UNREACHABLE, r"DATABASE_URL leads to no usable database: .*Connection refused"),
        ("postgresql://fedsip@nowhere.invalid/x", r"DATABASE_URL leads to no usable database"),
        ("postgresql://a@/b?host=/nonexistent", r"leads to no usable database: .*No such file"),
        ("postgresql://a@/b?colour=red", r"leads to no usable database: .*colour"),
    ],
)
def test_a_bad_database_is_one_line(url: str, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence) as raised:
        preflight.check_database(url)
    assert "\n" not in raised.value.message
    assert "verysecret" not in raised.value.message


@pytest.mark.db
def test_a_database_that_does_not_exist_is_named(database_url: str) -> None:
    with pytest.raises(Problem, match=r'database "nothere" does not exist'):
        preflight.check_database(database_url.replace("/fedsip?", "/nothere?"))


@pytest.mark.db
def test_a_good_database_is_fine(database_url: str) -> None:
    preflight.check_database(database_url)


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:23012/0", "amqp://127.0.0.1:23012//", "pigeon://127.0.0.1/"]
)
def test_a_bad_broker_is_one_line(url: str) -> None:
    with pytest.raises(Problem, match=r"FEDSIP_BROKER_URL leads to no broker: .") as raised:
        preflight.check_broker(url)
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    ("is_embedded", "is_made", "needed"), [(True, False, 100), (True, True, 20), (False, False, 20)]
)
def test_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_embedded: bool, is_made: bool, needed: int
) -> None:
    if is_made:
        (tmp_path / "postgres" / "data").mkdir(parents=True)
    usage = shutil.disk_usage(tmp_path)
    room = needed * preflight.MEGABYTE
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=room - 1))
    sentence = f"is full: {needed - 1} MB are free and {needed} are needed; make room"
    with pytest.raises(Problem, match=sentence):
        preflight.check_room(tmp_path, is_embedded=is_embedded)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=room))
    preflight.check_room(tmp_path, is_embedded=is_embedded)


@pytest.mark.parametrize("name", ["a" * 64, "a..b", ".a", "wörk_ß"])
def test_a_name_that_is_none_of_the_dns_is_one_line(name: str) -> None:
    with pytest.raises(Problem, match=f"this machine is called '{name}', which cannot be a name"):
        preflight.check_machine_name(name)


@pytest.mark.parametrize("name", ["host", "a" * 63, "my_host.example.", "wörk"])
def test_any_other_name_will_do(name: str) -> None:
    preflight.check_machine_name(name)


def test_certificate_and_key_go_together(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"FEDSIP_TLS_CERT is set and FEDSIP_TLS_KEY is not"):
        preflight.check_files({"FEDSIP_TLS_CERT": "/etc/cert.pem"})


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("")
    paths = {
        "FEDSIP_TLS_CERT": str(tmp_path / "none.pem"),
        "FEDSIP_TLS_KEY": str(tmp_path / "key.pem"),
    }
    with pytest.raises(Problem, match=r"FEDSIP_TLS_CERT names .*none\.pem, which cannot be read"):
        preflight.check_files(paths)
