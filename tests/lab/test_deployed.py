"""The stack, really deployed: SAM, CloudFormation, API Gateway, IAM and the container, on the cloud emulator."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.lab.conftest import Api, Environment
from tests.support.events import BOUNDARY, File, multipart
from tests.support.pictures import decoded
from tools.lab.commands import run

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

SAMPLE = ROOT / "docs" / "images" / "coffee.jpg"


def post(api: Api, path: Path = SAMPLE, **fields: str) -> tuple[int, bytes, str]:
    with path.open("rb") as file:
        answer = api.send("POST", "/rmbg", files={"image": (path.name, file)}, data=fields)
    return answer.status_code, answer.content, answer.headers["Content-Type"]


def test_a_photograph(deployed: Api) -> None:
    status, body, media_type = post(deployed)
    assert (status, media_type) == (200, "image/webp")
    image = decoded(body)
    assert (image.size, image.mode) == ((600, 400), "RGBA")
    assert image.getpixel((250, 200))[3] == 255  # type: ignore[index]
    assert image.getpixel((20, 20))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(("name", "mode"), [("png", "RGBA"), ("jpeg", "RGB"), ("bmp", "RGB"), ("webp", "RGBA")])
def test_every_format_comes_through_as_bytes(deployed: Api, name: str, mode: str) -> None:
    status, body, media_type = post(deployed, format=name, w="120")
    assert (status, media_type) == (200, f"image/{name}")
    image = decoded(body)
    assert (image.size, image.mode, image.format) == ((120, 80), mode, name.upper())


def test_errors(deployed: Api) -> None:
    answer = deployed.send("POST", "/rmbg", files={"image": ("a.exe", b"x")})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("File type '.exe' is not supported.")
    body = multipart([("image", File(SAMPLE.read_bytes())), ("w", "abc"), ("angle", "500")])
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = deployed.send("POST", "/rmbg", data=body, headers=headers)
    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["details"]] == ["w", "angle"]
    assert answer.headers["X-Request-Id"]


def test_the_rest_of_the_api(deployed: Api) -> None:
    health = deployed.send("GET", "/health")
    assert health.json()["max_upload_bytes"] == 4_600_000
    assert deployed.send("HEAD", "/health").status_code == 200
    assert deployed.send("GET", "/nope/at/all").json() == {"error": "Not found", "status": 404}
    wrong = deployed.send("PUT", "/rmbg")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST, OPTIONS")
    assert deployed.send("OPTIONS", "/rmbg").status_code == 204


def test_the_image_repository(cloud_environment: Environment, sam: Path) -> None:
    """What `make deploy` and `make destroy` do outside of the stack; both may run again."""
    command: list[str | Path] = [sam.with_name("python"), "-m", "tools.deployment"]
    uris = {run([*command, "repository", "Mixed-Case"], cloud_environment).decode().strip() for _ in range(2)}
    assert len(uris) == 1
    assert uris.pop().endswith("/mixed-case/background-removal")
    for _ in range(2):
        run([*command, "remove-repository", "Mixed-Case"], cloud_environment)
