"""In which language commands speak, and that each sentence of theirs can be translated."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.utils import translation
from django.utils.translation import trans_real

from fedsip_platform import languages
from fedsip_platform.api.urls import router
from fedsip_platform.cli import speech
from tests.cli.conftest import Fedsip
from tests.platform.test_translated import WORD, Brackets

CLI = Path(__file__).resolve().parents[2] / "fedsip_platform" / "cli"
SAYING = {"Refused", "done", "confirm"}


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en-gb"),
        ({"LANG": "C.UTF-8"}, "en-gb"),
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en-gb"),
        ({"LANG": "C", "LC_MESSAGES": "en_GB", "LC_ALL": "de_DE"}, "de"),
        ({"LANG": "fr_FR.UTF-8"}, "en-gb"),
        ({"LANG": "?", "LC_ALL": ""}, "en-gb"),
    ],
)
def test_language(environment: dict[str, str], language: str, settings: Any) -> None:
    settings.LANGUAGES = [languages.ENGLISH, ("de", "Deutsch")]
    assert speech.language(environment) == language


@pytest.mark.db
def test_commands_speak_the_language_of_the_terminal(
    fedsip: Fedsip, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LANGUAGES = [languages.ENGLISH, ("de", "Deutsch")]
    monkeypatch.setitem(trans_real._translations, "de", Brackets("de"))
    for name in speech.LOCALES:
        monkeypatch.setenv(name, "de_DE.UTF-8")
    assert fedsip("tenant", "add", "acme").said.startswith("⟦")
    refused = fedsip("domain", "show", "nothing.example").complained
    assert refused.startswith("fedsip: ⟦there is no domain")
    monkeypatch.setenv("LC_ALL", "C")
    assert fedsip("tenant", "disable", "acme").said.startswith("tenant acme")


def test_every_sentence_goes_through_gettext() -> None:
    bare = [
        f"{path.name}:{text.lineno}"
        for path in CLI.glob("**/*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for said in _said(function)
        for text in _outside(said)
    ]
    assert bare == [], bare


def _said(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What a function says: the first argument of what says it, and the variables for it."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in SAYING:
                yield node.args[0]
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id in ("sentence", "question"):
                yield node.value


def _outside(said: ast.expr) -> Iterator[ast.Constant]:
    """Its words that stand in no call, such as that of gettext."""
    if isinstance(said, ast.Call):
        return
    if isinstance(said, ast.Constant) and isinstance(said.value, str):
        if any(letter.isalpha() for letter in said.value):
            yield said
        return
    for child in ast.iter_child_nodes(said):
        if isinstance(child, ast.expr) and not isinstance(said, ast.Subscript | ast.Dict):
            yield from _outside(child)


def _helped(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Each command, verb and option, with what `--help` says of it."""
    yield parser.prog, str(parser.description or "")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action._choices_actions:
                yield f"{parser.prog} {each.dest}", str(each.help or "")
            for verb in action.choices.values():
                yield from _helped(verb)
        elif not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS:
            yield f"{parser.prog} {action.dest}", str(action.help or "")


def _without_brackets(text: str) -> str:
    while (shorter := re.sub("⟦[^⟦⟧]*⟧", "", text)) != text:
        text = shorter
    return text


def test_help_speaks_the_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """But for what options say that are filters of REST, whose description is English."""
    settings.LANGUAGES = [languages.ENGLISH, ("de", "Deutsch")]
    monkeypatch.setitem(trans_real._translations, "de", Brackets("de"))
    for name in speech.LOCALES:
        monkeypatch.setenv(name, "de_DE.UTF-8")
    filters = {
        name.replace("-", "_")
        for _prefix, view, _name in router.registry
        for name in (*getattr(view, "filters", ()), "q")
    }
    bare = []
    words = [name for name, app in get_commands().items() if app == speech.OWN_APP]
    assert len(words) > 30
    for word in words:
        with speech.terminal_language([word]):
            parser = load_command_class(speech.OWN_APP, word).create_parser("fedsip", word)
            bare += [
                f"{where}: {text}"
                for where, text in _helped(parser)
                if WORD.search(_without_brackets(text)) and where.rpartition(" ")[2] not in filters
            ]
    assert bare == [], bare


def test_other_commands_are_left_alone() -> None:
    with speech.terminal_language(["migrate"]), speech.terminal_language([]):
        assert translation.get_language() == "en-gb"


def test_every_title_goes_through_gettext() -> None:
    """Each heading of a table, in a constant or where it is shown."""
    bare = []
    for path in CLI.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            titles = None
            if named and node.targets[0].id.lower().endswith("columns"):
                titles = node.value
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "speech.show":
                titles = node.args[1]
            if isinstance(titles, ast.Dict):
                bare += [
                    f"{path.name}:{text.lineno}"
                    for each in ast.walk(titles)  # and within what it is put together of
                    if isinstance(each, ast.Dict)
                    for text in each.values
                    if isinstance(text, ast.Constant) and text.value
                ]
    assert bare == [], bare
