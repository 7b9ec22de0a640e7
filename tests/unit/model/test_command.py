"""Commands run quietly in their folder, tell why they failed, and end with us."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from layers.model.command import CommandError, run

ROOT = Path(__file__).resolve().parents[3]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_it_runs_in_the_folder_with_the_environment_added(tmp_path: Path, monkeypatch, capfd):
    monkeypatch.setenv("ALREADY", "there")
    run(python("import os; print(os.getcwd(), os.environ['ALREADY'], os.environ['ADDED'])"), tmp_path, {"ADDED": "now"})
    assert (tmp_path / "command.log").read_text().split() == [str(tmp_path), "there", "now"]
    assert capfd.readouterr() == ("", "")


def test_a_failure_carries_the_first_lines(tmp_path: Path):
    with pytest.raises(CommandError) as caught:
        run(python("import sys; [print('line', i) for i in range(50)]; sys.exit(3)"), tmp_path)
    assert str(caught.value).splitlines() == [f"line {i}" for i in range(6)]


def test_a_silent_failure_carries_the_status(tmp_path: Path):
    with pytest.raises(CommandError, match="ended with status 3"):
        run(python("import sys; sys.exit(3)"), tmp_path)


def test_a_command_that_is_not_there(tmp_path: Path):
    with pytest.raises(CommandError, match="no-such-command cannot be started"):
        run(["no-such-command"], tmp_path)


def test_it_cannot_ask_anything(tmp_path: Path):
    child = "import sys; assert sys.stdin.read() == '', 'it was answered'"
    parent = f"import sys; from pathlib import Path; from layers.model.command import run; run({python(child)}, Path())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(python(parent), cwd=tmp_path, env=environment, input=b"yes", check=True)


def test_an_interrupt_ends_the_command_too(tmp_path: Path):
    code = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
    pid_file = tmp_path / "pid"

    def interrupt() -> None:
        deadline = time.monotonic() + 20
        while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(python(code), tmp_path)
    thread.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
