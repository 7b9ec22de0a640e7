"""The image: built by SAM, run under Lambda's Runtime Interface Emulator as Lambda would run it."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT
from tests.lab.conftest import IMAGE, MEMORY_MB, Environment
from tests.support.pictures import decoded
from tests.support.service import free_port
from tools.lab.commands import CommandFailed, run
from tools.lab.store import ContainerStore

pytestmark = [pytest.mark.container, pytest.mark.timeout(900)]

EVENTS = ROOT / "events"


@pytest.fixture(scope="module")
def function_url(built: Environment, tables: ContainerStore) -> Iterator[str]:
    """The image, read-only but for /tmp, with the memory and the processors of its Lambda, and tables to call."""
    port = free_port()
    settings = ["MODEL_DIR=/opt/model", "MAX_RESPONSE_BYTES=6225000", f"AWS_LAMBDA_FUNCTION_MEMORY_SIZE={MEMORY_MB}"]
    settings += [f"{name}={value}" for name, value in {**tables.functions, **tables.credentials}.items()]
    command = ["docker", "run", "--detach", "--rm", "--read-only", "--tmpfs", "/tmp", "--memory", f"{MEMORY_MB}m"]
    command += ["--cpus", f"{MEMORY_MB / 1769:.2f}", "--publish", f"127.0.0.1:{port}:8080"]
    for setting in settings:
        command += ["--env", setting]
    container = run([*command, IMAGE], built).decode().strip()
    try:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        run(["docker", "stop", "--time", "1", container], built)


def invoke(url: str, event: str, **headers: str) -> requests.Response:
    document = json.loads((EVENTS / event).read_bytes())
    document["headers"] |= headers
    document["multiValueHeaders"] |= {name: [value] for name, value in headers.items()}
    body = json.dumps(document)
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


def test_a_picture_is_charged_under_the_emulator(function_url: str, tables: ContainerStore) -> None:
    charged = {
        key: invoke(function_url, "rmbg_multipart.json", **headers).json()["multiValueHeaders"]["X-Credits-Charged"]
        for key, headers in (("none", {}), ("demo", {"X-Api-Key": tables.api_key}))
    }
    assert charged == {"none": ["0"], "demo": ["1"]}


def test_the_image_holds_nothing_of_its_building(built: Environment) -> None:
    listing = run(["docker", "run", "--rm", "--entrypoint", "find", IMAGE, "/var/task", "/opt/model", "/tmp"], built)
    files = listing.decode().splitlines()
    assert [name for name in files if name.startswith("/tmp/")] == []
    assert not [name for name in files if name.endswith(("requirements.txt", "Dockerfile", "Makefile", ".whl"))]
    top = {Path(name).relative_to("/var/task").parts[0] for name in files if name.startswith("/var/task/")}
    # Lambda's own boto3 changes under us: ours is the one that was tested
    assert {"rmbg", "functions", "PIL", "onnxruntime", "boto3", "jwt", "cryptography"} <= top
    assert not top & {"tests", "tools", "layers", "onnx", "pip", "scipy", "numba"}
    assert any("/rmbg/__pycache__/" in name for name in files)  # compiled: Lambda could not keep it
    owned = [name for name in files if name.startswith("/var/task/functions/")]
    assert not [name for name in owned if "account_api" in name]


STATUSES = {
    "rmbg_multipart": 200,
    "rmbg_not_an_image": 400,
    "membership_usage": 200,  # with the demo account's key
    "jobs_post": 201,
    "jobs_get": 200,
    "api_keys": 401,
    "health": 200,
    "head_health": 200,
    "not_found": 404,
    "method_not_allowed": 405,
    "preflight": 204,
}
# What the function tells the queue; S3 itself expects nothing.
OBJECT_ANSWERS: dict[str, dict[str, list[object]]] = {
    "s3_object_created": {},
    "sqs_image_objects": {"batchItemFailures": []},
}


def test_every_event_has_its_status() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == STATUSES.keys() | OBJECT_ANSWERS.keys()


@pytest.mark.parametrize("event", STATUSES)
def test_sam_local_invoke(built: Environment, event: str) -> None:
    """As `make invoke` does it."""
    result = json.loads(run(invocation(event), built))
    assert result["statusCode"] == STATUSES[event]
    if event == "rmbg_multipart":
        assert decoded(base64.b64decode(result["body"])).width == 80
    if event == "membership_usage":
        assert json.loads(result["body"])["membership"] == "Demo"
    if event == "jobs_post":
        assert json.loads(result["body"])["upload"]["fields"]["policy"]
    if event == "jobs_get":
        assert json.loads(result["body"])["status"] == "waiting_for_upload"


@pytest.mark.parametrize("event", OBJECT_ANSWERS)
def test_sam_local_invoke_of_an_object(built: Environment, event: str) -> None:
    """An event of S3 as it comes, and from a queue: the picture in the inbox becomes one beside it."""
    command = [str(word) for word in invocation(event)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **built}, capture_output=True, check=True)
    assert json.loads(done.stdout) == OBJECT_ANSWERS[event]
    told = done.stderr.decode().splitlines()[-1]
    assert re.fullmatch(r'"results/[^/]+/holiday photos/disc 1\+1 Фото\.png": [1-9]\d* bytes', told), told


def invocation(event: str) -> list[str | Path]:
    return [sys.executable, "-m", "tools.lab.invoke", EVENTS / f"{event}.json", "--skip-pull-image"]


def test_what_is_no_event_is_told(built: Environment) -> None:
    for path in (ROOT / "README.md", ROOT / "samconfig.json"):
        with pytest.raises(CommandFailed, match=r"status 2\nrmbg: .* is no event of this API"):
            run([sys.executable, "-m", "tools.lab.invoke", path], built)


def catalogues(built: Environment) -> list[object]:
    """The plans in the layer and in the image."""
    layer = ROOT / ".aws-sam" / "build" / "CoreLayer" / "python" / "rmbg" / "catalogue.json"
    command = ["docker", "run", "--rm", "--entrypoint", "cat", IMAGE, "/var/task/rmbg/catalogue.json"]
    return [json.loads(layer.read_bytes()), json.loads(run(command, built))]


def test_both_artifacts_have_the_operator_s_plans(built: Environment, tmp_path: Path) -> None:
    ours = json.loads((ROOT / "layers" / "core" / "rmbg" / "catalogue.json").read_bytes())
    assert catalogues(built) == [ours, ours]
    file = tmp_path / "plans.json"
    file.write_text("{}")
    with pytest.raises(CommandFailed, match=r"rmbg: the catalogue plans\.json: "):
        run(["make", "build", f"CATALOGUE={file}"], built)
    theirs = {**ours, "plans": [{**plan, "burst": plan["burst"] + 1} for plan in ours["plans"]]}
    file.write_text(json.dumps(theirs))
    try:
        run(["make", "build", f"CATALOGUE={file}"], built)
        assert catalogues(built) == [theirs, theirs]
    finally:
        run(["make", "build"], built)
    assert catalogues(built) == [ours, ours]
