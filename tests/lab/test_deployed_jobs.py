"""Jobs on the deployed stack: a signed form, the queue, the container, a link; and what a form does not let in."""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import pytest
import requests

from tests.conftest import ROOT
from tests.lab.conftest import Api, Environment
from tests.lab.objects import Objects, ended, is_cut_out, new_job, spent, status, upload

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

PHOTO = (ROOT / "docs" / "images" / "coffee.jpg").read_bytes()
NOT_AN_IMAGE = "File does not appear to be a valid image (invalid file signature)"
MOST_BYTES = 100 * 1024 * 1024


@pytest.fixture
def objects(deployed: Api, cloud_environment: Environment) -> Objects:
    return Objects.of(cloud_environment)


def test_a_job_from_its_form_to_its_result(api: Api) -> None:
    job = new_job(api, filename="my photo+1 ä.jpg", size_bytes=len(PHOTO), format="png", w=120)
    assert job["status"] == "waiting_for_upload"
    assert urlsplit(job["status_url"]).path.endswith(f"/jobs/{job['job_id']}")
    assert status(api, job)["status"] == "waiting_for_upload"
    assert upload(job, PHOTO).status_code in (200, 201, 204)
    found = ended(api, job)
    assert found["status"] == "done", found
    result = found["result"]
    assert (result["content_type"], result["width"], result["height"]) == ("image/png", 120, 80)
    answer = requests.get(result["url"], timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert len(answer.content) == result["size_bytes"]
    assert "my photo+1 ä-rmbg.png" in unquote(answer.headers["Content-Disposition"])
    assert is_cut_out(answer.content, "PNG", (120, 80))
    assert spent(api) == 1
    # what comes later changes nothing
    assert upload(job, PHOTO).status_code in (200, 201, 204)
    time.sleep(2)
    assert status(api, job)["result"]["size_bytes"] == result["size_bytes"]
    assert spent(api) == 1


def test_a_job_is_its_account_s_alone(deployed: Api, api: Api) -> None:
    job = new_job(api, filename="a.jpg")
    answer = deployed.send("GET", f"/jobs/{job['job_id']}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Job not found.", "status": 404})


def test_a_job_whose_file_is_no_picture_fails_and_costs_nothing(api: Api) -> None:
    job = new_job(api, filename="a.jpg")
    upload(job, b"no picture")
    found = ended(api, job)
    assert found["error"] == {"error": NOT_AN_IMAGE, "status": 400}
    empty = new_job(api, filename="b.jpg")
    upload(empty, b"")
    assert ended(api, empty)["error"]["error"] == "Uploaded file is empty (0 bytes)."
    assert spent(api) == 0


def test_a_job_under_an_idempotency_key_is_one_job(api: Api) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    bodies = ['{"filename": "a.jpg", "w": 50}', '{"w": "50", "filename": "a.jpg"}', '{"filename": "b.jpg"}']
    answers = [api.send("POST", "/jobs", data=body, headers=headers) for body in bodies]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[0].json()["job_id"] == answers[1].json()["job_id"]


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: {"key": fields["key"].replace("uploads/", "inbox/")},
        lambda fields: {"key": fields["key"] + ".jpg"},
        lambda fields: {"policy": fields["policy"][:-8] + "AAAAAAA="},
        lambda fields: {"x-amz-signature": "0" * 64},
        lambda fields: {"acl": "public-read"},
    ],
    ids=["another-area", "another-key", "another-policy", "another-signature", "another-field"],
)
def test_a_form_is_good_for_what_was_signed_alone(
    api: Api, objects: Objects, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    job = new_job(api, filename="a.jpg")
    answer = upload(job, PHOTO, **change(job["upload"]["fields"]))
    assert 400 <= answer.status_code < 500
    listed = objects.s3.list_objects_v2(Bucket=objects.inputs, Prefix=job["upload"]["fields"]["key"])
    assert listed["KeyCount"] == 0


def test_a_form_has_every_field_that_its_policy_asks_for(api: Api) -> None:
    """S3 refuses a form without a field of a condition, even if any value would do; the emulator does not."""
    fields = new_job(api, filename="a.jpg")["upload"]["fields"]
    conditions = json.loads(base64.b64decode(fields["policy"]))["conditions"]
    named = [name for it in conditions for name in (it if isinstance(it, dict) else [it[1]]) if isinstance(name, str)]
    asked_for = {name.removeprefix("$").lower() for name in named} - {"bucket"}
    assert asked_for - {name.lower() for name in fields} == set()


def test_a_form_takes_any_type(api: Api) -> None:
    for media_type in ("image/jpeg", "application/x-unknown"):
        job = new_job(api, filename="a.jpg")
        assert upload(job, b"x", **{"Content-Type": media_type}).status_code in (200, 201, 204)


def test_a_form_takes_100_mb_and_no_byte_more(api: Api) -> None:
    job = new_job(api, filename="a.jpg")
    assert upload(job, bytes(MOST_BYTES + 1)).status_code in (400, 413)
    assert upload(job, bytes(MOST_BYTES)).status_code in (200, 201, 204)
    message = "File size (100.0 MB) exceeds the maximum allowed size of 50 MB."
    assert ended(api, job)["error"] == {"error": message, "status": 400}
