"""What the dashboard can do the API can do, and what the API has the command line has.

The addresses and commands are read from where they are made, so a new one without a line in these
tables fails.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management.base import BaseCommand

from admin_ui import urls
from admin_ui.views.routes import KINDS
from fedsip_platform.api.areas import AREAS
from tests.platform.aims import operations

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "fedsip_platform/cli/management/commands").glob("*.py")
    if path.stem != "__init__"
)

# Looks and places: nothing is read or changed by them that a program would want.
PAGES_ALONE = {"home", "theme", "softphone", "phone", "search", "developers"}
RESOURCES = {
    **{"alias": "aliases", "group": "ring-groups", "trunk": "trunks", "gateway": "gateways"},
    **{"peer": "federation-rules", "policy": "outbound-policies", "forward": "forwards"},
}
# By the name of the page: what of the API gives the same or does the same.
BY_REST: dict[str, list[str]] = {
    "overview": ["get health", "get calls/by-hour", "get tenants/{key}/usage", "get live-calls"],
    "calls": ["get calls", "get live-calls"],
    "call": ["get calls/{key}", "get live-calls/{key}", "get calls/{key}/messages"],
    "call-export": ["get calls/export"],
    "call-packets": ["get calls/{key}/pcap"],
    "call-hang-up": ["delete live-calls/{key}"],
    "users": ["get users", "get registrations"],
    "user": ["get users/{key}", "patch users/{key}", "get registrations", "get calls"],
    "user-new": ["post users"],
    "user-import": ["post users/import", "post users/bulk"],
    "user-export": ["post users/export"],
    "user-export-job": ["post users/export"],
    "user-bulk": ["post users/bulk"],
    "user-password": ["patch users/{key}"],
    "user-disable": ["patch users/{key}"],
    "user-enable": ["patch users/{key}"],
    "user-delete": ["delete users/{key}"],
    "jobs": ["get jobs"],
    "job": ["get jobs/{key}"],
    "job-cancel": ["delete jobs/{key}"],
    "job-result": ["get jobs/{key}/result"],
    "device-sign-out": ["delete registrations/{key}"],
    "domains": ["get domains", "get domains/{key}/check"],
    "domain-new": ["post domains"],
    "domain": ["get domains/{key}", "patch domains/{key}", "get domains/{key}/dns"],
    "domain-check": ["post domains/{key}/check"],
    "domain-delete": ["delete domains/{key}"],
    "domain-vouch": ["post domains/{key}/vouch"],
    "certificates": ["get certificates"],
    "platform-certificates": ["get certificates"],
    "routing": ["get translations", "get translations/try"],
    "rule-new": ["post translations", "post translations/effect"],
    "rule": ["patch translations/{key}", "post translations/effect"],
    "rule-switch": ["patch translations/{key}"],
    "rule-order": ["patch translations/{key}"],
    "rule-delete": ["delete translations/{key}"],
    "rule-history": ["get audit"],
    "rule-restore": ["put translations/{key}"],
    "aliases": ["get aliases"],
    "groups": ["get ring-groups"],
    "trunks": ["get trunks", "get gateways"],
    "peers": ["get federation-rules", "get refusals"],
    "dialling": ["get outbound-policies"],
    "security": ["get failed-sign-ins", "get refusals"],
    "token-new": ["post tokens"],
    "token-withdraw": ["delete tokens/{key}"],
    "webhooks": ["get webhooks"],
    "webhook-new": ["post webhooks"],
    "webhook": ["get webhooks/{key}", "patch webhooks/{key}", "get webhook-deliveries"],
    "webhook-test": ["post webhooks/{key}/test"],
    "webhook-delete": ["delete webhooks/{key}"],
    "delivery-retry": ["post webhook-deliveries/{key}/retry"],
    "settings": ["get people", "get invitations", "post invitations"],
    "person-role": ["patch people/{key}"],
    "person-remove": ["delete people/{key}"],
    "invitation-withdraw": ["delete invitations/{key}"],
    "user-owner": ["post invitations"],
    "user-owner-remove": ["delete users/{key}/owner"],
    "limits": ["get tenants/{key}/usage", "patch tenants/{key}"],
    "audit": ["get audit"],
    "audit-export": ["get audit/export"],
    "platform-audit": ["get audit"],
    "platform-audit-export": ["get audit/export"],
    "audit-export-job": ["get audit/export"],
    "platform-audit-export-job": ["get audit/export"],
    "call-export-job": ["get calls/export"],
    "domains-check": ["post domains/check"],
    "platform-domains-check": ["post domains/check"],
    "platform-jobs": ["get jobs"],
    "platform-job": ["get jobs/{key}"],
    "platform-job-cancel": ["delete jobs/{key}"],
    "platform-job-result": ["get jobs/{key}/result"],
    "platform": ["get tenants", "get nodes", "get relays"],
    "tenant-new": ["post tenants"],
    "tenant": ["patch tenants/{key}"],
    "blocks": ["get blocks", "post blocks", "get allowed-sources"],
    "block-lift": ["delete blocks/{key}"],
    "allowed-new": ["post allowed-sources"],
    "allowed-remove": ["delete allowed-sources/{key}"],
    "mine": ["get me/users"],
    "my-user": [
        *("get me/users/{key}", "get me/users/{key}/devices", "get me/users/{key}/calls"),
        "post me/users/{key}/forwards",
    ],
    "my-password": ["patch me/users/{key}"],
    "my-device-sign-out": ["delete me/users/{key}/devices/{device}"],
    "my-forward-delete": ["delete me/users/{key}/forwards/{forward}"],
    **{name: [f"get {path}/{{key}}", f"patch {path}/{{key}}"] for name, path in RESOURCES.items()},
    **{f"{name}-new": [f"post {path}"] for name, path in RESOURCES.items()},
    **{f"{name}-delete": [f"delete {path}/{{key}}"] for name, path in RESOURCES.items()},
}
# By the first word of an address of the API: the command that does the same.
BY_COMMAND = {
    **{"tenants": "tenant", "people": "people", "invitations": "invitation", "domains": "domain"},
    **{"certificates": "checks", "origins": "origin", "federation-rules": "federation"},
    **{"refusals": "federation", "locate": "locate", "users": "user", "jobs": "job"},
    **{"registrations": "registrations", "translations": "rule", "aliases": "alias"},
    **{"forwards": "forward", "ring-groups": "group", "trunks": "trunk", "gateways": "trunk"},
    **{"outbound-policies": "policy", "calls": "calls", "live-calls": "calls"},
    **{"blocks": "blocks", "allowed-sources": "blocks", "failed-sign-ins": "blocks"},
    **{"webhooks": "webhook", "webhook-deliveries": "webhook", "audit": "audit"},
    **{"nodes": "node", "relays": "node", "health": "health", "tokens": "token"},
}
# About whoever asks; at the command line nobody is signed in.
OF_SESSIONS = {"me", "session", "schema", "docs"}


def test_every_page_has_its_like_in_the_api() -> None:
    patterns = [*urls.of_tenant, *urls.urlpatterns]
    pages = {pattern.name for pattern in patterns if getattr(pattern, "name", None)}
    assert pages == PAGES_ALONE | BY_REST.keys()
    assert {kind.name for kind, _ in KINDS} == RESOURCES.keys()


def test_what_the_table_names_is_there() -> None:
    there = {f"{method} {path}" for path, method in operations()}
    assert {each for many in BY_REST.values() for each in many} - there == set()


def test_every_resource_has_its_command() -> None:
    assert AREAS.keys() == BY_COMMAND.keys() | OF_SESSIONS
    assert set(BY_COMMAND.values()) <= set(COMMANDS)


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_speaks_json(word: str) -> None:
    for spoken, parser in endings(parser_of(word), word):
        assert "--json" in parser._option_string_actions, spoken


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_stands_in_its_document(word: str) -> None:
    documented = (ROOT / "docs/cli.md").read_text()
    assert f"`fedsip {word}" in documented
    for spoken, _ in endings(parser_of(word), word):
        assert spoken.rpartition(" ")[2] in documented, spoken


def parser_of(word: str) -> argparse.ArgumentParser:
    module = import_module(f"fedsip_platform.cli.management.commands.{word}")
    command: BaseCommand = module.Command()
    return command.create_parser("fedsip", word)


def endings(
    parser: argparse.ArgumentParser, spoken: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parsers of a word's verbs, or its own where it has none."""
    verbs = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not verbs:
        yield spoken, parser
    for each in verbs:
        for name, inner in each.choices.items():
            yield from endings(inner, f"{spoken} {name}")
