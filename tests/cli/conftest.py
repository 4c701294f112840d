"""Commands run in this process, on a real PostgreSQL."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed, and how it ended."""

    said: str
    complained: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.said)


Fedsip = Callable[..., Outcome]


@pytest.fixture
def fedsip(db: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fedsip:
    """`fedsip("user", "add", ...)`; standard input is the given text and no terminal."""

    def run(*words: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = 0
        try:
            call_command(*words)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        printed = capsys.readouterr()
        return Outcome(printed.out, printed.err, code)

    return run


@pytest.fixture
def acme(fedsip: Fedsip) -> Fedsip:
    """A tenant acme with the domain example.com."""
    assert fedsip("tenant", "add", "acme").code == 0
    assert fedsip("domain", "add", "example.com", "--tenant", "acme").code == 0
    return fedsip
