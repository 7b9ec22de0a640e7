"""Nothing outlives the gateway, however it ends; and it says what it cannot do."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.integration.local_gateway.gateways import (
    ROOT,
    START_SECONDS,
    TOY,
    Running,
    children,
    free_port,
    gateway,
    handles_signal,
    is_alive,
    wait_until,
)

# A model that is ready at once: its folder is the last line that the command prints.
READY_MODEL = [sys.executable, "-c", "import sys; print('note'); print('/models/' + sys.argv[1])"]
# One whose making takes for ever, and which has started a program of its own.
ENDLESS_MODEL = [
    sys.executable,
    "-m",
    "tools.local_gateway.supervised",
    "tests.integration.local_gateway.endless_model",
]


@contextmanager
def started_run(
    tmp_path: Path, prepare: list[str] = READY_MODEL, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """tools.run on the toy template, as `make run` would start it, in a process group of its own."""
    port = int(variables.get("PORT") or free_port())
    program = f"import pathlib, sys, tools.run; sys.exit(tools.run.main(pathlib.Path({str(TOY)!r}), {prepare!r}))"
    # the model's maker is started in the toy's folder, where this project is not
    paths = {"PYTHONPATH": str(ROOT), "STATE_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **paths, "PORT": str(port), "MODEL": "", "AWS_LIMITS": ""} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.communicate()


def until_ready(process: subprocess.Popen[str]) -> str:
    """The first line on standard output: it comes when everything answers."""
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    assert readable, "nothing was printed"
    return process.stdout.readline()


def test_a_run_from_start_to_end(tmp_path: Path) -> None:
    (tmp_path / "demo.env").write_text("BASE_URL=of an earlier run\n")
    with started_run(tmp_path) as (process, port):
        line = until_ready(process)
        base_url = f"http://127.0.0.1:{port}"
        assert base_url in line
        assert "isnet-general-use" in line
        assert process.stdout
        assert process.stdout.readline() == f"  curl -F image=@photo.jpg {base_url}/rmbg -o cutout.webp\n"
        assert "50 MB" in process.stdout.readline()
        assert (tmp_path / "demo.env").read_text() == f"BASE_URL={base_url}\n"
        environment = requests.get(base_url, timeout=10).json()["environment"]
        assert environment["MODEL_DIR"] == "/models/isnet-general-use"
        assert environment["MAX_UPLOAD_BYTES"] == "52428800"
        process.terminate()
        output, errors = process.communicate(timeout=5)
        assert process.returncode == 0
        assert output == ""
        assert "Traceback" not in errors
        assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_aws_limits_leave_the_templates_figures(tmp_path: Path) -> None:
    with started_run(tmp_path, AWS_LIMITS="1", MODEL="u2net") as (process, port):
        until_ready(process)
        environment = requests.get(f"http://127.0.0.1:{port}", timeout=10).json()["environment"]
        assert environment["MAX_UPLOAD_BYTES"] == "4600000"
        assert environment["MODEL_DIR"] == "/models/u2net"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_ends_everything_cleanly_even_under_load(
    number: signal.Signals, whole_group: bool, tmp_path: Path
) -> None:
    with started_run(tmp_path) as (process, port):
        until_ready(process)
        workers = children(process.pid)
        assert len(workers) >= 3
        with socket.create_connection(("127.0.0.1", port)) as calling, socket.create_connection(("127.0.0.1", port)):
            calling.sendall(b"POST /busy?sleep=0.4 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            began = time.monotonic()
            for _ in range(3):  # an impatient hand
                os.killpg(process.pid, number) if whole_group else process.send_signal(number)
                time.sleep(0.05)
            _, errors = process.communicate(timeout=10)
        assert process.returncode == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in errors
        assert not any(is_alive(worker) for worker in workers)


def test_a_call_that_takes_too_long_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with started_run(tmp_path) as (process, port):
        until_ready(process)
        workers = children(process.pid)
        with socket.create_connection(("127.0.0.1", port)) as calling:
            calling.sendall(b"POST /?busy HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nnever all of it")
            time.sleep(0.2)
            began = time.monotonic()
            process.terminate()
            _, errors = process.communicate(timeout=10)
            head, _, body = calling.makefile("rb").read().partition(b"\r\n\r\n")
        assert process.returncode == 0
        assert time.monotonic() - began < 5
        assert "Traceback" not in errors
        assert not any(is_alive(worker) for worker in workers)
        # cut off, and told so in the template's words
        assert head.startswith(b"HTTP/1.1 500 ")
        assert b"x-request-id: " in head.lower()
        assert json.loads(body) == {"error": "Internal server error", "status": 500}


@pytest.mark.parametrize("after_seconds", [0, 0.1, 0.2, 0.4])
def test_a_signal_during_the_start_is_heard(after_seconds: float, tmp_path: Path) -> None:
    with started_run(tmp_path) as (process, _):
        # before Python runs our first line, a signal has its default action
        assert wait_until(lambda: handles_signal(process.pid, signal.SIGTERM), 10)
        time.sleep(after_seconds)
        started = children(process.pid)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=5)
        assert process.returncode == 0
        assert "Traceback" not in errors
        assert not any(is_alive(child) for child in started)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_during_a_download_ends_the_download_and_what_it_started(
    number: signal.Signals, tmp_path: Path
) -> None:
    with started_run(tmp_path, ENDLESS_MODEL) as (process, _):
        (making,) = _wait_for_children(process.pid)
        (program,) = _wait_for_children(making)
        process.send_signal(number)
        process.communicate(timeout=5)
        assert process.returncode == (-number if number == signal.SIGKILL else 0)
        assert wait_until(lambda: not is_alive(making) and not is_alive(program), 1)
        assert not (tmp_path / "demo.env").exists()


def test_a_download_that_has_begun_may_clean_up(tmp_path: Path) -> None:
    with started_run(tmp_path, ENDLESS_MODEL) as (process, _):
        (making,) = _wait_for_children(process.pid)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=5)
        assert process.returncode == 0
        assert errors == "cleaned up\n"
        assert not is_alive(making)


def _wait_for_children(pid: int) -> set[int]:
    assert wait_until(lambda: children(pid), 10)
    return children(pid)


def test_a_gateway_that_is_killed_leaves_no_worker(tmp_path: Path) -> None:
    with started_run(tmp_path) as (process, port):
        until_ready(process)
        workers = children(process.pid)
        with socket.create_connection(("127.0.0.1", port)) as calling:
            calling.sendall(b"POST /busy?end=spin HTTP/1.1\r\nHost: x\r\n\r\n")  # one is not listening
            time.sleep(0.2)
            os.kill(next(iter(workers)), signal.SIGSTOP)  # and one cannot
            process.kill()
            assert wait_until(lambda: not any(is_alive(worker) for worker in workers), 1)


def test_a_port_in_use_is_said_before_anything_is_prepared(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (tmp_path / "demo.env").write_text("BASE_URL=of the other\n")
        with started_run(tmp_path, ENDLESS_MODEL, PORT=str(port)) as (process, _):
            output, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert errors == f"rmbg: port {port} is in use; choose another one: make run PORT={port + 1}\n"
    assert output == ""
    assert (tmp_path / "demo.env").read_text() == "BASE_URL=of the other\n"


def test_the_port_answers_only_when_everything_is_ready(tmp_path: Path) -> None:
    (tmp_path / "demo.env").write_text("BASE_URL=of an earlier run\n")
    with started_run(tmp_path, ENDLESS_MODEL) as (process, port):
        _wait_for_children(process.pid)
        assert not (tmp_path / "demo.env").exists()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)


def run_to_its_end(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """tools.run itself, when it has a reason not to serve."""
    environment = {**os.environ, "STATE_DIR": str(tmp_path), "MODEL": "", "AWS_LIMITS": ""} | variables
    command = [sys.executable, "-m", "tools.run"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("variables", [{"PORT": "http"}, {"AWS_LIMITS": "perhaps"}])
def test_an_option_that_makes_no_sense_is_one_line(variables: dict[str, str], tmp_path: Path) -> None:
    result = run_to_its_end(tmp_path, **variables)
    assert result.returncode == 2
    assert result.stderr.startswith("rmbg: ")
    assert result.stderr.count("\n") == 1


def test_an_unknown_model_lists_the_choices(tmp_path: Path) -> None:
    result = run_to_its_end(tmp_path, PORT=str(free_port()), MODEL="sam")
    assert result.returncode == 2
    assert "isnet-general-use" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_default_model_gives_way_to_one_that_needs_no_npm(tmp_path: Path) -> None:
    only_u2net = "import sys; name = sys.argv[1]; print('/models/' + name) if name == 'u2net' else sys.exit(1)"
    with started_run(tmp_path, [sys.executable, "-c", only_u2net]) as (process, port):
        assert "u2net" in until_ready(process)
        environment = requests.get(f"http://127.0.0.1:{port}", timeout=10).json()["environment"]
        assert environment["MODEL_DIR"] == "/models/u2net"
        process.terminate()
        _, errors = process.communicate(timeout=5)
    assert "isnet-general-use cannot be had here" in errors
    assert "u2net" in errors


def test_a_chosen_model_gives_way_to_no_other(tmp_path: Path) -> None:
    with started_run(tmp_path, [sys.executable, "-c", "raise SystemExit(1)"], MODEL="u2netp") as (process, _):
        process.communicate(timeout=10)
    assert process.returncode == 1


def test_a_reader_that_has_gone_is_no_reason_to_stop(tmp_path: Path) -> None:
    with started_run(tmp_path) as (process, port):
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stderr.close()

        def answers() -> bool:
            try:
                return requests.get(f"http://127.0.0.1:{port}", timeout=5).status_code == 200
            except requests.ConnectionError:
                return False

        assert wait_until(answers, START_SECONDS)
        assert answers()
        process.terminate()
        assert process.wait(5) == 0
        process.stdout = process.stderr = None


def test_a_function_that_cannot_be_loaded_ends_the_start_with_its_traceback() -> None:
    with pytest.raises(AssertionError) as caught, gateway(TOY.with_name("broken")):
        pass
    assert "RuntimeError: no such table" in str(caught.value)
    assert "failed: RuntimeError: no such table" in str(caught.value)


def test_a_gateway_in_a_terminal_that_is_closed(running: Running) -> None:
    """Workers lead sessions of their own: Ctrl-C reaches the gateway alone, which then ends them."""
    for worker in running.workers():
        assert os.getsid(worker) == worker
