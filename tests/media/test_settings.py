"""Settings of the relay: defaults, readings, and what is refused with which words."""

from __future__ import annotations

import pytest

from media.settings import Interface, MediaSettings, PortRange, SettingsError

READINGS = [
    ("FEDSIP_MEDIA_NG", "[::1]:2223", "ng", ("::1", 2223)),
    ("FEDSIP_MEDIA_PORTS", "20000-20099", "ports", PortRange(20000, 20099)),
    ("FEDSIP_MEDIA_IPV4", "192.0.2.1", "ipv4", Interface("192.0.2.1", "192.0.2.1")),
    ("FEDSIP_MEDIA_IPV4", "10.0.0.1!192.0.2.1", "ipv4", Interface("10.0.0.1", "192.0.2.1")),
    ("FEDSIP_MEDIA_IPV6", "[2001:DB8::0:1]", "ipv6", Interface("2001:db8::1", "2001:db8::1")),
    ("FEDSIP_MEDIA_IPV6", "off", "ipv6", "off"),
    (
        "FEDSIP_MEDIA_INTERFACES",
        "in=10.0.0.1 out=10.0.1.1!192.0.2.1 in=2001:db8::1",
        "interfaces",
        (
            ("in", Interface("10.0.0.1", "10.0.0.1")),
            ("out", Interface("10.0.1.1", "192.0.2.1")),
            ("in", Interface("2001:db8::1", "2001:db8::1")),
        ),
    ),
    ("FEDSIP_MEDIA_SILENCE_SECONDS", "2.5", "silence_seconds", 2.5),
    ("FEDSIP_MEDIA_MAX_CALLS", "7", "max_calls", 7),
    ("FEDSIP_LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ("FEDSIP_MEDIA_MAX_CALLS", " ", "max_calls", 5000),
]
REFUSED = [
    ("FEDSIP_MEDIA_NG", "22222"),
    ("FEDSIP_MEDIA_NG", "localhost:22222"),
    ("FEDSIP_MEDIA_NG", "127.0.0.1:99999"),
    ("FEDSIP_MEDIA_PORTS", "30000"),
    ("FEDSIP_MEDIA_PORTS", "30000-20000"),
    ("FEDSIP_MEDIA_PORTS", "80-30000"),
    ("FEDSIP_MEDIA_PORTS", "30001-30002"),
    ("FEDSIP_MEDIA_PORTS", "a-b"),
    ("FEDSIP_MEDIA_IPV4", "::1"),
    ("FEDSIP_MEDIA_IPV4", "0.0.0.0"),
    ("FEDSIP_MEDIA_IPV4", "10.0.0.1!::1"),
    ("FEDSIP_MEDIA_IPV4", "here"),
    ("FEDSIP_MEDIA_BROWSER_PORT", "80"),
    ("FEDSIP_MEDIA_BROWSER_PORT", "x"),
    ("FEDSIP_MEDIA_INTERFACES", "10.0.0.1"),
    ("FEDSIP_MEDIA_INTERFACES", "=10.0.0.1"),
    ("FEDSIP_MEDIA_INTERFACES", "in=auto"),
    ("FEDSIP_MEDIA_INTERFACES", "in=here"),
    ("FEDSIP_MEDIA_INTERFACES", "in=10.0.0.1 in=10.0.0.2"),
    ("FEDSIP_MEDIA_SILENCE_SECONDS", "0"),
    ("FEDSIP_MEDIA_SILENCE_SECONDS", "nan"),
    ("FEDSIP_MEDIA_SILENCE_SECONDS", "x"),
    ("FEDSIP_MEDIA_MAX_CALLS", "0"),
    ("FEDSIP_MEDIA_THREADS", "0"),
    ("FEDSIP_MEDIA_THREADS", "65"),
    ("FEDSIP_MEDIA_THREADS", "many"),
    ("FEDSIP_LOG_LEVEL", "LOUD"),
]


def test_defaults_are_those_of_the_documentation() -> None:
    settings = MediaSettings.from_env({})
    assert settings == MediaSettings()
    described = {name: default for name, default, _, _ in MediaSettings.describe()}
    assert described["FEDSIP_MEDIA_PORTS"] == str(settings.ports) == "30000-39999"
    assert described["FEDSIP_MEDIA_NG"] == "127.0.0.1:22222"
    assert MediaSettings.from_env(described) == settings
    assert all(text.endswith(".") for _, _, _, text in MediaSettings.describe())


@pytest.mark.parametrize(("name", "text", "field", "value"), READINGS)
def test_readings(name: str, text: str, field: str, value: object) -> None:
    settings = MediaSettings.from_env({name: text})
    assert {one: getattr(settings, one) for one in (field,)} == {field: value}


@pytest.mark.parametrize(("name", "text"), REFUSED)
def test_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        MediaSettings.from_env({name: text})
    assert str(caught.value).startswith(f"{name} cannot be {text!r}: ")
    assert "\n" not in str(caught.value)


def test_unknown_name_is_refused_and_others_are_not_ours() -> None:
    with pytest.raises(SettingsError, match="FEDSIP_MEDIA_PORT is not a setting of the relay"):
        MediaSettings.from_env({"FEDSIP_MEDIA_PORT": "1"})
    MediaSettings.from_env({"FEDSIP_SIP_PORT": "5060", "HOME": "/"})


def test_the_browsers_port_is_none_of_the_range() -> None:
    given = {"FEDSIP_MEDIA_PORTS": "30000-39999", "FEDSIP_MEDIA_BROWSER_PORT": "30002"}
    with pytest.raises(SettingsError, match="lies within FEDSIP_MEDIA_PORTS"):
        MediaSettings.from_env(given)
    assert (
        MediaSettings.from_env(given | {"FEDSIP_MEDIA_BROWSER_PORT": "3478"}).browser_port == 3478
    )


def test_no_family_at_all() -> None:
    with pytest.raises(SettingsError, match="both off"):
        MediaSettings.from_env({"FEDSIP_MEDIA_IPV4": "off", "FEDSIP_MEDIA_IPV6": "off"})


def test_interface_as_written() -> None:
    assert str(Interface("10.0.0.1", "192.0.2.1")) == "10.0.0.1!192.0.2.1"
    assert str(Interface("10.0.0.1", "10.0.0.1")) == "10.0.0.1"
