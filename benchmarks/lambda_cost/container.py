"""The image under Lambda's Runtime Interface Emulator, with the memory and processors that Lambda gives by its size."""

import http.client
import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rmbg.config import MB_PER_VCPU
from tools.lab.commands import CommandFailed, run

IMAGE: Final = "backgroundremovalfunction:latest"  # SAM's name for what `make build` builds
_UP_SECONDS: Final = 30
_CALL_SECONDS: Final = 300
_INIT: Final = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)")
_INVOKE: Final = re.compile(r"INVOKE RTDONE\(status: success, produced bytes: \d+, duration: ([\d.]+)ms\)")
# The runtime's process is the emulator's child; /proc is all that a minimal image has to tell of it.
_PROCESS_FILE: Final = (
    "import pathlib, sys\n"
    "for it in pathlib.Path('/proc').glob('[0-9]*'):\n"
    "    command = (it / 'cmdline').read_bytes()\n"
    "    if command.startswith(b'/var/lang/bin/python') and b'awslambdaric' in command:\n"
    "        print((it / sys.argv[1]).read_text())"
)
_TICKS_PER_SECOND: Final = 100  # USER_HZ of Linux on all of Lambda's architectures (proc(5), time(7))


class DiedInTheCall(Exception):
    """The container gave no answer, as when it runs out of memory."""


@dataclass(frozen=True, slots=True)
class Container:
    """A running image; `engine` is the environment under which `docker` works."""

    name: str
    port: int
    engine: Mapping[str, str]

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The function's result; the first call includes INIT. Raises DiedInTheCall."""
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations"
        request = urllib.request.Request(url, json.dumps(event).encode())
        try:
            with urllib.request.urlopen(request, timeout=_CALL_SECONDS) as answer:
                result: dict[str, Any] = json.load(answer)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise DiedInTheCall(str(error)) from error
        if "statusCode" not in result:  # the emulator's own word on a runtime that ended
            raise DiedInTheCall(json.dumps(result)[:200])
        return result

    def init_seconds(self) -> float:
        """From the start of the runtime's process to ready for the first call, by the emulator's own report."""
        return float(_INIT.findall(self._log())[0]) / 1000

    def call_seconds(self) -> list[float]:
        """Of all calls so far, by the emulator's own report: without the way of the event to it."""
        return [float(milliseconds) / 1000 for milliseconds in _INVOKE.findall(self._log())]

    def memory(self) -> dict[str, int]:
        """VmRSS and VmHWM of the runtime's process (and what else /proc/PID/status tells in kB), in bytes."""
        sizes = re.findall(r"^(\w+):\s+(\d+) kB$", self._process_file("status"), re.MULTILINE)
        return {name: int(kilobytes) * 1024 for name, kilobytes in sizes}

    def cpu_seconds(self) -> float:
        """Processor time of the runtime's process since its start."""
        user, system = self._process_file("stat").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS_PER_SECOND

    def _process_file(self, name: str) -> str:
        return run(["docker", "exec", self.name, "python", "-c", _PROCESS_FILE, name], self.engine).decode()

    def _log(self) -> str:
        return run(["sh", "-c", f"docker logs {self.name} 2>&1"], self.engine).decode(errors="replace")


@contextmanager
def running_image(
    engine: Mapping[str, str],
    memory_mb: int,
    variables: Mapping[str, str],
    *,
    model_dir: Path | None = None,
    image: str = IMAGE,
) -> Iterator[Container]:
    """The image read-only but for /tmp, gone with the block. `model_dir` is mounted in place of the built-in model.

    Raises CommandFailed and TimeoutError.
    """
    port = _free_port()
    settings = {"MODEL_DIR": "/opt/model", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb), **variables}
    command = ["docker", "run", "--detach", "--rm", "--read-only", "--tmpfs", "/tmp"]
    command += ["--memory", f"{memory_mb}m", "--memory-swap", f"{memory_mb}m"]
    command += ["--cpus", f"{memory_mb / MB_PER_VCPU:.2f}", "--publish", f"127.0.0.1:{port}:8080"]
    if model_dir:
        command += ["--volume", f"{model_dir.resolve()}:/opt/model:ro"]
    for name, value in settings.items():
        command += ["--env", f"{name}={value}"]
    container = Container(run([*command, image], engine).decode().strip(), port, engine)
    try:
        _wait_until_up(port)
        yield container
    finally:
        with suppress(CommandFailed):  # it may have ended by itself
            run(["docker", "stop", "--time", "1", container.name], engine)


def _wait_until_up(port: int) -> None:
    """Until the emulator answers: it starts the function with the first call, not before."""
    deadline = time.monotonic() + _UP_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the emulator does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
