"""DynamoDB, S3 and SQS on the loopback interface: `ministack` in a process and a virtual environment of its own.

It needs no Docker and no account, and knows nothing of this machine's AWS settings.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS
from tools.local_store.errors import EmulatorFailed, StartCancelled, StateUnreadable
from tools.local_store.state import LockedState, locked

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = ROOT / ".cache" / "venvs" / "ministack" / "bin" / "python"

_START_SECONDS: Final = 30.0
_HEALTH_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.02
# It ends by itself 3 seconds after it was told to.
_STOP_SECONDS: Final = 4.0
# Of this machine, and only where it is set: to find a home, a place for files, shared libraries.
_PASSED_ON: Final = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator."""

    endpoint_url: str
    pid: int
    _process: subprocess.Popen[bytes] = field(repr=False)

    def has_ended(self) -> bool:
        """Whether the process is gone, which it should not be inside the block."""
        return self._process.poll() is not None


@contextmanager
def running_emulator(
    state_dir: Path | LockedState | None,
    *,
    log: Path,
    bind_host: str = "127.0.0.1",
    also_called: Sequence[str] = (),
    environment: Mapping[str, str] = _NOTHING,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Emulator]:
    """Start the emulator on a free port, wait until it answers, and end it with the block. Blocks.

    With `state_dir` everything is kept in that folder, which is locked; with None, nothing is kept. A change is saved
    when the block ends, when this process ends in any way, kill -9 included, and 0.25 seconds after it was made (where
    saving takes longer than 12 ms: after 20 times as long). So changes are lost only by a kill -9 of the emulator's own
    process, those of that last moment, and by a loss of power, those that the system had not written to disk. The bytes
    of S3 objects are in their files when the request is answered.

    Requests must call it by `bind_host`, or by one of `also_called`, with its port. Its output goes to `log`.
    `environment` adds to its settings. `cancelled` is asked while we wait.
    Raises StateInUse, StateNotOurs, StateUnreadable, EmulatorFailed, StartCancelled and OSError.
    """
    if not PYTHON.is_file():
        raise EmulatorFailed("the store's emulator is not installed; run: sh tools/side_venv.sh ministack")
    with ExitStack() as stack:
        if isinstance(state_dir, Path):
            state_dir = stack.enter_context(locked(state_dir, cancelled=cancelled))
        if state_dir is None:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rmbg-store-")))
            folders = {"STATE_DIR": str(scratch / "tables"), "S3_DATA_DIR": str(scratch / "objects")}
        else:
            _check_readable(state_dir)
            folders = {"STATE_DIR": str(state_dir.tables), "S3_DATA_DIR": str(state_dir.objects)}
            folders |= {"PERSIST_STATE": "1", "S3_PERSIST": "1"}
        listener = stack.enter_context(_bound(bind_host))
        port = listener.getsockname()[1]
        inherited = [listener.fileno()] + ([state_dir.descriptor] if state_dir else [])
        host = "127.0.0.1" if bind_host == "0.0.0.0" else bind_host  # noqa: S104 - compared, not bound
        names = [f"{name}:{port}" for name in (host, *also_called)]
        process = _start(listener, names, inherited, log, {**_environment(port, folders), **environment})
        stack.callback(_end, process)
        listener.close()  # the child's alone: when it has ended, nobody answers
        _wait_until_healthy(process, host, port, log, cancelled)
        yield Emulator(f"http://{host}:{port}", process.pid, process)


def _check_readable(state: LockedState) -> None:
    """The emulator begins anew with what it cannot read, and would then write over it."""
    for path in sorted(state.tables.glob("*.json")):
        try:
            json.loads(path.read_bytes())
        except ValueError as error:
            raise StateUnreadable(f"the kept store {path} cannot be read; begin anew: make run FRESH=1") from error


def _bound(host: str) -> socket.socket:
    """A free port that is ours from now on: nobody can take it before the emulator listens. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        listener.bind((host, 0))
    except OSError:
        listener.close()
        raise
    return listener


def _environment(port: int, folders: Mapping[str, str]) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **folders,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        "GATEWAY_PORT": str(port),
        # All others answer that they are not there. Lambda's would run any code for whoever reaches the port.
        "SERVICES": "dynamodb,s3,sqs",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": PSEUDO_PARAMETERS["AWS::Region"],
        "MINISTACK_ACCOUNT_ID": PSEUDO_PARAMETERS["AWS::AccountId"],
        # It would remove the containers of other emulators on this machine, and listen on fixed ports.
        "DOCKER_HOST": f"unix://{os.devnull}/none",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _start(
    listener: socket.socket, names: list[str], inherited: list[int], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(PYTHON), "-m", "tools.local_store.emulator_process", str(listener.fileno()), *names],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,  # its lifeline
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=inherited,
            start_new_session=True,  # Ctrl-C is its parent's to handle
        )


def _wait_until_healthy(
    process: subprocess.Popen[bytes], host: str, port: int, log: Path, cancelled: Callable[[], bool]
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _is_healthy(host, port):
        if cancelled():
            raise StartCancelled
        if process.poll() is not None:
            raise EmulatorFailed(f"the store's emulator ended at its start (status {process.returncode}), see {log}")
        if time.monotonic() > deadline:
            raise EmulatorFailed(f"the store's emulator did not answer within {_START_SECONDS:.0f} seconds, see {log}")
        time.sleep(_POLL_SECONDS)


def _is_healthy(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it save and end; by force when it does not."""
    process.send_signal(signal.SIGTERM)  # nothing happens to a process that has ended
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
