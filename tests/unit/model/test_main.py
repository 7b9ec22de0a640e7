"""The command line: the folder alone on standard output, everything for people on standard error."""

from pathlib import Path

import pytest

from layers.model import __main__ as command_line
from layers.model.errors import ModelUnavailable


@pytest.fixture
def asked(monkeypatch) -> list[tuple[object, ...]]:
    calls: list[tuple[object, ...]] = []

    def ensure_model(name, cache_dir, progress, *, force):
        calls.append((name, cache_dir, force))
        progress("working")
        return cache_dir / name

    monkeypatch.setattr(command_line, "ensure_model", ensure_model)
    return calls


def test_the_last_line_on_standard_output_is_the_folder(asked, capsys):
    assert command_line.main(["u2netp"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == ".cache/models/u2netp"
    assert err == "rmbg: working\n"
    assert asked == [("u2netp", Path(".cache/models"), False)]


def test_cache_and_force(asked):
    assert command_line.main(["u2net", "--cache", "elsewhere", "--force"]) == 0
    assert asked == [("u2net", Path("elsewhere"), True)]


def test_without_a_name_it_is_the_default(asked):
    assert command_line.main([]) == 0
    assert asked[0][0] == "isnet-general-use"


def test_an_unknown_name(tmp_path: Path, capsys):
    assert command_line.main(["u2nte", "--cache", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "rmbg: there is no model named 'u2nte'; choose one of: isnet-general-use, u2net, u2netp\n"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ModelUnavailable("u2net: no network"), 1, "rmbg: u2net: no network\n"),
        (KeyboardInterrupt(), 130, "rmbg: interrupted; nothing half-made is kept\n"),
    ],
)
def test_errors_are_one_message_without_a_traceback(monkeypatch, capsys, error, status, said):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(command_line, "ensure_model", fail)
    assert command_line.main(["u2net"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err == said
