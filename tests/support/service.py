"""`make run` as a test starts and stops it: its own port and state folder, waited for by what it promises."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
STOP_SECONDS = 10


@dataclass(frozen=True)
class Service:
    """A running service: where it answers, and where it keeps its state."""

    base_url: str
    state_dir: Path
    process: subprocess.Popen[bytes]

    @property
    def demo(self) -> dict[str, str]:
        """BASE_URL, API_KEY, USER_ID and USER_TOKEN, as a shell would read them."""
        return read_demo_env(self.state_dir / "demo.env")


def read_demo_env(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_service(state_dir: Path, **environment: str) -> Iterator[Service]:
    """Start what `make run` starts, wait until it is ready, and stop it with SIGTERM."""
    port = free_port()
    settings = {"PORT": str(port), "STATE_DIR": str(state_dir), "MODEL": "u2netp", **environment}
    log = state_dir / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.run"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, state_dir / "demo.env", log)
        yield Service(f"http://127.0.0.1:{port}", state_dir, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(STOP_SECONDS) == 0, log.read_text(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _wait_until_ready(process: subprocess.Popen[bytes], demo_env: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if demo_env.is_file():
            base_url = read_demo_env(demo_env)["BASE_URL"]
            if requests.get(f"{base_url}/health", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"the service did not start:\n{log.read_text(errors='replace')}")
