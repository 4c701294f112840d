"""Every sentence that a page shows goes through gettext: in a language where each is in brackets,
no page has a word outside them, but for what people and phones have written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import trans_real

from fedsip_platform import languages
from fedsip_platform.api import throttles, tokens
from fedsip_platform.people import services as people
from fedsip_platform.people.urls import urlpatterns as account_patterns
from fedsip_platform.tasks.models import Letter
from tests.harness.catalogue import catalogue
from tests.platform.aims import AIMED
from tests.platform.test_dashboard_isolation import (
    CHANGING,
    OF_OPERATORS,
    SHOWN,
    address,
    addresses_of,
)
from tests.platform.test_isolation import LISTS
from tests.platform.world import Api, World, make_person

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_WORDS = {
    # what the people of tests/platform/world.py and their phones have written
    *("acme", "Acme", "alice", "Alice", "eric", "carrier", "sales", "An", "Authority", "test"),
    # names that no language translates, and protocols' own words
    *("fedsip", "UTC", "MOS", "BYE", "SIP", "SRTP", "UDP", "TCP", "TLS", "Call", "ID"),
    *("NAPTR", "SRV", "AAAA"),
}
THEIRS = "mfa_add_webauthn: Name: Name"
"""django-allauth gives this field no label of its own."""
PROGRAMS_WORDS = {
    *("Escape", "Enter", "ArrowLeft", "ArrowRight", "Content-Type", "Accept", "Messages"),
    *("NotFoundError", "OverconstrainedError", "Terminated", "Notification", "Reason"),
}
"""Strings of scripts that no person reads: names of keys, header fields, errors and states."""
SENTENCE = re.compile(r"""["`]((?:[A-Z][a-z]|[a-z]+ [a-z]+ )[^"`]*)["`]""")
MARKED = re.compile(r"""\b_\((".*?")[,)]""")
VOID = {"input", "img", "meta", "link", "br", "hr"}
SILENT = {"script", "style", "code", "pre", "kbd", "samp"}
"""Their text is for programs, or is what programs say."""
SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-on", "data-waiting")
WORD = re.compile(r"[^\W\d_]{2,}")
WRITTEN = re.compile(r"\S*[@/:=_.\\]\S*\w\S*|\S*\d\S*|[+*^$]\S*")
"""Addresses, names of hosts and files, expressions, numbers with their letters."""


class Brackets(trans_real.DjangoTranslation):
    """A language in which every sentence is English in brackets."""

    def __init__(self, language: str = languages.ENGLISH[0]) -> None:
        super().__init__(language)

    def gettext(self, message: str) -> str:
        return f"⟦{message.rpartition(chr(4))[2]}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


@pytest.fixture
def _in_brackets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    brackets = Brackets()
    monkeypatch.setitem(trans_real._translations, languages.ENGLISH[0], brackets)
    monkeypatch.setattr(trans_real, "_default", brackets)
    translation.activate(languages.ENGLISH[0])
    yield
    translation.deactivate()  # a request's language stays that of its thread


class Reader(HTMLParser):
    """Collects the words outside brackets that a person reads on a page, or has read to her."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self._silent: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_written = tag in SILENT or given.get("translate") == "no"
        if (is_written or tag in self._silent[-1:]) and tag not in VOID:
            self._silent.append(tag)
        for name in SPOKEN if not self._silent else ():
            self._look(given.get(name) or "", 0)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._depth = self._look(data, self._depth)

    def _look(self, text: str, depth: int) -> int:
        bare = []
        for letter in text:
            depth += (letter == "⟦") - (letter == "⟧")
            bare.append(letter if depth == 0 and letter != "⟧" else " ")
        words = WORD.findall(WRITTEN.sub(" ", "".join(bare)))
        if any(word not in WRITTEN_WORDS for word in words):
            self.wrong.append(f"{' '.join(words)}: {' '.join(text.split())[:160]}")
        return depth


def untranslated(name: str, answer: HttpResponse) -> Iterator[str]:
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        reader = Reader()
        reader.feed(answer.content.decode())
        yield from (f"{name}: {each}" for each in reader.wrong)


def plain_addresses() -> dict[str, str]:
    """Pages of one's account, signed in or not, that need nothing but their address."""
    found = dict(addresses_of(account_patterns))
    return {
        str(name): f"/{path}"
        for name, path in found.items()
        if "<" not in path and name not in ("sign-out", "account_logout")
    }


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.usefixtures("_in_brackets")
def test_every_page_speaks_the_language(acme: World, operator: Any) -> None:
    subscriber = make_person("dora@people.example")
    people.own(acme.user, subscriber)
    _, link = people.invite(acme.tenant, "invited@people.example", "admin")
    pages = {name: address(name, acme, keys, acme) for name, keys in SHOWN.items()}
    of_operators = {name: find(acme) for name, find in OF_OPERATORS.items()}
    own = {"mine": reverse("my-user", args=[acme.user.public_id]), "phone": reverse("phone")}
    owner = Api(acme.people["owner"])._client
    walks: list[tuple[Client, dict[str, str]]] = [
        (owner, pages | plain_addresses()),
        (Api(acme.people["viewer"])._client, pages),
        (Api(operator)._client, of_operators),
        (Api(subscriber)._client, own),
        (Client(), plain_addresses() | {"invitation": link, "nothing": "/nothing"}),
    ]
    wrong = {
        each
        for client, some in walks
        for name, path in some.items()
        for each in untranslated(name, client.get(path, secure=True))
        if each != THEIRS
    }
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.usefixtures("_in_brackets")
def test_every_refusal_speaks_the_language(acme: World) -> None:
    owner = Api(acme.people["owner"])._client
    bad = dict.fromkeys(("name", "target", "host", "username", "url", "pattern", "email"), "?")
    bad |= {
        "match_regex": "(",
        "tran_user": "\\9",
        "priority": "-1",
        "codecs": "what",
        "dialled": "",
    }
    paths = {name: address(name, acme, keys, acme) for name, (keys, _) in CHANGING.items()}
    wrong = {
        each
        for name, path in paths.items()
        for body in ({}, bad)
        if not name.endswith("delete")
        for each in untranslated(name, owner.post(path, body, secure=True, follow=True))
    }
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.usefixtures("_in_brackets")
def test_letters_speak_the_language(acme: World) -> None:
    people.invite(acme.tenant, "dora@people.example", "admin", base_url="https://fedsip.example")
    letter = Letter.objects.latest("pk")
    for text in (letter.subject, letter.body):
        reader = Reader()
        reader.feed(text)
        assert not reader.wrong


def test_sentences_are_there_to_be_extracted() -> None:
    """xgettext finds literals alone."""
    called = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext"}
    for path in [*ROOT.glob("admin_ui/**/*.py"), *ROOT.glob("fedsip_platform/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                first = node.args[0] if node.args else None
                is_literal = isinstance(first, ast.Constant)
                assert node.func.id not in called or is_literal, f"{path}:{node.lineno}"


def test_what_scripts_say_is_there_to_be_extracted() -> None:
    """Each sentence in them is a literal within _(...)."""
    for path in ROOT.glob("admin_ui/frontend/**/*.js"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = MARKED.sub("", re.sub(r"(?<!:)//.*", "", line))
            said = set(SENTENCE.findall(code)) - PROGRAMS_WORDS
            assert not said, f"{path}:{number}"


@pytest.mark.db
@pytest.mark.django_db
def test_scripts_are_told_the_words_of_the_language(acme: World) -> None:
    page = Api(acme.people["owner"])._client.get(reverse("words"), secure=True)
    assert page["Content-Type"].startswith("text/javascript")
    assert b"django.gettext" in page.content
    assert page["Cache-Control"] == "private, max-age=3600"


@pytest.mark.parametrize(
    ("asked", "spoken", "direction"),
    [
        ("ar-EG", "ar", "rtl"),
        ("xx", "en-gb", "ltr"),
        ("../x", "en-gb", "ltr"),
        ("", "en-gb", "ltr"),
    ],
)
def test_widgets_are_told_the_words_of_their_page_s_language(
    settings: Any, tmp_path: Path, asked: str, spoken: str, direction: str
) -> None:
    """Whatever its reader's browser asks for, and from pages of every site."""
    settings.LANGUAGES = [languages.ENGLISH, ("ar", "العربيّة")]
    settings.LOCALE_PATHS = [catalogue(tmp_path, "ar", {"Ready": "جاهز"})]
    answer = Client().get(
        reverse("words-of-widget"), {"language": asked}, secure=True, HTTP_ACCEPT_LANGUAGE="de"
    )
    told = answer.json()
    assert (told["language"], told["direction"]) == (spoken, direction)
    assert told["sentences"].get("Ready") == ("جاهز" if spoken == "ar" else None)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Content-Language"] == spoken
    assert answer["Cache-Control"] == "public, max-age=3600"


def test_what_is_said_at_import_is_said_later() -> None:
    """A module is read once, in no person's language."""
    for path in [*ROOT.glob("admin_ui/**/*.py"), *ROOT.glob("fedsip_platform/**/*.py")]:
        text = path.read_text()
        if "import gettext_lazy as _" in text or "import gettext as _" not in text:
            continue
        waiting: list[ast.AST] = [ast.parse(text)]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            assert not (is_call and node.func.id == "_"), f"{path}:{node.lineno}"
            waiting += ast.iter_child_nodes(node)


def test_nothing_stands_in_the_way_of_the_name_of_gettext() -> None:
    for path in [*ROOT.glob("admin_ui/**/*.py"), *ROOT.glob("fedsip_platform/**/*.py")]:
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            inside = list(ast.walk(function))
            called = {id(each.func) for each in inside if isinstance(each, ast.Call)}
            named = [each for each in inside if isinstance(each, ast.Name) and each.id == "_"]
            is_set = any(isinstance(each.ctx, ast.Store) for each in named)
            is_called = any(id(each) in called for each in named)
            assert not (is_set and is_called), f"{path}: {function.name}"


def test_compiled_catalogues_are_offered(tmp_path: Path) -> None:
    assert languages.offered(tmp_path) == [languages.ENGLISH]
    compiled = tmp_path / "de" / "LC_MESSAGES" / "django.mo"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    (tmp_path / "fr" / "LC_MESSAGES").mkdir(parents=True)
    assert languages.offered(tmp_path) == [languages.ENGLISH, ("de", "Deutsch")]


def untold(problem: dict[str, Any]) -> list[str]:
    """What a problem body says in words outside brackets; its title is HTTP's own phrase."""
    reader = Reader()
    for text in (problem["detail"], *(each["reason"] for each in problem.get("errors", ()))):
        reader.feed(escape(text))
    return reader.wrong


@pytest.mark.db
@pytest.mark.django_db
@pytest.mark.usefixtures("_in_brackets")
def test_every_refusal_of_the_api_speaks_the_language(
    acme: World, rival: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttles, "ANONYMOUS_PER_MINUTE", 10_000)
    owner = acme.people["owner"]
    callers = {
        "stranger": (Api(), rival),
        "wrong token": (Api(token="fedsip_0123456789ab_wrong"), rival),
        "reading token": (Api(token=tokens.create(owner, "t", "audit:read")[1]), acme),
        "viewer": (Api(acme.people["viewer"]), acme),
        "neighbour": (Api(owner), rival),
        "stale": (Api(owner), acme),
        "bad": (Api(owner), acme),
        "empty": (Api(owner), acme),
    }
    wrong, walked = set(), set()
    for name, (caller, world) in callers.items():
        headers = {"If-Match": '"old"'} if name == "stale" else {}
        for (path, method), aims in AIMED.items():
            for aim in aims:
                address_, body = aim(world)
                if isinstance(body, dict):
                    body = {"bad": dict.fromkeys(body, "?"), "empty": {}}.get(name, body)
                with transaction.atomic():
                    answer = caller.call(method, address_, body, headers)
                    transaction.set_rollback(True)
                if answer.status_code >= 400:
                    said = {f"{method} {path}: {each}" for each in untold(answer.json())}
                    wrong |= said
                    walked.add((path, method))
    for path, _ in LISTS:
        for query in ("cursor=x", "limit=x", "fields=x", "order=x", "since=x", "nothing=x"):
            answer = Api(owner).get(f"{path}?{query}")
            wrong |= {f"{path}?{query}: {each}" for each in untold(answer.json())}
    assert not wrong, "\n".join(sorted(wrong))
    assert walked == set(AIMED)


@pytest.mark.db
@pytest.mark.django_db
def test_the_api_answers_in_the_language_that_is_asked_for(
    acme: World, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Accept-Language, among the languages that are offered."""
    settings.LANGUAGES = [languages.ENGLISH, ("de", "Deutsch")]
    monkeypatch.setitem(trans_real._translations, "de", Brackets("de"))
    owner = Api(acme.people["owner"])
    for asked, is_german in (("de-AT, en;q=0.5", True), ("fr", False), ("en", False)):
        answer = owner.get("domains/nothing.example", **{"Accept-Language": asked})
        is_so = answer.json()["detail"].startswith("⟦")
        assert is_so == is_german, asked
        assert answer.headers["Content-Language"] == ("de" if is_german else "en-gb")
        assert "Accept-Language" in answer.headers["Vary"]
