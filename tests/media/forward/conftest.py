"""Both engines, on both loops: libuv treats the errors of sockets in a way of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvloop

from fedsip_platform.launch import relay_compiler
from media.forward import library
from media.forward.native import NativeEngine
from media.forward.python import PythonEngine


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


Made = Callable[..., Any]
"""An engine, of the arguments that PythonEngine takes."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the native engine: the installed one if it is of these sources, else new."""
    if library.of().exists():
        return library.FOLDER
    folder = tmp_path_factory.mktemp("relay")
    assert relay_compiler.prepare(folder) == ""
    return folder


# Compiling wants a compiler, which only the machine of the slow tests is sure to have.
@pytest.fixture(params=["python", pytest.param("native", marks=pytest.mark.e2e)])
def engine(request: pytest.FixtureRequest) -> Made:
    if request.param == "python":
        return PythonEngine
    return partial(NativeEngine, folder=request.getfixturevalue("built"))
