"""Files and results that no request can carry, against `make run` with AWS's limits: jobs, folders, redirects."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from PIL import Image

from tests.conftest import ROOT
from tests.e2e.browser import find_browser, run_in_page
from tests.e2e.client import JavaScriptClient
from tests.support.pictures import decoded, disc, encoded
from tests.support.service import Service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SAMPLE = ROOT / "docs" / "images" / "coffee.jpg"
# Its PNG has 6.6 MB, which are 8.8 in base64: more than a Lambda may answer.
LARGE = {"format": "png", "w": "5200"}
LARGE_SIZE = (5200, 3467)
LARGEST_ANSWER_BYTES = 6_225_000 * 3 // 4
DONE_SECONDS = 60
EXACTLY_50_MB = 52_428_800


def eventually(what: Callable[[], Any]) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + DONE_SECONDS
    while not (answer := what()):
        assert time.monotonic() < deadline, "nothing came of it in time"
        time.sleep(0.2)
    return answer


def key_of(service: Service) -> dict[str, str]:
    return {"x-api-key": service.demo["API_KEY"]}


def credentials(service: Service) -> dict[str, dict[str, str]]:
    return {"key": key_of(service), "token": {"Authorization": f"Bearer {service.demo['USER_TOKEN']}"}}


def credits_used(service: Service) -> int:
    url = f"{service.base_url}/api/membership-usage"
    usage = requests.get(url, headers=key_of(service), timeout=10).json()
    return int(usage["api_usage"]) + int(usage["app_usage"])


def finished(service: Service, status_url: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = requests.get(status_url, headers=key_of(service), timeout=10).json()
        return job if job["status"] in ("done", "failed") else None

    job: dict[str, Any] = eventually(ended)
    return job


def curl(*arguments: str) -> bytes:
    command = shutil.which("curl")
    assert command, "curl is not on this machine"
    return subprocess.run([command, "-sS", "--fail-with-body", *arguments], check=True, capture_output=True).stdout


def large_picture(content: bytes) -> Image.Image:
    assert len(content) > LARGEST_ANSWER_BYTES
    image = decoded(content)
    assert (image.format, image.mode, image.size) == ("PNG", "RGBA", LARGE_SIZE)
    return image


def test_a_job_with_curl(limited: Service, tmp_path: Path) -> None:
    before = credits_used(limited)
    order = json.dumps({"filename": "my photo+1.jpg", "format": "png", "w": 300})
    key = f"x-api-key: {limited.demo['API_KEY']}"
    job = json.loads(curl("-H", key, "-H", "Content-Type: application/json", "-d", order, f"{limited.base_url}/jobs"))
    assert job["status"] == "waiting_for_upload"
    assert job["status_url"] == f"{limited.base_url}/jobs/{job['job_id']}"
    fields = [part for name, value in job["upload"]["fields"].items() for part in ("-F", f"{name}={value}")]
    curl(*fields, "-F", f"file=@{SAMPLE}", job["upload"]["url"])
    result = finished(limited, job["status_url"])["result"]
    assert (result["content_type"], result["width"], result["height"]) == ("image/png", 300, 200)
    content = curl(result["url"])
    assert len(content) == result["size_bytes"]
    assert decoded(content).size == (300, 200)
    assert credits_used(limited) == before + 1


@pytest.mark.parametrize("size", [EXACTLY_50_MB, EXACTLY_50_MB + 1])
def test_a_job_with_a_file_of_50_mb_passes_and_one_byte_more_does_not(limited: Service, size: int) -> None:
    picture = encoded(disc(640, 480), "JPEG")
    file = picture + bytes(size - len(picture))  # what follows the end of a JPEG is nobody's
    before = credits_used(limited)
    order = {"filename": "photo.jpg", "format": "jpg"}
    job = requests.post(f"{limited.base_url}/jobs", json=order, headers=key_of(limited), timeout=10).json()
    upload = job["upload"]
    answer = requests.post(upload["url"], data=upload["fields"], files={"file": ("photo.jpg", file)}, timeout=60)
    assert answer.status_code == 204, answer.text
    ended = finished(limited, job["status_url"])
    if size == EXACTLY_50_MB:
        assert ended["status"] == "done", ended
        assert credits_used(limited) == before + 1
    else:
        assert ended["status"] == "failed"
        assert ended["error"]["error"] == "File size (50.0 MB) exceeds the maximum allowed size of 50 MB."
        assert credits_used(limited) == before


def height_of(width: int) -> int:
    return width if width > 1000 else 80


def test_a_folder_with_awkward_names(limited: Service, tmp_path: Path) -> None:
    names = ["in parts.bmp", "with space.png", "a+b.webp", "größe/日本 1.jpg", "deep/er/50% & more.bmp"]
    widths = [2600, 101, 102, 103, 104]  # the first has 20 MB, so it goes up in parts
    before = credits_used(limited)
    demo = limited.demo
    s3 = boto3.client(  # as README.md shows it
        "s3",
        endpoint_url=demo["S3_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    folder = f"{demo['USER_ID']}/holiday"
    for name, width in zip(names, widths, strict=True):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image_format = {"jpg": "JPEG"}.get(path.suffix[1:], path.suffix[1:].upper())
        path.write_bytes(encoded(disc(width, height_of(width)), image_format))
        s3.upload_file(str(path), demo["INPUTS_BUCKET"], f"inbox/{folder}/{name}")
    s3.put_object(Bucket=demo["INPUTS_BUCKET"], Key=f"inbox/{folder}/no picture.jpg", Body=b"no picture")
    results = [f"results/{folder}/{name.rpartition('.')[0]}.webp" for name in names]
    expected = dict(zip(results, widths, strict=True))
    error = f"results/{folder}/no picture.jpg.error.json"

    def found() -> set[str]:
        pages = s3.list_objects_v2(Bucket=demo["RESULTS_BUCKET"], Prefix=f"results/{folder}/")
        return {entry["Key"] for entry in pages.get("Contents", ())}

    eventually(lambda: found() >= {*expected, error})
    assert found() == {*expected, error}
    for key, width in expected.items():
        content = s3.get_object(Bucket=demo["RESULTS_BUCKET"], Key=key)["Body"].read()
        assert decoded(content).size == (width, height_of(width))
    refusal = json.loads(s3.get_object(Bucket=demo["RESULTS_BUCKET"], Key=error)["Body"].read())
    assert refusal["error"] == "File does not appear to be a valid image (invalid file signature)"
    assert credits_used(limited) == before + len(names)
    s3.close()


def test_the_javascript_client_gets_a_large_result(limited: Service, node: list[str], javascript: Path) -> None:
    client = JavaScriptClient(node, javascript, limited.base_url)
    outcome = client.call(SAMPLE, limited.demo["API_KEY"], format="png", w=5200)
    assert "error" not in outcome, outcome["error"]
    large_picture(base64.b64decode(outcome["content"]))


@pytest.mark.parametrize("who", ["key", "token"])
def test_requests_gets_a_large_result(limited: Service, who: str) -> None:
    headers = credentials(limited)[who]
    before = credits_used(limited)
    with SAMPLE.open("rb") as file:
        answer = requests.post(
            f"{limited.base_url}/rmbg", files={"image": file}, data=LARGE, headers=headers, timeout=60
        )
    large_picture(answer.content)
    (redirect,) = answer.history
    assert (redirect.status_code, redirect.content) == (303, b"")
    assert (redirect.headers["X-Width"], redirect.headers["X-Height"]) == tuple(map(str, LARGE_SIZE))
    assert redirect.headers["X-Credits-Charged"] == "1"
    assert redirect.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "image/png"
    assert "coffee-rmbg.png" in answer.headers["Content-Disposition"]
    assert credits_used(limited) == before + 1


@pytest.mark.parametrize("who", ["key", "token"])
def test_curl_gets_a_large_result(limited: Service, who: str, tmp_path: Path) -> None:
    headers = [part for name, value in credentials(limited)[who].items() for part in ("-H", f"{name}: {value}")]
    fields = [part for name, value in LARGE.items() for part in ("-F", f"{name}={value}")]
    result = tmp_path / "out.png"
    curl("-L", *headers, "-F", f"image=@{SAMPLE}", *fields, f"{limited.base_url}/rmbg", "-o", str(result))
    large_picture(result.read_bytes())


@pytest.fixture(scope="session")
def chromium() -> str:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium on this machine, and none that this user may install")
    return browser


PREPARED = """
const photo = await (await fetch("data:image/jpeg;base64,PHOTO")).blob();
const dimensions = async (blob) => {
  const bitmap = await createImageBitmap(blob);
  return [bitmap.width, bitmap.height];
};
"""


def script(service: Service, body: str, headers: dict[str, str]) -> str:
    photo = base64.b64encode(SAMPLE.read_bytes()).decode()
    return f"""async () => {{
      const base = {json.dumps(service.base_url)}, headers = {json.dumps(headers)};
      {PREPARED.replace("PHOTO", photo)}
      {body}
    }}"""


@pytest.mark.parametrize("who", ["key", "token"])
def test_a_page_of_another_origin_gets_a_large_result(limited: Service, chromium: str, who: str) -> None:
    body = f"""
      const form = new FormData();
      form.append("image", photo, "coffee.jpg");
      for (const [name, value] of Object.entries({json.dumps(LARGE)})) form.append(name, value);
      const answer = await fetch(base + "/rmbg", {{method: "POST", headers, body: form}});
      const blob = await answer.blob();
      return [answer.status, answer.redirected, blob.type, blob.size, ...await dimensions(blob)];
    """
    status, redirected, media_type, size, *dimensions = run_in_page(
        chromium, script(limited, body, credentials(limited)[who])
    )
    assert (status, redirected, media_type, tuple(dimensions)) == (200, True, "image/png", LARGE_SIZE)
    assert size > LARGEST_ANSWER_BYTES


def test_a_page_of_another_origin_uploads_a_job(limited: Service, chromium: str) -> None:
    body = """
      const json = {...headers, "Content-Type": "application/json"};
      const order = JSON.stringify({filename: "coffee.jpg", w: 300});
      const job = await (await fetch(base + "/jobs", {method: "POST", headers: json, body: order})).json();
      const form = new FormData();
      for (const [name, value] of Object.entries(job.upload.fields)) form.append(name, value);
      form.append("file", photo, "coffee.jpg");
      const upload = await fetch(job.upload.url, {method: "POST", body: form});
      if (!upload.ok) throw new Error(await upload.text());
      let state = job;
      while (!["done", "failed"].includes(state.status)) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        state = await (await fetch(job.status_url, {headers})).json();
      }
      const blob = await (await fetch(state.result.url)).blob();
      return [upload.status, upload.headers.get("ETag"), state.status, blob.type, ...await dimensions(blob)];
    """
    status, etag, state, *picture = run_in_page(chromium, script(limited, body, key_of(limited)))
    assert (status, state, picture) == (204, "done", ["image/webp", 300, 200])
    assert etag


def test_a_page_reads_nothing_of_the_store_and_writes_nothing(limited: Service, chromium: str) -> None:
    store, bucket = limited.demo["S3_ENDPOINT_URL"], limited.demo["INPUTS_BUCKET"]
    body = f"""
      const tried = [
        [{json.dumps(store)} + "/", {{method: "POST", body: "{{}}", headers: {{"Content-Type": "text/plain"}}}}],
        [{json.dumps(store)} + "/{bucket}?list-type=2", {{}}],
        [{json.dumps(store)} + "/{bucket}/inbox/evil.jpg", {{method: "PUT", body: "evil"}}],
        [{json.dumps(store)} + "/2015-03-31/functions", {{method: "POST", body: "{{}}"}}],
      ];
      return Promise.all(tried.map(([url, options]) => fetch(url, options).then((a) => a.status, () => "refused")));
    """
    assert run_in_page(chromium, script(limited, body, {})) == ["refused"] * 4
