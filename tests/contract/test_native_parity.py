"""The compiled proxy does what its sources say: the same tests pass on both.

Compiles the sources as they stand, which takes minutes; hence among the slow ones.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fedsip_platform.launch import compiler
from proxy import native

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

_RUN = """\
import sys
from pathlib import Path
from proxy import native
assert native.choose(pure=False, folder=Path(sys.argv[1])) == native.COMPILED
import proxy.routing.route, proxy.sip.message
assert proxy.sip.message.__file__.endswith(".so"), proxy.sip.message.__file__
assert proxy.routing.route.__file__.endswith(".so"), proxy.routing.route.__file__
import pytest
sys.exit(pytest.main(["-q", "-m", "not db and not e2e", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed build if it is one of these sources, else a new one."""
    if native.state() == native.COMPILED:
        return native.FOLDER
    folder = tmp_path_factory.mktemp("build") / "native"
    assert compiler.prepare(folder) == ""
    return folder


@pytest.mark.parametrize(
    "area",
    [
        *("sip", "transaction", "core", "routing", "transport"),
        *("location", "observe", "directory", "locate", "relay"),
    ],
)
def test_the_compiled_modules_pass_the_same_tests(built: Path, area: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(built), f"tests/{area}"],
        cwd=native.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
