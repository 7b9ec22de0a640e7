"""One table of requests to the local gateway, to `sam local start-api` and to the deployed stack: the same answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from tests.conftest import MODELS, ROOT
from tests.lab.conftest import Api
from tests.support.events import BOUNDARY, File, multipart
from tests.support.pictures import disc, encoded
from tests.support.service import running_service

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

FORM = f"multipart/form-data; boundary={BOUNDARY}"
PHOTO = (ROOT / "docs" / "images" / "coffee.jpg").read_bytes()
# What differs from request to request, or is the gateway's own business.
COMPARED_HEADERS = (
    "Content-Type",
    "Content-Disposition",
    "X-Width",
    "X-Height",
    "X-Credits-Charged",
    "Allow",
    "Cache-Control",
    "X-Content-Type-Options",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Methods",
)


@dataclass(frozen=True)
class Request:
    """A row of the table; `differences` names places that answer otherwise, and why that is the emulator's doing."""

    name: str
    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    differences: dict[str, str] = field(default_factory=dict)
    ignored_headers: tuple[str, ...] = ()


def form(name: str, *parts: tuple[str, File | str | bytes], **arguments: object) -> Request:
    return Request(name, "POST", "/rmbg", multipart(parts), {"Content-Type": FORM}, **arguments)  # type: ignore[arg-type]


REQUESTS = (
    form("webp", ("image", File(PHOTO))),
    form("png", ("image", File(PHOTO)), ("format", "png"), ("w", "64"), ("angle", "30")),
    form("mask", ("image", File(PHOTO)), ("mask", "true"), ("format", "bmp"), ("h", "50")),
    form("name", ("image", File(encoded(disc(60, 40), "PNG"), "фото 1.png", None)), ("bg_color", "red")),
    form("no-image", ("w", "3")),
    form("empty-name", ("image", File(b"x", ""))),
    form("extension", ("image", File(b"x", "a.gif"))),
    form("empty-file", ("image", File(b""))),
    form("no-picture", ("image", File(bytes(range(256)) * 40))),
    form("parameters", ("image", File(PHOTO)), ("w", b"\xff\xfe"), ("angle", "1e9"), ("mask", "maybe")),
    form("canvas", ("image", File(PHOTO)), ("w", "10000"), ("h", "10000"), ("angle", "45")),
    Request("json", "POST", "/rmbg", b"{}", {"Content-Type": "application/json"}),
    Request("no-body", "POST", "/rmbg"),
    Request("health", "GET", "/health"),
    Request("health-head", "HEAD", "/health"),
    Request("health-query", "GET", "/health?a=1&a=2&b=%20%2B"),
    Request("not-found", "GET", "/nope/at/all"),
    Request("root", "GET", "/"),
    Request("wrong-method", "PUT", "/rmbg"),
    Request("wrong-method-of-health", "POST", "/health", b"x"),
    Request("preflight", "OPTIONS", "/rmbg", None, {"Origin": "https://example.com"}, {}, ("Content-Type",)),
    form(
        "too-large-for-lambda",
        ("image", File(bytes(5_000_000))),
        differences={
            "sam_local": "knows no 413: the emulator inside cuts the event at 6 MB, and the runtime fails on it: 502",
            "deployed": "knows no 413: it passes the event on whole, and the emulator inside cuts it: 502",
        },
    ),
)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    assert (MODELS / "isnet-general-use" / "model.json").is_file()  # `make build` has prepared it
    settings = {"MODEL": "isnet-general-use", "AWS_LIMITS": "1"}
    with running_service(tmp_path_factory.mktemp("state"), **settings) as service:
        yield Api(service.base_url)


def shown(answer: requests.Response, request: Request) -> dict[str, object]:
    headers = {name: answer.headers.get(name) for name in COMPARED_HEADERS if name not in request.ignored_headers}
    return {"status": answer.status_code, "body": answer.content, "headers": headers}


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.name)
@pytest.mark.parametrize("place", ["sam_local", "deployed"])
def test_the_same_answer(place: str, request_: Request, local: Api, request: pytest.FixtureRequest) -> None:
    api: Api = request.getfixturevalue(place)
    here, there = (
        shown(where.send(request_.method, request_.path, data=request_.body, headers=request_.headers), request_)
        for where in (local, api)
    )
    if place in request_.differences:
        assert here != there, f"the difference is gone: {request_.differences[place]}"
        return
    assert there == here


def test_every_known_difference_has_a_reason() -> None:
    for row in REQUESTS:
        assert all(len(reason) > 20 for reason in row.differences.values())
