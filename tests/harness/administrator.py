"""`./fedsip WORDS`, again and again in one process: Django is loaded once, not for each command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.harness.processes import PeerFailed

ROOT = Path(__file__).resolve().parents[2]

# Each line in: words and standard input. Each line out: exit code and all that was printed.
_COMMANDS = """
import contextlib, io, json, os, sys, traceback
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fedsip_platform.settings")
from django.core.management import execute_from_command_line
asked, answers = sys.stdin, sys.stdout
for line in asked:
    words, given = json.loads(line)
    said, code = io.StringIO(), 0
    sys.stdin = io.StringIO(given)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            execute_from_command_line(["fedsip", *words])
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            code = 1
            traceback.print_exc()
    print(json.dumps([code, said.getvalue()]), file=answers, flush=True)
"""


class Administrator:
    """Runs commands one after the other. Starts with the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._process: subprocess.Popen[str] | None = None

    def run(self, words: tuple[str, ...], stdin: str = "") -> str:
        """What the command printed; a command that fails raises PeerFailed with it."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([words, stdin]) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise PeerFailed(f"fedsip {' '.join(words)}: the process ended ({process.poll()})")
        code, said = json.loads(answer)
        if code:
            raise PeerFailed(f"fedsip {' '.join(words)}: {said}")
        return str(said)

    def stop(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _COMMANDS],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._environment,
                cwd=ROOT,
                text=True,
            )
        return self._process
