"""A cloud on this machine: an emulator of CloudFormation, API Gateway, Lambda, DynamoDB, IAM and the rest."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools.lab.commands import side_venv
from tools.lab.engine import STATE
from tools.lab.network import doorway

REGION = "eu-central-1"
_START_SECONDS = 60
_STOP_SECONDS = 30


@contextmanager
def cloud(engine: dict[str, str], memory_mb: int) -> Iterator[dict[str, str]]:
    """Yield the environment under which AWS's tools talk to the emulator; functions run in containers.

    A function is given the credentials of its role, with which it calls the emulator back, and the emulator holds every
    call against the role's policies. `engine` is the environment of the container engine, `memory_mb` bounds each
    function's container. Raises CommandFailed and RuntimeError.
    """
    door = doorway(engine)
    host = door.bind_host
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    settings = {
        "AUTH": "true",
        "BIND_HOST": host,
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "docker",
        "LAMBDA_STRICT": "1",
        # What functions call, and sign URLs for: by its address, as a bucket's name before a host's would lead nowhere.
        "AWS_ENDPOINT_URL": f"http://{door.container_host}:{port}",
        "LAMBDA_DOCKER_FLAGS": f"-m {memory_mb}m",
    }
    # What whoever runs this has set for AWS is not the emulator's: its endpoint would be that of the functions.
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (STATE / "cloud.log").open("wb") as output:
        process = subprocess.Popen(
            [side_venv("ministack") / "ministack"],
            env={**own, **engine, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(host, port, process)
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "SAM_CLI_TELEMETRY": "0",
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)


def _wait_for(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the emulator did not start, see {STATE / 'cloud.log'}") from None
            time.sleep(0.1)
        else:
            return
