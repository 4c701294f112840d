"""Settings of the proxy: defaults, what is read, and the sentence for each thing that is wrong."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from proxy.settings import ProxySettings, SettingsError

URL = {"DATABASE_URL": "postgresql://fedsip@/fedsip"}


def test_defaults_need_only_a_database() -> None:
    settings = ProxySettings.from_env(URL)
    assert (settings.port, settings.tls_port, settings.node_id) == (5060, 5061, "a")
    assert (settings.flood_requests, settings.flood_seconds) == (30, 10.0)
    assert settings.relays == ("127.0.0.1:22222",)


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("FEDSIP_SIP_UDP", "off", "udp", False),
        ("FEDSIP_SIP_UDP", "ON", "udp", True),
        ("FEDSIP_SIP_PORT", " 5070 ", "port", 5070),
        ("FEDSIP_SIP_PORT", "", "port", 5060),
        ("FEDSIP_SIP_T1", "0.25", "t1", 0.25),
        ("FEDSIP_SIP_ADDRESSES", "192.0.2.1, [::1]", "addresses", ("192.0.2.1", "[::1]")),
        ("FEDSIP_SIP_RELAYS", "a=127.0.0.1:1,[::1]:2", "relays", ("a=127.0.0.1:1", "[::1]:2")),
        (
            "FEDSIP_SIP_TRUSTED_SOURCES",
            "192.0.2.7/24",
            "trusted_sources",
            (ip_network("192.0.2.0/24"),),
        ),
        (
            "FEDSIP_SIP_RELAY_INTERFACES",
            "10.0.0.0/8=inside, ::/0=outside",
            "relay_interfaces",
            ((ip_network("10.0.0.0/8"), "inside"), (ip_network("::/0"), "outside")),
        ),
        ("FEDSIP_LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("FEDSIP_NODE_ID", "proxy-0.b_1", "node_id", "proxy-0.b_1"),
        ("FEDSIP_SIP_DIGEST", "SHA-256", "digest", ("SHA-256",)),
    ],
)
def test_values(name: str, text: str, attribute: str, value: object) -> None:
    settings = ProxySettings.from_env(URL | {name: text})
    assert {one: getattr(settings, one) for one in (attribute,)} == {attribute: value}


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set."),
        ({"DATABASE_URL": "mysql://x"}, "it must begin with postgresql://"),
        ({"FEDSIP_SIP_FOO": "1"}, "FEDSIP_SIP_FOO is not a setting of the proxy."),
        ({"FEDSIP_SIP_UDP": "yes"}, "FEDSIP_SIP_UDP must be on or off, not 'yes'."),
        ({"FEDSIP_SIP_PORT": "0"}, "FEDSIP_SIP_PORT"),
        ({"FEDSIP_SIP_PORT": "65536"}, "a port is a number from 1 to 65535"),
        ({"FEDSIP_SIP_PORT": "5060.5"}, "it must be a whole number"),
        ({"FEDSIP_SIP_T1": "nan"}, "it must be above 0"),
        ({"FEDSIP_SIP_T1": "inf"}, "it must be above 0"),
        ({"FEDSIP_SIP_ADVERTISED_IPV4": "a b"}, "FEDSIP_SIP_ADVERTISED_IPV4 cannot be 'a b'"),
        ({"FEDSIP_SIP_ADVERTISED_IPV6": "2001:db8::x"}, "FEDSIP_SIP_ADVERTISED_IPV6 cannot be"),
        ({"FEDSIP_SIP_ADDRESSES": "eth0"}, "FEDSIP_SIP_ADDRESSES cannot be 'eth0'"),
        ({"FEDSIP_SIP_RELAYS": "127.0.0.1"}, "'127.0.0.1' is no host:port"),
        ({"FEDSIP_SIP_TRUSTED_SOURCES": "x"}, "FEDSIP_SIP_TRUSTED_SOURCES cannot be 'x'"),
        ({"FEDSIP_SIP_RELAY_INTERFACES": "10.0.0.0/8"}, "'10.0.0.0/8' is no NETWORK=NAME"),
        ({"FEDSIP_SIP_RELAY_INTERFACES": "inside=10.0.0.0/8"}, "'inside' does not appear"),
        ({"FEDSIP_SIP_DIGEST": "SHA-1"}, "only MD5 and SHA-256 are known"),
        ({"FEDSIP_LOG_LEVEL": "LOUD"}, "it must be DEBUG, INFO, WARNING or ERROR"),
        ({"FEDSIP_NODE_ID": "a b"}, "FEDSIP_NODE_ID cannot be 'a b'"),
        (
            {"FEDSIP_SIP_UDP": "off", "FEDSIP_SIP_TCP": "off", "FEDSIP_SIP_TLS": "off"},
            "nothing would listen",
        ),
    ],
)
def test_sentences(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        ProxySettings.from_env(URL | environment)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_settings_of_others_are_theirs_to_check() -> None:
    ProxySettings.from_env(URL | {"FEDSIP_MEDIA_FOO": "1", "FEDSIP_WEB_PORT": "x"})


@pytest.mark.parametrize("key", ["", "5a", "zz" * 32, "5a" * 33])
def test_a_key_is_64_digits(key: str) -> None:
    with pytest.raises(SettingsError):
        _ = ProxySettings(cluster_key=key).key


def test_every_setting_says_what_it_is() -> None:
    for name, _, _, text in ProxySettings.describe():
        assert name.startswith(("FEDSIP_", "DATABASE_URL"))
        assert text.endswith(".")
