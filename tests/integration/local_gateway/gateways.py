"""Starts gateways for tests, and talks to them over plain sockets where a library would be too well-behaved."""

import json
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[3]
TOY = Path(__file__).with_name("toy")
START_SECONDS = 30


@dataclass
class Running:
    """A gateway process, where it answers, and what it has written to standard error."""

    process: subprocess.Popen[bytes]
    port: int
    errors: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    def workers(self) -> set[int]:
        """Processes that the gateway has started and that are alive."""
        return {child for child in children(self.process.pid) if is_alive(child)}

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def exchange(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes on a new connection and read one answer by its Content-Length."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_answer(connection)


def read_answer(connection: socket.socket, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body of the next answer; nothing after it is read."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"the connection ended after {head!r}"
        head += byte
    status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = b""
    length = int(headers.get("content-length", 0)) if has_body else 0
    while len(body) < length:
        piece = connection.recv(min(1 << 16, length - len(body)))
        assert piece, "the connection ended inside a body"
        body += piece
    return int(status_line.split()[1]), headers, body


@contextmanager
def gateway(root: Path = TOY, **options: Any) -> Iterator[Running]:
    """A gateway that is ready; killed at the end, and its workers must be gone then."""
    with tempfile.NamedTemporaryFile("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.local_gateway.launch", json.dumps({"root": str(root)} | options)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout
        running = Running(process, 0, Path(errors.name))
        try:
            readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
            line = process.stdout.readline() if readable else b""
            assert line, f"the gateway did not start: {running.log()}"
            running.port = int(line)
            yield running
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then the end; its children must go with it."""
    workers = children(process.pid)
    process.terminate()
    try:
        process.wait(10)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    assert wait_until(lambda: not any(is_alive(worker) for worker in workers), 2), "workers were left behind"


def wait_until(condition: Any, seconds: float) -> bool:
    """Whether a condition came true within a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def echoed(response: requests.Response) -> dict[str, Any]:
    """The event that the echo function got."""
    document: dict[str, Any] = response.json()
    event: dict[str, Any] = document["event"]
    return event


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    return _status(pid)[0] not in ("", "Z")


def children(pid: int) -> set[int]:
    """The processes whose parent a process is."""
    return {child for child in _processes() if _status(child)[1] == pid}


def _processes() -> list[int]:
    if Path("/proc/self/stat").exists():
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    listing = subprocess.run(["ps", "-A", "-o", "pid="], capture_output=True, check=True, text=True).stdout
    return [int(line) for line in listing.split()]


def _status(pid: int) -> tuple[str, int]:
    """State letter and parent of a process; nothing of one that has gone."""
    if Path("/proc/self/stat").exists():
        try:
            # the second field, a name in brackets, may hold anything
            state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            return "", 0
        return state, int(parent)
    command = ["ps", "-o", "stat=,ppid=", "-p", str(pid)]
    fields = subprocess.run(command, capture_output=True, check=False, text=True).stdout.split()
    return (fields[0][0], int(fields[1])) if len(fields) == 2 else ("", 0)


def handles_signal(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal; where nobody can say, it has had a second to install one."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        time.sleep(1)
        return True
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (number - 1) & 1)
