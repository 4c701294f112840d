"""docs/api.md: every example is sent as it stands, and answered as the page says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fedsip_platform.api import tokens
from fedsip_platform.webhooks import signing
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"\$([A-Z]+)")
HERE = "https://testserver"
ANYTHING = "..."

Known = dict[str, str]
"""What answers have shown where the page has $NAME."""


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(PAGE.read_text())


def examples() -> Iterator[tuple[str, str]]:
    """Each command with the answer that the page shows below it."""
    for (kind, command), (below, answer) in pairwise(blocks()):
        if kind == "sh" and not command.startswith("TOKEN="):
            assert below == "http", f"no answer below {command}"
            yield command, answer


def send(api: Api, command: str, known: Known) -> Any:
    """What curl would send; `api` is the page's own shell function."""
    words = [VARIABLE.sub(lambda name: known[name[1]], word) for word in shlex.split(command)]
    if words[0] == "api":
        words = ["curl", "-sS", "-i", "-X", words[1], f"/api/v1/{words[2]}", *words[3:]]
    method, address, body = "GET", "", None
    headers: dict[str, str] = {}
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-sS" | "-i":
                pass
            case "-X":
                method = next(rest)
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "--json":
                body = next(rest)
                headers["Accept"] = "application/json"
            case _:
                address = word.removeprefix(HERE)
    given = {} if body is None else {"data": body, "content_type": "application/json"}
    return api._client.generic(
        method, address, secure=True, headers={**api._headers, **headers}, **given
    )


def check(answer: Any, shown: str, known: Known) -> None:
    """Assert that the answer has all that the page shows of it."""
    head, _, body = shown.partition("\n\n")
    first, *lines = head.splitlines()
    content = answer.getvalue() if answer.streaming else answer.content
    assert f"{answer.status_code} {answer.reason_phrase}" == first, content
    for line in lines:
        name, _, value = line.partition(": ")
        matches(value, answer.headers[name], known)
    if not body:
        return
    if answer.headers["Content-Type"] == "application/x-ndjson":
        rows = [json.loads(line) for line in content.splitlines()]
        matches([json.loads(line) for line in body.splitlines()], rows, known)
    else:
        matches(json.loads(body), json.loads(content), known)


def matches(expected: Any, got: Any, known: Known) -> None:
    """`$NAME` stands for what it was at its first place, `...` for any text."""
    match expected:
        case dict():
            assert set(expected) <= set(got), got
            for name, value in expected.items():
                matches(value, got[name], known)
        case list():
            assert len(expected) == len(got), got
            for each, other in zip(expected, got, strict=True):
                matches(each, other, known)
        case str() if VARIABLE.fullmatch(expected):
            assert got
            assert known.setdefault(expected[1:], got) == got
        case str() if ANYTHING in expected:
            before, _, after = expected.partition(ANYTHING)
            assert got.startswith(before)
            assert got.endswith(after)
        case _:
            assert got == expected


@pytest.fixture
def _dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A DNS that knows example.org, and no more of it than that it exists."""
    with DnsThread(Zones({"example.org": "@ A 192.0.2.1"})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield


@pytest.mark.usefixtures("_dns")
def test_the_examples_are_answered_as_shown(acme: World, rival: World) -> None:
    _token, text = tokens.create(acme.people["owner"], "script", "write", tenant=acme.tenant)
    program = Api(token=text)
    known: Known = {"TOKEN": text}
    for command, shown in examples():
        check(send(program, command, known), shown, known)
    assert len(list(examples())) == sum(kind == "http" for kind, _ in blocks()) > 20
    assert set(known) == {"TOKEN", "ETAG", "RULE", "NEXT", "WEBHOOK", "SECRET"}


def test_the_signature_check_knows_ours_from_others() -> None:
    [code] = [text for kind, text in blocks() if kind == "python"]
    names: dict[str, Any] = {}
    exec(code, names)  # the page's own, which people will copy
    is_genuine = names["is_genuine"]
    ours = signing.sign("secret", b'{"event": "test"}', 1_000_000)
    assert is_genuine("secret", ours, b'{"event": "test"}', 1_000_010.5)
    assert not is_genuine("other", ours, b'{"event": "test"}', 1_000_010.5)
    assert not is_genuine("secret", ours, b'{"event": "best"}', 1_000_010.5)
    assert not is_genuine("secret", ours, b'{"event": "test"}', 1_000_400)


def test_the_page_reads_a_difference() -> None:
    """The comparison itself: it would see a wrong value, a missing field, a changed variable."""
    for expected, got in (
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {}),
        ([1], [1, 2]),
        ('"..."', "x"),
        (["$X", "$X"], ["1", "2"]),
    ):
        with pytest.raises(AssertionError):
            matches(expected, got, {})
