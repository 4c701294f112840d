"""Every setting of every process, gathered from the typed settings themselves.

What a process reads, its settings class describes; the launcher adds the few that it gives a
meaning of its own. docs/settings.md is this list; `./fedsip settings --markdown` prints it.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import itertools
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from fedsip_platform.environment import WebSettings
from media.settings import MediaSettings
from proxy.settings import ProxySettings

NAME = re.compile(r"(DATABASE_URL|FEDSIP_[A-Z0-9_]*[A-Z0-9])")
CLASSES = (("proxy", ProxySettings), ("relay", MediaSettings), ("web", WebSettings))

# Enough for WebSettings to show its defaults without touching the disk.
BARE = {"DATABASE_URL": "postgresql:///fedsip", "FEDSIP_WEB_SECRET_KEY": "shown nowhere, " * 5}


@dataclass(frozen=True, slots=True)
class Setting:
    """One name of the environment."""

    name: str
    default: str
    unit: str
    text: str
    read_by: tuple[str, ...]


# What `up` gives a meaning of its own, beyond that of each process.
COMMON = (
    Setting(
        "DATABASE_URL",
        "",
        "",
        "PostgreSQL 14 or newer, as postgresql://user:password@host:5432/database; default: an "
        "embedded one in the state folder.",
        ("launcher",),
    ),
    Setting(
        "FEDSIP_BROKER_URL",
        "",
        "",
        "Celery's broker, as redis://host:6379/0 or amqp://user:password@host//; "
        "default: an embedded Redis.",
        ("launcher",),
    ),
    Setting(
        "FEDSIP_STATE_DIR",
        "var",
        "",
        "Folder of all that this machine keeps; the default is that in the checkout.",
        ("launcher",),
    ),
    Setting(
        "FEDSIP_HOSTNAME",
        "",
        "",
        "Public name of this machine: in the certificate, in the dashboard's address and in what "
        "phones are told.",
        ("launcher",),
    ),
)


def gathered() -> list[Setting]:
    """All settings: the common ones first, then by process."""
    found = {setting.name: setting for setting in COMMON}
    for process, described in CLASSES:
        for setting in _of_class(process, described):
            before = found.get(setting.name)
            readers = (*(before.read_by if before else ()), process)
            kept = before or setting
            found[setting.name] = replace(kept, read_by=readers)
    return sorted(found.values(), key=lambda each: (_section(each) != "common", _section(each)))


def names() -> set[str]:
    """Every name that some process knows."""
    return {setting.name for setting in gathered()}


def show(words: list[str]) -> int:
    """`./fedsip settings`."""
    parser = argparse.ArgumentParser(prog="fedsip settings", description="Every setting.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="as docs/settings.md")
    form.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(words)
    if options.json:
        print(json.dumps([asdict(setting) for setting in gathered()]))
    elif options.markdown:
        print(markdown(), end="")
    else:
        rows = [(each.name, _default_text(each), each.text) for each in gathered()]
        for name, default, text in rows:
            print(f"{name}  ({default or 'empty'})")
            print(textwrap.indent(textwrap.fill(text, 92), "    "))
    return 0


def markdown() -> str:
    """docs/settings.md, whole."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by `./fedsip settings --markdown`; do not edit. -->",
        "",
        "Settings are names in the environment. All have defaults that work on one machine. A name",
        "that begins with FEDSIP_ and is not in this list is refused, so that a typing mistake is",
        "told and not ignored. `./fedsip settings` prints the same in a terminal.",
    ]
    section = ""
    for setting in gathered():
        if _section(setting) != section:
            section = _section(setting)
            lines += ["", f"## {_TITLES[section]}", "", "| name | default | |", "|---|---|---|"]
        default = f"`{_default_text(setting)}`" if setting.default else ""
        text = setting.text.replace("|", "\\|")
        lines.append(f"| `{setting.name}` | {default} | {text} |")
    return "\n".join(lines) + "\n"


_TITLES = {
    "common": "Common to all processes",
    "proxy": "Proxy (FEDSIP_SIP_)",
    "relay": "Media relay (FEDSIP_MEDIA_)",
    "web": "Web and worker (FEDSIP_WEB_)",
}
_PREFIXES = {"FEDSIP_SIP_": "proxy", "FEDSIP_MEDIA_": "relay", "FEDSIP_WEB_": "web"}


def _section(setting: Setting) -> str:
    for prefix, section in _PREFIXES.items():
        if setting.name.startswith(prefix):
            return section
    return "common"


def _default_text(setting: Setting) -> str:
    return f"{setting.default.removesuffix('.0')} {setting.unit}".strip()


def _of_class(process: str, described: type[Any]) -> Iterator[Setting]:
    """Fields that describe themselves: by metadata, or by a string below that begins NAME:."""
    if not issubclass(described, WebSettings):
        for name, default, unit, text in described.describe():
            yield Setting(name, default, unit, text, (process,))
        return
    bare = described.from_env(BARE)
    for field, text in _strings_below(described):
        named = NAME.match(text)
        if named is None:
            continue
        said = " ".join(text[named.end() :].lstrip(": ").split())
        said = said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")
        given = re.search(r",? by default (\d+)", said)
        if given:
            said = said.replace(given[0], "")
        default = "" if "default" in said else _shown(getattr(bare, field))
        yield Setting(named[0], default, "", said, (process,))


def _strings_below(described: type[Any]) -> Iterator[tuple[str, str]]:
    """Each field of a class with the string that stands below it."""
    known = {field.name for field in fields(described)}
    [body] = ast.parse(textwrap.dedent(inspect.getsource(described))).body
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for above, below in itertools.pairwise(statements):
        if (
            isinstance(above, ast.AnnAssign)
            and isinstance(above.target, ast.Name)
            and above.target.id in known
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield above.target.id, below.value.value


def _shown(value: object) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case tuple():
            return ",".join(str(part) for part in value)
        case _:
            return str(value)
