"""The lab: a container engine, the built stack, and the stack deployed on a cloud emulator."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import ROOT
from tests.support.service import free_port
from tools.lab.base_image import ensure_base_image
from tools.lab.cloud import REGION, cloud
from tools.lab.commands import run, side_venv
from tools.lab.engine import container_engine

IMAGE = "backgroundremovalfunction:latest"  # SAM's name for what it builds
# Named as in a registry, SAM finds nothing to push: the emulator takes the image from the engine.
REPOSITORY = f"000000000000.dkr.ecr.{REGION}.amazonaws.com/rmbg"
STACK = "rmbg-test"
MEMORY_MB = 3008
START_SECONDS = 120

Environment = dict[str, str]


@dataclass(frozen=True)
class Api:
    """A place where the API answers; `headers` go with every request."""

    base_url: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {**self.headers, **arguments.pop("headers", {})}
        return requests.request(method, self.base_url + path, headers=headers, timeout=60, **arguments)


@pytest.fixture(scope="session")
def engine() -> Iterator[Environment]:
    with container_engine() as environment:
        yield environment


@pytest.fixture(scope="session")
def built(engine: Environment) -> Environment:
    """`make build` was run: the environment for SAM, and an image in the engine."""
    ensure_base_image(engine)
    environment = {**engine, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "MODEL": "isnet-general-use"}
    run(["make", "build"], environment)
    return environment


@pytest.fixture(scope="session")
def sam() -> Path:
    return side_venv("sam") / "sam"


@pytest.fixture(scope="session")
def cloud_environment(built: Environment) -> Iterator[Environment]:
    """The environment for AWS's tools against the running cloud emulator."""
    with cloud(built, MEMORY_MB) as aws:
        yield {**built, **aws}


@pytest.fixture(scope="session")
def deployed(built: Environment, cloud_environment: Environment, sam: Path) -> Iterator[Api]:
    """The unmodified template, but for the local image's name, deployed on the emulator; deleted at the end."""
    run(["docker", "tag", IMAGE, f"{REPOSITORY}:test"], built)
    folder = ROOT / ".aws-sam" / "build"
    template = folder / "template.yaml"
    text, replaced = re.subn(r"ImageUri: .*", f"ImageUri: {REPOSITORY}:test", template.read_text(encoding="utf-8"))
    assert replaced >= 1
    with_image = folder / "deployed.yaml"
    with_image.write_text(text, encoding="utf-8")
    options = ["--stack-name", STACK, "--region", REGION]
    deploy = ["deploy", "--template-file", str(with_image), *options, "--resolve-s3", "--no-confirm-changeset"]
    deploy += ["--image-repository", REPOSITORY, "--capabilities", "CAPABILITY_IAM"]
    run([sam, *deploy], cloud_environment)
    outputs = json.loads(run([sam, "list", "stack-outputs", "--output", "json", *options], cloud_environment))
    (url,) = [output["OutputValue"] for output in outputs if output["OutputKey"] == "ApiUrl"]
    matched = re.fullmatch(r"https://(\w+)\.execute-api\.[\w.-]+/(\w+)", url)
    assert matched, url
    endpoint = cloud_environment["AWS_ENDPOINT_URL"]
    host = f"{matched[1]}.execute-api.localhost:{endpoint.rpartition(':')[2]}"
    yield Api(f"{endpoint}/{matched[2]}", {"Host": host})
    run([sam, "delete", *options, "--no-prompts"], cloud_environment)


@pytest.fixture(scope="session")
def sam_local(built: Environment, sam: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """`sam local start-api` over the built stack."""
    port = free_port()
    log = tmp_path_factory.mktemp("sam") / "start-api.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(str(sam), "local", "start-api", "--host", "127.0.0.1", "--port", str(port)),
                *("--warm-containers", "EAGER", "--skip-pull-image"),
            ],
            cwd=ROOT,
            env={**os.environ, **built},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    api = Api(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if api.send("GET", "/health").status_code == 200:
                    break
            except requests.ConnectionError:
                pass
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.3)
        yield api
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
