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
from tests.platform.aims import operations

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "fedsip_platform/cli/management/commands").glob("*.py")
    if path.stem != "__init__"
)

# Looks and places: nothing is read or changed by them that a program would want.
PAGES_ALONE = {
    "home",
    "theme",
    "words",
    "words-of-widget",
    "softphone",
    "phone",
    "search",
    "developers",
    "api-reference",
}
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


def _made(
    path: str, word: str, add: str, change: str | None, delete: str, *, shown: str = "list"
) -> dict[str, str]:
    """The operations of a resource that can be made, changed (unless `change` is None) and
    deleted. A PUT is what makes it and what changes it."""
    found = {
        f"get {path}": f"{word} list",
        f"get {path}/{{key}}": f"{word} {shown}",
        f"post {path}": f"{word} {add}",
        f"put {path}/{{key}}": f"{word} {add}",
        f"delete {path}/{{key}}": f"{word} {delete}",
    }
    return found if change is None else found | {f"patch {path}/{{key}}": f"{word} {change}"}


# By the operation of the API: what at the command line does the same, by the same services. A list
# shows whole things (`--json`), so it also answers for one of them.
BY_COMMAND: dict[str, str] = {
    **_made("tenants", "tenant", "add", "set", "delete", shown="list"),
    "get tenants/{key}/attention": "tenant attention",
    "get tenants/{key}/usage": "usage",
    "get people": "people list",
    "get people/{key}": "people show",
    "put people/{key}": "people role",
    "patch people/{key}": "people role",
    "delete people/{key}": "people remove",
    **_made("invitations", "invitation", "add", None, "withdraw"),
    **_made("domains", "domain", "add", "set", "delete", shown="show"),
    "get domains/{key}/dns": "dns",
    "post domains/{key}/vouch": "domain vouch",
    "get domains/{key}/check": "checks show",
    "post domains/{key}/check": "checks run",
    "post domains/check": "job check",
    "get certificates": "checks certificates",
    **_made("origins", "origin", "add", None, "delete"),
    **_made("federation-rules", "federation", "allow", "allow", "forget"),
    "get refusals": "federation refusals",
    "get locate": "locate",
    **_made("users", "user", "add", "set", "delete", shown="show"),
    "delete users/{key}/owner": "user disown",
    "post users/{key}/pass": "phone pass",
    "post users/bulk": "user load",
    "post users/import": "job import",
    "post users/export": "job export",
    "get registrations": "registrations list",
    "get registrations/{key}": "registrations list",
    "delete registrations/{key}": "registrations drop",
    "get registrations/over-time": "registrations over-time",
    "get jobs": "job list",
    "get jobs/{key}": "job show",
    "delete jobs/{key}": "job cancel",
    "get jobs/{key}/result": "job result",
    **_made("translations", "rule", "add", "set", "delete", shown="show"),
    "get translations/try": "translate",
    "post translations/effect": "rule effect",
    **_made("aliases", "alias", "add", "set", "delete"),
    **_made("forwards", "forward", "set", "set", "delete"),
    **_made("ring-groups", "group", "add", "set", "delete"),
    **_made("trunks", "trunk", "add", "set", "delete"),
    **_made("gateways", "trunk", "gateway", "gateway", "drop-gateway"),
    **_made("outbound-policies", "policy", "set", "set", "delete"),
    "get calls": "calls list",
    "get calls/{key}": "calls show",
    "get calls/{key}/messages": "trace",
    "get calls/{key}/pcap": "trace",
    "get calls/export": "calls export",
    "get calls/by-hour": "calls by-hour",
    "get live-calls": "calls live",
    "get live-calls/{key}": "calls live",
    "delete live-calls/{key}": "calls hang-up",
    **_made("blocks", "blocks", "add", None, "lift"),
    "get allowed-sources": "blocks allowed",
    "get allowed-sources/{key}": "blocks allowed",
    "post allowed-sources": "blocks allow",
    "put allowed-sources/{key}": "blocks allow",
    "delete allowed-sources/{key}": "blocks disallow",
    "get failed-sign-ins": "blocks failures",
    **_made("webhooks", "webhook", "add", "set", "delete"),
    "post webhooks/{key}/test": "webhook test",
    "get webhook-deliveries": "webhook deliveries",
    "get webhook-deliveries/{key}": "webhook deliveries",
    "post webhook-deliveries/{key}/retry": "webhook retry",
    "get audit": "audit list",
    "get audit/{key}": "audit list",
    "get audit/export": "audit export",
    "get nodes": "node list",
    "get nodes/{key}": "node list",
    "get relays": "node relays",
    "get health": "health",
    "get tokens": "token list",
    "get tokens/{key}": "token list",
    "post tokens": "token add",
    "delete tokens/{key}": "token withdraw",
    # What is somebody's own: the command line is told whose.
    "get me": "people show",
    "get me/sessions": "people sessions",
    "get me/sessions/{key}": "people sessions",
    "delete me/sessions/{key}": "people sign-out",
    "get me/users": "people users",
    "get me/users/{key}": "user show",
    "patch me/users/{key}": "user password",
    "get me/users/{key}/devices": "registrations list",
    "delete me/users/{key}/devices/{device}": "registrations drop",
    "get me/users/{key}/calls": "calls list",
    "post me/users/{key}/forwards": "forward set",
    "delete me/users/{key}/forwards/{forward}": "forward delete",
    "get me/phone": "phone show",
    "put me/phone": "phone choose",
    "post me/phone/pass": "phone pass",
    "get me/phone/favourites": "phone favourites",
    "get me/phone/favourites/{key}": "phone favourites",
    "post me/phone/favourites": "phone keep",
    "delete me/phone/favourites/{key}": "phone forget",
}
NO_COMMAND = {
    **dict.fromkeys(("get session", "post session", "delete session"), "nobody signs in there"),
    **dict.fromkeys(("get schema", "get docs"), "the description of the API itself"),
}


def test_every_page_has_its_like_in_the_api() -> None:
    patterns = [*urls.of_tenant, *urls.urlpatterns]
    pages = {pattern.name for pattern in patterns if getattr(pattern, "name", None)}
    assert pages == PAGES_ALONE | BY_REST.keys()
    assert {kind.name for kind, _ in KINDS} == RESOURCES.keys()


def test_what_the_table_names_is_there() -> None:
    there = {f"{method} {path}" for path, method in operations()}
    assert {each for many in BY_REST.values() for each in many} - there == set()


def test_every_operation_has_its_command() -> None:
    spoken = {spoken for word in COMMANDS for spoken, _ in endings(parser_of(word), word)}
    there = {f"{method} {path}" for path, method in operations()}
    assert there == BY_COMMAND.keys() | NO_COMMAND.keys()
    assert set(BY_COMMAND.values()) - spoken == set()


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
