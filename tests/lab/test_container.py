"""The image: built by SAM, run under Lambda's Runtime Interface Emulator as Lambda would run it."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.lab.conftest import IMAGE, MEMORY_MB, Environment
from tests.support.pictures import decoded
from tests.support.service import free_port
from tools.lab.commands import run

pytestmark = [pytest.mark.container, pytest.mark.timeout(900)]

EVENTS = ROOT / "events"


@pytest.fixture(scope="module")
def function_url(built: Environment) -> Iterator[str]:
    """The image, read-only but for /tmp, with the memory and the processors of its Lambda."""
    port = free_port()
    settings = ["MODEL_DIR=/opt/model", "MAX_RESPONSE_BYTES=6225000", f"AWS_LAMBDA_FUNCTION_MEMORY_SIZE={MEMORY_MB}"]
    command = ["docker", "run", "--detach", "--rm", "--read-only", "--tmpfs", "/tmp", "--memory", f"{MEMORY_MB}m"]
    command += ["--cpus", f"{MEMORY_MB / 1769:.2f}", "--publish", f"127.0.0.1:{port}:8080"]
    for setting in settings:
        command += ["--env", setting]
    container = run([*command, IMAGE], built).decode().strip()
    try:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        run(["docker", "stop", "--time", "1", container], built)


def invoke(url: str, event: str) -> requests.Response:
    body = (EVENTS / event).read_bytes()
    for _ in range(100):
        try:
            return requests.post(url, data=body, timeout=60)
        except requests.ConnectionError:  # the emulator is not up yet
            time.sleep(0.1)
    raise AssertionError("the container does not answer")


def test_a_picture_under_the_emulator(function_url: str) -> None:
    for _ in range(3):
        answer = invoke(function_url, "rmbg_multipart.json").json()
        assert answer["statusCode"] == 200
        image = decoded(base64.b64decode(answer["body"]))
        assert (image.format, image.mode, image.width) == ("PNG", "RGBA", 80)
        assert image.getpixel((40, 30))[3] > 250  # type: ignore[index]
        assert image.getpixel((1, 1))[3] == 0  # type: ignore[index]


def test_an_error_under_the_emulator(function_url: str) -> None:
    answer = invoke(function_url, "rmbg_not_an_image.json").json()
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["status"] == 400


def test_the_image_holds_nothing_of_its_building(built: Environment) -> None:
    listing = run(["docker", "run", "--rm", "--entrypoint", "find", IMAGE, "/var/task", "/opt/model", "/tmp"], built)
    files = listing.decode().splitlines()
    assert [name for name in files if name.startswith("/tmp/")] == []
    assert not [name for name in files if name.endswith(("requirements.txt", "Dockerfile", "Makefile", ".whl"))]
    top = {Path(name).relative_to("/var/task").parts[0] for name in files if name.startswith("/var/task/")}
    assert {"rmbg", "functions", "PIL", "onnxruntime"} <= top
    assert not top & {"tests", "tools", "layers", "onnx", "pip", "boto3", "scipy", "numba"}
    assert any("/rmbg/__pycache__/" in name for name in files)  # compiled: Lambda could not keep it
    owned = [name for name in files if name.startswith("/var/task/functions/")]
    assert not [name for name in owned if "account_api" in name]


STATUSES = {
    "rmbg_multipart": 200,
    "rmbg_not_an_image": 400,
    "health": 200,
    "head_health": 200,
    "not_found": 404,
    "method_not_allowed": 405,
    "preflight": 204,
}


def test_every_event_has_its_status() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == set(STATUSES)


@pytest.mark.parametrize("event", STATUSES)
def test_sam_local_invoke(built: Environment, sam: Path, event: str) -> None:
    function = "BackgroundRemovalFunction" if event.startswith("rmbg") else "AccountApiFunction"
    command: list[str | Path] = [
        sam,
        "local",
        "invoke",
        function,
        "--skip-pull-image",
        "--event",
        EVENTS / f"{event}.json",
    ]
    result = json.loads(run(command, built))
    assert result["statusCode"] == STATUSES[event]
    if event == "rmbg_multipart":
        assert decoded(base64.b64decode(result["body"])).width == 80
