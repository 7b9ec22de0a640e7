"""The real functions behind the local gateway, over HTTP: what a client on the network sees."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import ROOT
from tests.support.pictures import decoded, disc, encoded
from tests.support.service import Service, running_service
from tools.deployment import smoke

PHOTO = encoded(disc(), "JPEG", quality=92)
MB = 1_048_576
BUCKETS = ["INPUTS_BUCKET", "RESULTS_BUCKET", "S3_ENDPOINT_URL"]
DONE_SECONDS = 30


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("state")) as service:
        yield service


@pytest.fixture(scope="module")
def aws_like_service(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("state"), AWS_LIMITS="1") as service:
        yield service


def key(service: Service) -> dict[str, str]:
    return {"x-api-key": service.demo["API_KEY"]}


def post(service: Service, data: bytes, filename: str = "photo.jpg", **fields: str) -> requests.Response:
    return requests.post(f"{service.base_url}/rmbg", files={"image": (filename, data)}, data=fields, timeout=60)


def test_a_picture(service: Service) -> None:
    answer = post(service, PHOTO)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Content-Disposition"] == 'inline; filename="photo-rmbg.webp"'
    image = decoded(answer.content)
    assert (image.size, image.mode) == ((320, 240), "RGBA")


def test_the_demo_environment(service: Service) -> None:
    assert f"BASE_URL={service.base_url}\n" in (service.state_dir / "demo.env").read_text()


def test_the_demo_user_has_a_key_a_token_and_credits(service: Service) -> None:
    demo = service.demo
    assert list(demo) == ["BASE_URL", "API_KEY", "USER_ID", "USER_TOKEN", "STRIPE_WEBHOOK_SECRET", *BUCKETS]
    assert (service.state_dir / "demo.env").stat().st_mode & 0o777 == 0o600
    claims = json.loads(base64.urlsafe_b64decode(demo["USER_TOKEN"].split(".")[1] + "=="))
    assert claims["sub"] == demo["USER_ID"]
    assert claims["exp"] - time.time() > 86_400
    report = requests.get(f"{service.base_url}/api/membership-usage", headers=key(service), timeout=10).json()
    assert (report["membership"], report["credits"], report["prepaidCredits"]) == ("Demo", 18_500, 2_000)


def test_each_way_to_call(service: Service) -> None:
    token = {"Authorization": f"Bearer {service.demo['USER_TOKEN']}"}

    def used() -> tuple[int, int]:
        report = requests.get(f"{service.base_url}/api/membership-usage", headers=key(service), timeout=10).json()
        return report["app_usage"], report["api_usage"]

    app, api = used()
    charged = []
    for headers in ({}, key(service), token):
        answer = requests.post(f"{service.base_url}/rmbg", files={"image": PHOTO}, headers=headers, timeout=60)
        assert answer.status_code == 200
        assert answer.headers["RateLimit"].startswith('"short";r=')
        charged.append(answer.headers["X-Credits-Charged"])
    assert charged == ["0", "1", "1"]
    assert used() == (app + 1, api + 1)
    both = requests.post(
        f"{service.base_url}/rmbg", files={"image": PHOTO}, headers={**key(service), **token}, timeout=9
    )
    assert both.status_code == 400


def test_the_operator_s_tool_works_on_the_running_service(service: Service) -> None:
    def rmbgctl(*words: str) -> dict[str, Any]:
        command = [str(Path(sys.executable).with_name("rmbgctl")), *words, "--local", "--json"]
        environment = {**os.environ, "STATE_DIR": str(service.state_dir)}
        result = subprocess.run(command, capture_output=True, env=environment, timeout=30, check=False)
        assert result.returncode == 0, result.stderr.decode()
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    uid = rmbgctl("user", "create", "--email", "a@example.com", "--verified")["user_id"]
    issued = rmbgctl("key", "issue", "--user", uid)
    headers = {"x-api-key": issued["api_key"]}
    url = f"{service.base_url}/api/membership-usage"
    assert requests.get(url, headers=headers, timeout=10).json()["membership"] == "Free"
    rmbgctl("plan", "set", "--user", uid, "--plan", "Premium-20000")
    rmbgctl("credits", "grant", "--user", uid, "--amount", "7")
    report = requests.get(url, headers=headers, timeout=10).json()
    assert (report["membership"], report["credits"], report["prepaidCredits"]) == ("Premium-20000", 20_000, 7)
    rmbgctl("key", "revoke", "--key-id", issued["key_id"])
    assert requests.get(url, headers=headers, timeout=10).status_code == 401


def test_a_subscription_s_story_told_by_stripe_events(service: Service) -> None:
    """Signed, taken, queued, applied: what `make stripe-event` is for."""
    rmbgctl = str(Path(sys.executable).with_name("rmbgctl"))
    environment = {**os.environ, "STATE_DIR": str(service.state_dir)}

    def run(*command: str) -> bytes:
        result = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT, timeout=30, check=False)
        assert result.returncode == 0, result.stderr.decode()
        return result.stdout

    create = [rmbgctl, "user", "create", "--email", "b@example.com", "--verified", "--local", "--json"]
    uid = json.loads(run(*create))["user_id"]
    issued = json.loads(run(rmbgctl, "key", "issue", "--user", uid, "--local", "--json"))
    headers = {"x-api-key": issued["api_key"]}

    def report() -> dict[str, Any]:
        time.sleep(0.15)  # under the plan's rate
        url = f"{service.base_url}/api/membership-usage?expand=billing_cycle"
        document: dict[str, Any] = requests.get(url, headers=headers, timeout=10).json()
        return document

    def told(event_type: str, **expected: object) -> dict[str, Any]:
        run("make", "-s", "stripe-event", f"TYPE={event_type}", f"USER={uid}", f"STATE_DIR={service.state_dir}")
        deadline = time.monotonic() + 15
        while not expected.items() <= (found := report()).items():
            assert time.monotonic() < deadline, found
            time.sleep(1)
        return found

    assert report()["membership"] == "Free"
    assert told("subscribe", membership="Demo", credits=18_500)["billingCycle"]["stripeBillingSynced"] is True
    assert post(service, PHOTO).status_code == 200
    picture = requests.post(f"{service.base_url}/rmbg", files={"image": PHOTO}, headers=headers, timeout=60)
    assert picture.headers["X-Credits-Charged"] == "1"
    upgraded = told("upgrade", membership="Premium-20000", credits=20_000)
    assert upgraded["billingCycle"]["usedIncludedCredits"] == 1  # what was used stays used
    told("buy", prepaidCredits=2_000)
    told("refund", prepaidCredits=0)
    told("end", membership="Free", credits=50)


def test_concurrent_requests_get_their_own_answers(service: Service) -> None:
    sizes = [str(width) for width in range(20, 36)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda width: post(service, PHOTO, w=width), sizes))
    assert [answer.headers["X-Width"] for answer in answers] == sizes
    assert [str(decoded(answer.content).width) for answer in answers] == sizes
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(sizes)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/rmbg", 405),
        ("PUT", "/rmbg", 405),
        ("POST", "/health", 405),
        ("OPTIONS", "/rmbg", 204),
        ("GET", "/", 404),
        ("GET", "/nope/%ff/..%2f", 404),
        ("HEAD", "/nope", 404),
    ],
)
def test_the_rest_of_the_api(service: Service, method: str, path: str, status: int) -> None:
    answer = requests.request(method, service.base_url + path, timeout=10)
    assert answer.status_code == status
    assert answer.headers["X-Request-Id"]
    if status == 405:
        assert answer.headers["Allow"]
    if method == "HEAD" or status == 204:
        assert answer.content == b""
    else:
        document: dict[str, Any] = answer.json()
        assert document["status"] == ("ok" if status == 200 else status)


def test_head_tells_the_length_of_get(service: Service) -> None:
    head, get = (requests.request(method, f"{service.base_url}/health", timeout=10) for method in ("HEAD", "GET"))
    assert head.content == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.content))


def test_health_tells_the_limit(service: Service, aws_like_service: Service) -> None:
    assert requests.get(f"{service.base_url}/health", timeout=10).json()["max_upload_bytes"] == 50 * MB
    assert requests.get(f"{aws_like_service.base_url}/health", timeout=10).json()["max_upload_bytes"] == 4_600_000


def test_the_contract_s_50_mb_pass(service: Service) -> None:
    png = encoded(disc(), "PNG")
    padded = png + bytes(50 * MB - len(png))  # zeros behind the end are no part of the picture
    assert post(service, padded, "big.png").status_code == 200
    answer = post(service, padded + b"\0", "big.png")
    assert answer.status_code == 400
    assert answer.json()["error"] == "File size (50.0 MB) exceeds the maximum allowed size of 50 MB."


def test_aws_limits(aws_like_service: Service) -> None:
    answer = post(aws_like_service, bytes(5 * MB))
    assert (answer.status_code, answer.text) == (413, '{"message":"Request Too Long"}')
    answer = post(aws_like_service, bytes(11 * MB))
    assert (answer.status_code, answer.text) == (413, "HTTP content length exceeded 10485760 bytes.")
    fields = {"format": "bmp", "w": "1800", "h": "1300", "exact_resize": "1"}
    answer = post(aws_like_service, PHOTO, **fields)
    (redirect,) = answer.history
    assert (redirect.status_code, redirect.content, redirect.headers["X-Width"]) == (303, b"", "1800")
    assert redirect.headers["Location"].startswith(aws_like_service.demo["S3_ENDPOINT_URL"] + "/")
    assert (answer.status_code, answer.headers["Content-Type"], len(answer.content)) == (200, "image/bmp", 7_020_054)
    answer = post(aws_like_service, encoded(disc(), "PNG") + bytes(4_500_000))
    assert answer.status_code == 200


def test_without_aws_limits_results_of_any_size_pass(service: Service) -> None:
    answer = post(service, PHOTO, format="bmp", w="1800", h="1300", exact_resize="1")
    assert (answer.status_code, answer.history) == (200, [])
    assert len(answer.content) > 7_000_000


def test_a_job_from_its_order_to_its_picture(service: Service) -> None:
    order = {"filename": "photo.jpg", "format": "png", "w": "100"}
    ordered = requests.post(f"{service.base_url}/jobs", json=order, headers=key(service), timeout=10)
    assert ordered.status_code == 201
    job = ordered.json()
    assert job["status_url"] == f"{service.base_url}/jobs/{job['job_id']}"
    upload = job["upload"]
    assert requests.post(upload["url"], data=upload["fields"], files={"file": PHOTO}, timeout=20).status_code == 204
    deadline = time.monotonic() + DONE_SECONDS
    while (state := requests.get(job["status_url"], headers=key(service), timeout=10).json())["status"] != "done":
        assert state["status"] in ("waiting_for_upload", "processing"), state
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    picture = requests.get(state["result"]["url"], timeout=10)
    assert (picture.headers["Content-Type"], decoded(picture.content).size) == ("image/png", (100, 75))
    foreign = {"Authorization": f"Bearer {service.demo['USER_TOKEN']}x"}
    assert requests.get(job["status_url"], headers=foreign, timeout=10).status_code == 401
    assert requests.get(f"{service.base_url}/jobs/job_0", headers=key(service), timeout=10).status_code == 404


def test_the_smoke_test_of_a_deployment(service: Service) -> None:
    assert smoke(service.base_url + "/", key="") == []
    assert smoke(service.base_url + "/", key=service.demo["API_KEY"]) == []
    problems = smoke(service.base_url + "/nope", key="a key")
    assert len(problems) == 4
    assert "404" in problems[0]
    assert len(smoke("http://127.0.0.1:1", key="")) == 3  # nobody there: told, not raised
