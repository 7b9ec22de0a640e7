"""A container engine: the machine's own if it answers, else Debian's, started here."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.lab.commands import ROOT, CommandFailed, run

STATE = ROOT / ".cache" / "lab"
_START_SECONDS = 60
_STOP_SECONDS = 30


class NoEngine(Exception):
    """No container engine answers, and none can be started; the message says why."""


@contextmanager
def container_engine() -> Iterator[dict[str, str]]:
    """Yield the environment under which `docker` works; what was started is stopped at the end."""
    STATE.mkdir(parents=True, exist_ok=True)
    if answers({}):
        yield {}
        return
    if os.geteuid() != 0:
        raise NoEngine("no container engine answers, and starting one needs root: start Docker and try again")
    if shutil.which("dockerd") is None:
        install_packages("docker.io", "iptables")
    # A socket's path may have 108 characters: the project's folder may be deeper than that.
    with tempfile.TemporaryDirectory(prefix="rmbg-lab-") as folder:
        environment = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
        daemon = _start(Path(folder), environment)
        try:
            yield environment
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(_STOP_SECONDS)


def answers(environment: dict[str, str]) -> bool:
    """Whether a container engine answers under this environment."""
    try:
        run(["docker", "info"], environment, timeout_seconds=20)
    except (CommandFailed, OSError, subprocess.TimeoutExpired):
        return False
    return True


def install_packages(*packages: str) -> None:
    """Debian packages, without their services and recommendations."""
    if shutil.which("apt-get") is None:
        raise NoEngine(f"apt-get is not here; install {', '.join(packages)} by hand")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], quiet)


def _start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    log = STATE / "dockerd.log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            [
                "dockerd",
                *("--host", environment["DOCKER_HOST"]),
                *("--data-root", str(STATE / "docker")),
                *("--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "dockerd.pid")),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not answers(environment):
        if daemon.poll() is not None or time.monotonic() > deadline:
            daemon.kill()
            raise NoEngine(f"dockerd did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.2)
    return daemon
