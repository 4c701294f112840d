"""Compiles the proxy's hot modules by mypyc, where there is a C compiler (`./fedsip build`).

The sources are compiled as they are, in a folder of their own; what comes out lies in .venv, since
it belongs to that Python. A machine without a compiler runs the sources and is told so. Which
modules, and how the proxy takes them: proxy/native.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from fedsip_platform.launch import install, progress
from fedsip_platform.launch.problem import Problem
from proxy import native

LOG = "build.log"
REQUIREMENTS = Path(__file__).with_name("build-requirements.txt")
_BUILD = """\
import sys
from mypyc.build import mypycify
from setuptools import Extension, setup

out, *names = sys.argv[1:]
in_c = [name for name in names if name.endswith(".c")]
options = ["--ignore-missing-imports", "--explicit-package-bases"]
options += [name for name in names if name not in in_c]
helpers = [Extension(name[:-2].replace("/", "."), [name]) for name in in_c]
setup(
    name="fedsip-native",
    packages=[],
    # A file for each module: the C compiler takes ten times the memory for one of them all.
    ext_modules=[*mypycify(options, opt_level="2", debug_level="0", multi_file=True), *helpers],
    script_args=["--quiet", "build_ext", "--build-lib", out],
)
"""
_IMPORT = """\
import sys
from importlib import import_module
from pathlib import Path
from proxy import native

sys.meta_path.insert(0, native.finder(Path(sys.argv[1])))
import_module(sys.argv[2])
"""


def c_compiler() -> list[str]:
    """The C compiler's command, as for Python's own extensions; empty where there is none."""
    words = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    return words if shutil.which(words[0]) else []


def missing() -> str:
    """What a machine lacks to compile, as a sentence; empty where nothing is missing."""
    if not c_compiler():
        return "there is no C compiler; on Debian: apt-get install gcc libc6-dev python3-dev"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        return "Python.h is missing; on Debian: apt-get install python3-dev"
    return ""


def prepare(folder: Path = native.FOLDER, root: Path = native.ROOT) -> str:
    """Compile unless it is done; returns why it was not possible, or "". Raises Problem."""
    if native.state(folder, root) == native.COMPILED:
        return ""
    lacking = missing()
    if lacking:
        return lacking
    try:
        install.install(Path(sys.prefix), REQUIREMENTS)
    except install.InstallFailed as failed:
        raise Problem(str(failed)) from failed
    with progress.step("compiling the proxy (a minute or two)"):
        _compile(folder, root)
    return ""


def described() -> str:
    """How the proxy runs when it is started next, for `up` and `status`."""
    if os.environ.get("FEDSIP_PURE", "").lower() == "on":
        return "plain Python, as FEDSIP_PURE says"
    match native.state():
        case native.COMPILED:
            return "compiled"
        case native.STALE:
            return "plain Python: sources have changed since ./fedsip build"
    return "plain Python: ./fedsip build makes it faster"


def _compile(folder: Path, root: Path) -> None:
    """Into a new folder, put in the old one's place when it is whole."""
    wanted = native.fingerprint(root)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="fedsip-build-") as text:
        place = Path(text)
        for package in ("proxy", "media"):
            shutil.copytree(root / package, place / package)
        words = [sys.executable, "-c", _BUILD, str(fresh), *native.sources(root)]
        environment = {**os.environ, "PYTHONPATH": ""}
        done = subprocess.run(
            words, cwd=place, env=environment, capture_output=True, text=True, check=False
        )
    said = done.stdout + done.stderr
    if done.returncode == 0:
        (fresh / native.MARK).write_text(wanted + "\n")
        said = faults(fresh, root)
    if said:
        shutil.rmtree(fresh, ignore_errors=True)
        log = folder.with_name(LOG)
        log.write_text(said)
        raise Problem(f"the proxy cannot be compiled and runs as it is (everything said: {log})")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def faults(folder: Path, root: Path = native.ROOT) -> str:
    """What goes wrong where a compiled module is imported before all others, each in a process of
    its own; "" when nothing does. One that needs another's classes before they are made would end
    the proxy by a signal, and which comes first is a matter of who imports what."""
    said = []
    for name in native.sources(root):
        module = name.rpartition(".")[0].replace("/", ".")
        words = [sys.executable, "-c", _IMPORT, str(folder), module]
        done = subprocess.run(words, cwd=native.ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said.append(f"{module} cannot be imported first: {done.returncode}\n{done.stderr}")
    return "".join(said)
