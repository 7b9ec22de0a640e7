"""The running service, and the real JavaScript client installed from its lock."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from layers.model.node import find_node, find_npm
from tests.conftest import MODELS, ROOT
from tests.support.service import Service, running_service

JAVASCRIPT = Path(__file__).parent / "javascript"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("state")) as service:
        yield service


@pytest.fixture(scope="session")
def limited(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Iterator[Service]:
    """One with AWS's limits, so that large results do not fit into an answer."""
    with running_service(tmp_path_factory.mktemp("limited"), AWS_LIMITS="1") as service:
        yield service


@pytest.fixture(scope="session")
def node() -> list[str]:
    command = find_node(MODELS)
    assert command, "Node.js is neither on this machine nor could its wheel be installed"
    return command


@pytest.fixture(scope="session")
def javascript(node: list[str]) -> Path:
    """The folder with the client's package, as published, in node_modules."""
    npm = find_npm(MODELS)
    assert npm, "npm is neither on this machine nor could its wheel be installed"
    folder = ROOT / ".cache" / "e2e" / "javascript"
    folder.mkdir(parents=True, exist_ok=True)
    for source in JAVASCRIPT.iterdir():
        if source.is_file():
            shutil.copy(source, folder)
    subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        check=True,
        timeout=300,
        env={**os.environ, "PATH": os.pathsep.join([str(Path(node[0]).parent), os.environ["PATH"]])},
    )
    return folder
