"""One table of requests to the local gateway, to `sam local start-api` and to the deployed stack: the same answers.

Each place is called with the key of an account of its own, on the same plan, unless a row says otherwise.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

from rmbg.domain.keys import api_key
from tests.conftest import MODELS, ROOT
from tests.lab.conftest import Api
from tests.support.events import BOUNDARY, File, multipart
from tests.support.pictures import disc, encoded
from tests.support.service import running_service

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

JSON = {"Content-Type": "application/json"}
FORM = f"multipart/form-data; boundary={BOUNDARY}"
PHOTO = (ROOT / "docs" / "images" / "coffee.jpg").read_bytes()
# What differs from request to request, or is the gateway's own business.
COMPARED_HEADERS = (
    "Content-Type",
    "Content-Disposition",
    "X-Width",
    "X-Height",
    "X-Credits-Charged",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "Allow",
    "Cache-Control",
    "X-Content-Type-Options",
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Methods",
)


# These count: that they are there is compared.
PRESENT_HEADERS = ("RateLimit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "X-Request-Id")
# Of callers without a key: each place has a quota of its own.
QUOTAS = ("RateLimit-Policy", "X-RateLimit-Limit")


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
    anonymous: bool = False


def form(name: str, *parts: tuple[str, File | str | bytes], **arguments: object) -> Request:
    headers = {"Content-Type": FORM, **arguments.pop("headers", {})}  # type: ignore[dict-item]
    return Request(name, "POST", "/rmbg", multipart(parts), headers, **arguments)  # type: ignore[arg-type]


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
    form("anonymous", ("image", File(b"x")), anonymous=True, ignored_headers=QUOTAS),
    form("invalid-key", ("image", File(PHOTO)), headers={"x-api-key": "rmbg_live_no"}),
    form("unknown-key", ("image", File(PHOTO)), headers={"x-api-key": api_key("0" * 36)}),
    form("both", ("image", File(PHOTO)), headers={"Authorization": "Bearer x"}),
    form("garbage-token", ("image", File(PHOTO)), headers={"Authorization": "Bearer garbage"}, anonymous=True),
    form("other-scheme", ("image", File(PHOTO)), headers={"Authorization": "Basic eDp5"}, anonymous=True),
    form("bad-idempotency-key", ("image", File(PHOTO)), headers={"Idempotency-Key": "x" * 256}),
    Request("usage-without-a-key", "GET", "/api/membership-usage", anonymous=True),
    Request("usage-of-a-bad-key", "GET", "/api/membership-usage", None, {"x-api-key": "rmbg_live_no"}),
    Request("usage-parameters", "GET", "/api/membership-usage?year=x&month=13&month=1&periodStartUnix=-1"),
    Request("usage-wrong-method", "POST", "/api/membership-usage", b"x"),
    Request("usage-preflight", "OPTIONS", "/api/membership-usage", ignored_headers=("Content-Type",)),
    Request("api-keys-without-a-token", "GET", "/api/api-keys", anonymous=True),
    Request("api-keys-with-a-key", "POST", "/api/api-keys"),
    Request("api-keys-with-garbage", "GET", "/api/api-keys", None, {"Authorization": "Bearer garbage"}, anonymous=True),
    Request("api-key-revoked-by-nobody", "DELETE", "/api/api-keys/abc", anonymous=True),
    Request("api-key-wrong-method", "PUT", "/api/api-keys/abc"),
    Request("jobs-without-a-key", "POST", "/jobs", b"{}", JSON, anonymous=True),
    Request("jobs-of-a-bad-key", "POST", "/jobs", b"{}", {**JSON, "x-api-key": "rmbg_live_no"}),
    Request("jobs-no-object", "POST", "/jobs", b"[]", JSON),
    Request("jobs-no-filename", "POST", "/jobs", b"{}", JSON),
    Request("jobs-extension", "POST", "/jobs", b'{"filename": "a.gif"}', JSON),
    Request("jobs-too-large", "POST", "/jobs", b'{"filename": "a.jpg", "size_bytes": 52428801}', JSON),
    Request("jobs-parameters", "POST", "/jobs", b'{"filename": "a.jpg", "w": "x", "angle": 1e9}', JSON),
    Request("jobs-wrong-method", "GET", "/jobs"),
    Request("jobs-preflight", "OPTIONS", "/jobs", ignored_headers=("Content-Type",)),
    Request("job-of-nobody", "GET", "/jobs/job_0000000000000000000000"),
    Request("job-of-no-such-id", "GET", "/jobs/a%20b"),
    Request("job-without-a-key", "GET", "/jobs/job_0000000000000000000000", anonymous=True),
    Request("job-wrong-method", "DELETE", "/jobs/job_0000000000000000000000"),
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
    Request("stripe-unsigned", "POST", "/webhooks/stripe", b"{}", {"Content-Type": "application/json"}),
    Request("stripe-without-a-body", "POST", "/webhooks/stripe"),
    Request("stripe-badly-signed", "POST", "/webhooks/stripe", b"{}", {"Stripe-Signature": "t=1,v1=00"}),
    Request("stripe-wrong-method", "GET", "/webhooks/stripe", anonymous=True),
    Request("stripe-wrong-method-with-a-body", "PUT", "/webhooks/stripe", b"{}"),
    Request("stripe-head", "HEAD", "/webhooks/stripe"),
    Request("stripe-preflight", "OPTIONS", "/webhooks/stripe", ignored_headers=("Content-Type",)),
    Request("stripe-longer-path", "POST", "/webhooks/stripe/more", b"{}"),
    Request("stripe-shorter-path", "GET", "/webhooks"),
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
        api = Api(service.base_url, ("--local",), {"STATE_DIR": str(service.state_dir)})
        yield api.as_(api.new_account())


def shown(answer: requests.Response, ignored_headers: tuple[str, ...] = ()) -> dict[str, object]:
    headers = {name: answer.headers.get(name) for name in COMPARED_HEADERS if name not in ignored_headers}
    headers["policies"] = ", ".join(re.findall(r'"\w+"', answer.headers.get("RateLimit-Policy", "")))
    present = [name for name in PRESENT_HEADERS if name in answer.headers]
    return {"status": answer.status_code, "body": answer.content, "headers": headers, "present": present}


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.name)
@pytest.mark.parametrize("place", ["sam_local", "deployed"])
def test_the_same_answer(place: str, request_: Request, local: Api, request: pytest.FixtureRequest) -> None:
    api: Api = request.getfixturevalue(place)
    here, there = (
        shown(
            (where.anonymous if request_.anonymous else where).send(
                request_.method, request_.path, data=request_.body, headers=request_.headers
            ),
            request_.ignored_headers,
        )
        for where in (local, api)
    )
    if place in request_.differences:
        assert here != there, f"the difference is gone: {request_.differences[place]}"
        return
    assert there == here


@pytest.mark.parametrize("place", ["sam_local", "deployed"])
def test_the_same_account(place: str, local: Api, request: pytest.FixtureRequest) -> None:
    """A new account's pictures, what they cost, what its usage says of them, and the end of its key."""
    here, there = (history(api) for api in (local, request.getfixturevalue(place)))
    assert [answer["status"] for answer in here] == [200] * 6 + [401] * 2
    assert there == here


def history(place: Api) -> list[dict[str, object]]:
    account = place.new_account()
    api = place.as_(account)

    def picture(**headers: str) -> dict[str, object]:
        body = multipart([("image", File(PHOTO)), ("w", "32")])
        return shown(api.send("POST", "/rmbg", data=body, headers={"Content-Type": FORM, **headers}))

    def usage(query: str) -> dict[str, object]:
        return shown(api.send("GET", f"/api/membership-usage{query}"))

    steps = [usage(""), picture(), picture(**{"Idempotency-Key": "k"}), picture(**{"Idempotency-Key": "k"})]
    steps += [usage("?expand=billing_cycle"), usage("?listBillingCycles=true")]
    place.operate("key", "revoke", "--key-id", account.key_id)
    return [*steps, usage(""), picture()]


def test_every_known_difference_has_a_reason() -> None:
    for row in REQUESTS:
        assert all(len(reason) > 20 for reason in row.differences.values())
