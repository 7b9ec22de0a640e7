"""Large files, as clients see them: a job, its upload, its result; answers of more than 6 MB."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from rmbg.config import ObjectSettings
from tests.contract.conftest import Answer, Client, Users
from tests.support.buckets import Buckets, download, object_created, queued, upload
from tests.support.events import Context, proxy_event
from tests.support.pictures import decoded, disc, encoded
from tools.local_store.issuer import Issuer

PHOTO = encoded(disc(), "JPEG", quality=92)
LIMIT = 52_428_800


@dataclass(frozen=True)
class Jobs:
    """The way of a job, step by step."""

    client: Client
    s3_handler: ModuleType
    buckets: Buckets

    def create(self, headers: dict[str, str], **document: Any) -> dict[str, Any]:
        answer = self.client.post("/jobs", {"filename": "photo.jpg", **document}, headers)
        assert answer.status == 201, answer.body
        created: dict[str, Any] = answer.json
        return created

    def deliver(self, *keys: str, receives: int = 1) -> int:
        """Tell the function of objects, as the queue does; how many come again."""
        event = queued(*(object_created(self.buckets.inputs, key) for key in keys), receives=receives)
        answer = self.s3_handler.handler(event, Context(remaining_milliseconds=120_000))
        return len(answer["batchItemFailures"])

    def send(self, created: dict[str, Any], data: bytes) -> None:
        assert upload(created["upload"], data) == 204
        assert self.deliver(created["upload"]["fields"]["key"]) == 0

    def get(self, headers: dict[str, str], job_id: str) -> Answer:
        return self.client.get(f"/jobs/{job_id}", headers)

    def used(self, headers: dict[str, str]) -> int:
        answer = self.client.get("/api/membership-usage", headers)
        return int(answer.json["api_usage"]) + int(answer.json["app_usage"])


@pytest.fixture(scope="session")
def jobs(client: Client, s3_handler: ModuleType, buckets: Buckets) -> Jobs:
    return Jobs(client, s3_handler, buckets)


# --- the way of a job


def test_a_job_from_its_making_to_its_result(jobs: Jobs, users: Users) -> None:
    uid, headers = users.with_key()
    created = jobs.create(headers, filename="фото 1.jpg", size_bytes=len(PHOTO), format="png", w=160)
    assert list(created) == ["job_id", "status", "upload", "expires_at", "status_url"]
    assert created["status"] == "waiting_for_upload"
    assert created["upload"]["fields"]["key"].startswith(f"uploads/{uid}/{created['job_id']}/")
    waits = datetime.fromisoformat(created["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=890) <= waits <= timedelta(seconds=900)
    assert jobs.get(headers, created["job_id"]).json == {
        "job_id": created["job_id"],
        "status": "waiting_for_upload",
    }
    jobs.send(created, PHOTO)
    report = jobs.get(headers, created["job_id"]).json
    assert report["status"] == "done"
    result = report["result"]
    assert list(result) == ["url", "content_type", "width", "height", "size_bytes", "expires_at"]
    assert (result["content_type"], result["width"], result["height"]) == ("image/png", 160, 120)
    status, told, data = download(result["url"])
    assert (status, told["content-type"], len(data)) == (200, "image/png", result["size_bytes"])
    assert told["content-disposition"].endswith("filename*=UTF-8''%D1%84%D0%BE%D1%82%D0%BE%201-rmbg.png")
    assert (decoded(data).mode, decoded(data).size) == ("RGBA", (160, 120))
    assert jobs.used(headers) == 1


def test_a_user_token_makes_jobs_too_and_counts_as_app(
    jobs: Jobs, users: Users, issuer: Issuer, client: Client
) -> None:
    uid, key = users.with_key()
    token = {"authorization": f"Bearer {issuer.mint(uid, 'someone@example.com')}"}
    created = jobs.create(token)
    jobs.send(created, PHOTO)
    assert jobs.get(token, created["job_id"]).json["status"] == "done"
    assert jobs.get(key, created["job_id"]).json["status"] == "done"
    assert client.get("/api/membership-usage", key).json["app_usage"] == 1


def test_the_status_url_is_the_api_s_own(jobs: Jobs, users: Users, client: Client) -> None:
    _, headers = users.with_key()
    event = proxy_event("POST", "/jobs", b'{"filename": "a.png"}', headers)
    event["requestContext"]["domainName"] = "abc.execute-api.eu-central-1.amazonaws.com"
    answer = client.send(event)
    job_id = answer.json["job_id"]
    expected = f"https://abc.execute-api.eu-central-1.amazonaws.com/Prod/jobs/{job_id}"
    assert (answer.json["status_url"], answer.headers["location"]) == (expected, expected)
    assert answer.headers["cache-control"] == "no-store"


def test_the_short_term_limit_is_announced(jobs: Jobs, users: Users, client: Client) -> None:
    _, headers = users.with_key()
    for answer in (client.post("/jobs", {"filename": "a.png"}, headers), jobs.get(headers, "job_x")):
        assert '"short"' in answer.headers["ratelimit-policy"]
        assert answer.headers["x-ratelimit-limit"] == "500"


def test_a_second_upload_to_a_finished_job_is_ignored(jobs: Jobs, users: Users) -> None:
    _, headers = users.with_key()
    created = jobs.create(headers, format="png")
    jobs.send(created, PHOTO)
    first = jobs.get(headers, created["job_id"]).json["result"]
    for other in (encoded(disc(64, 48), "JPEG"), b"no picture", b""):
        jobs.send(created, other)
        again = jobs.get(headers, created["job_id"]).json
        assert (again["status"], again["result"]["width"]) == ("done", first["width"])
    assert jobs.used(headers) == 1


# --- what is refused at once


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'"text"', b"{", b"\xff", b'{"filename": "a.jpg"', b"[" * 100_000], ids=repr
)
def test_a_body_that_is_no_json_object(client: Client, users: Users, body: bytes) -> None:
    _, headers = users.with_key()
    answer = client.post("/jobs", body, headers)
    assert (answer.status, answer.error) == (400, "Request body must be a JSON object.")


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({}, "No image file provided. Please include an 'image' field in your form data."),
        ({"filename": None}, "No image file provided. Please include an 'image' field in your form data."),
        ({"filename": ""}, "No file selected. Please choose an image file to upload."),
        ({"filename": "a.EXE"}, "File type '.exe' is not supported. Allowed formats: webp, bmp, png, jpg, jpeg"),
        ({"filename": "a.exe", "size_bytes": 0}, "File type '.exe' is not supported. "),
        ({"filename": "a.jpg", "size_bytes": 0}, "Uploaded file is empty (0 bytes)."),
        (
            {"filename": "a.jpg", "size_bytes": LIMIT + 52_429, "w": "abc"},
            "File size (50.1 MB) exceeds the maximum allowed size of 50 MB.",
        ),
        ({"filename": "a.jpg", "w": "abc"}, "'w' must be an integer, got: 'abc'"),
        ({"filename": "a.jpg", "w": 1.5}, "'w' must be an integer, got: '1.5'"),
        ({"filename": "a.jpg", "w": True}, "'w' must be an integer, got: 'true'"),
        ({"filename": "a.jpg", "h": [1]}, "'h' must be an integer, got: '"),
        ({"filename": "a.jpg", "angle": 500}, "'angle' must be between -360 and 360 degrees, got: 500.0"),
        ({"filename": "a.jpg", "format": "gif"}, "Invalid format 'gif'. Allowed formats: PNG, JPEG, WEBP, BMP"),
        ({"filename": "a.jpg", "mask": True, "bg_color": "red"}, "Cannot use 'mask=true' together with 'bg_color'."),
        ({"filename": "a.jpg", "size_bytes": "x"}, "'size_bytes' must be an integer, got: 'x'"),
        ({"filename": "a.jpg", "size_bytes": -1}, "'size_bytes' must be at least 0, got: -1"),
        ({"filename": "a.jpg", "w": -1, "expand": 7}, "Multiple validation errors"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_uploaded(
    client: Client, users: Users, document: dict[str, Any], error: str
) -> None:
    _, headers = users.with_key()
    answer = client.post("/jobs", document, headers)
    assert answer.status == 400
    assert answer.error.startswith(error)


@pytest.mark.parametrize(
    "document",
    [
        {"filename": "a.jpg", "size_bytes": LIMIT, "w": 0, "h": "", "mask": False, "format": None, "unknown": {}},
        {"filename": 7, "size_bytes": "1", "angle": -45.5},
        {"filename": "\ud800" * 300 + ".jpg", "size_bytes": None},
        {"filename": "${filename}/../..\\x.png"},
    ],
)
def test_what_is_right_is_taken(client: Client, users: Users, document: dict[str, Any]) -> None:
    _, headers = users.with_key()
    answer = client.post("/jobs", document, headers)
    assert answer.status == 201, answer.body
    assert "$" not in answer.json["upload"]["fields"]["key"]


def test_who_may_not_make_or_see_jobs(client: Client, users: Users) -> None:
    _, unverified = users.with_key(verified=False)
    _, good = users.with_key()
    cases: list[tuple[dict[str, str], int, str]] = [
        ({}, 401, "invalid api key"),
        ({"x-api-key": "x"}, 401, "invalid api key"),
        ({"authorization": "Bearer x"}, 401, "invalid user token"),
        ({"authorization": "Basic eA=="}, 401, "invalid user token"),
        ({**good, "authorization": "Bearer x"}, 400, "This is a mistake: Cannot use both API key and user token"),
        (unverified, 403, "Email address not verified – please check your inbox"),
    ]
    for headers, status, error in cases:
        for answer in (client.post("/jobs", {"filename": "a.jpg"}, headers), client.get("/jobs/job_x", headers)):
            assert (answer.status, answer.error) == (status, error)


def test_another_account_s_job_does_not_exist(jobs: Jobs, users: Users) -> None:
    _, headers = users.with_key()
    _, other = users.with_key()
    created = jobs.create(headers)
    for asked, job_id in ((other, created["job_id"]), (headers, "job_" + "0" * 22), (headers, "x"), (headers, "%2e")):
        answer = jobs.get(asked, job_id)
        assert (answer.status, answer.error) == (404, "Job not found.")


# --- the upload form


def test_the_form_takes_one_key_and_100_mib_at_most(jobs: Jobs, users: Users) -> None:
    _, headers = users.with_key()
    form = jobs.create(headers)["upload"]
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    conditions = policy["conditions"]
    assert ["content-length-range", 0, 104_857_600] in conditions
    assert ["starts-with", "$Content-Type", ""] in conditions
    assert {"key": form["fields"]["key"]} in conditions
    assert form["fields"]["Content-Type"] == "image/jpeg"
    assert upload(form, PHOTO, **{"Content-Type": "text/plain"}) == 204
    elsewhere = {**form, "fields": {**form["fields"], "key": form["fields"]["key"] + "x"}}
    assert upload(elsewhere, PHOTO) == 403


# --- failures


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "Uploaded file is empty (0 bytes)."),
        (b"no picture", "File does not appear to be a valid image (invalid file signature)"),
        (PHOTO[:-200], "File does not appear to be a valid image (invalid file signature)"),
    ],
)
def test_a_file_that_is_none_fails_the_job_and_costs_nothing(jobs: Jobs, users: Users, data: bytes, error: str) -> None:
    _, headers = users.with_key()
    created = jobs.create(headers)
    jobs.send(created, data)
    report = jobs.get(headers, created["job_id"]).json
    assert report == {
        "job_id": created["job_id"],
        "status": "failed",
        "error": {"error": error, "status": 400},
    }
    jobs.send(created, PHOTO)  # a job that has failed stays so
    assert jobs.get(headers, created["job_id"]).json == report
    assert jobs.used(headers) == 0


def test_50_mb_pass_and_one_byte_more_does_not(jobs: Jobs, users: Users) -> None:
    _, headers = users.with_key()
    largest = PHOTO + bytes(LIMIT - len(PHOTO))  # what follows the end of a JPEG is not looked at
    for data, status in ((largest, "done"), (largest + b"\0", "failed")):
        created = jobs.create(headers)
        jobs.send(created, data)
        report = jobs.get(headers, created["job_id"]).json
        assert report["status"] == status
    assert report["error"] == {
        "error": "File size (50.0 MB) exceeds the maximum allowed size of 50 MB.",
        "status": 400,
    }
    assert jobs.used(headers) == 1


def test_no_credits_left_is_told_in_the_job(jobs: Jobs, users: Users) -> None:
    uid, headers = users.with_key("Free")
    keys = []
    for place in range(51):
        jobs.buckets.put(f"inbox/{uid}/{place}.jpg", PHOTO, w="8")
        keys.append(f"inbox/{uid}/{place}.jpg")
    assert jobs.deliver(*keys[:50]) == 0
    created = jobs.create(headers)
    jobs.send(created, PHOTO)
    report = jobs.get(headers, created["job_id"]).json
    assert report["error"] == {
        "error": "You've reached your monthly limit. Consider purchasing more credits.",
        "status": 429,
    }
    jobs.deliver(keys[50])
    assert json.loads(jobs.buckets.result(f"results/{uid}/50.jpg.error.json")) == report["error"]
    assert jobs.used(headers) == 50


# --- Idempotency-Key


def test_the_same_key_gives_the_same_job(jobs: Jobs, users: Users, client: Client) -> None:
    _, headers = users.with_key()
    keyed = {**headers, "idempotency-key": "k"}
    first = client.post("/jobs", {"filename": "a.jpg", "w": 8}, keyed)
    again = client.post("/jobs", {"w": "8", "filename": "a.jpg", "h": 0}, keyed)
    assert (first.status, again.status) == (201, 201)
    assert again.json["job_id"] == first.json["job_id"]
    assert upload(again.json["upload"], PHOTO) == 204
    other = client.post("/jobs", {"filename": "a.jpg", "w": 9}, keyed)
    assert (other.status, other.error) == (422, "This Idempotency-Key was used with a different request.")
    jobs.deliver(again.json["upload"]["fields"]["key"])
    done = client.post("/jobs", {"filename": "a.jpg", "w": 8}, keyed)
    assert (done.status, done.json["job_id"], done.json["status"]) == (201, first.json["job_id"], "done")
    assert jobs.used(headers) == 1
    _, stranger = users.with_key()
    theirs = client.post("/jobs", {"filename": "a.jpg", "w": 9}, {**stranger, "idempotency-key": "k"})
    assert theirs.status == 201


def test_a_key_is_of_one_endpoint(users: Users, client: Client) -> None:
    _, headers = users.with_key()
    keyed = {**headers, "idempotency-key": "k"}
    assert client.post("/jobs", {"filename": "a.jpg"}, keyed).status == 201
    assert client.rmbg(PHOTO, headers=keyed).status == 422
    keyed["idempotency-key"] = "other"
    assert client.rmbg(PHOTO, headers=keyed).status == 200
    assert client.post("/jobs", {"filename": "a.jpg"}, keyed).status == 422
    assert client.post("/jobs", {"filename": "a.jpg"}, {**headers, "idempotency-key": "\x7f"}).status == 400


# --- the operator's folders


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("a.jpg", "a.webp"),
        ("holidays/day 1/1+1=2 & more.JPG", "holidays/day 1/1+1=2 & more.webp"),
        ("ünï/日本/фото.jpeg", "ünï/日本/фото.webp"),
        ("no extension", "no extension.webp"),
        ("a.b.c.png", "a.b.c.webp"),
        ("100%25/%2F.jpg", "100%25/%2F.webp"),
    ],
)
def test_a_file_of_the_inbox_goes_to_the_same_folder_of_the_results(
    jobs: Jobs, users: Users, path: str, result: str
) -> None:
    uid, headers = users.with_key()
    jobs.buckets.put(f"inbox/{uid}/{path}", PHOTO)
    assert jobs.deliver(f"inbox/{uid}/{path}") == 0
    assert jobs.buckets.keys(f"results/{uid}/") == [f"results/{uid}/{result}"]
    assert decoded(jobs.buckets.result(f"results/{uid}/{result}")).size == (320, 240)
    assert jobs.used(headers) == 1


def test_metadata_are_the_options(jobs: Jobs, users: Users) -> None:
    uid, _ = users.with_key()
    jobs.buckets.put(f"inbox/{uid}/a.jpg", PHOTO, format="png", w="30", h="30", exact_resize="true", bg_color="#ff0000")
    jobs.deliver(f"inbox/{uid}/a.jpg")
    picture = decoded(jobs.buckets.result(f"results/{uid}/a.png"))
    assert (picture.size, picture.convert("RGB").getpixel((0, 0))) == ((30, 30), (255, 0, 0))
    jobs.buckets.put(f"inbox/{uid}/b.jpg", PHOTO, w="x", format="gif")
    jobs.deliver(f"inbox/{uid}/b.jpg")
    error = json.loads(jobs.buckets.result(f"results/{uid}/b.jpg.error.json"))
    assert [problem["field"] for problem in error["details"]] == ["w", "format"]


def test_two_files_that_want_the_same_name_both_get_a_result(jobs: Jobs, users: Users) -> None:
    uid, headers = users.with_key()
    jobs.buckets.put(f"inbox/{uid}/a.jpg", PHOTO)
    jobs.buckets.put(f"inbox/{uid}/a.png", encoded(disc(64, 48), "PNG"))
    for _ in range(2):
        jobs.deliver(f"inbox/{uid}/a.jpg", f"inbox/{uid}/a.png")
    assert jobs.buckets.keys(f"results/{uid}/") == [f"results/{uid}/a.png.webp", f"results/{uid}/a.webp"]
    assert decoded(jobs.buckets.result(f"results/{uid}/a.webp")).size == (320, 240)
    assert jobs.used(headers) == 2


def test_a_plain_event_of_s3_works_too_and_raises(jobs: Jobs, users: Users) -> None:
    uid, _ = users.with_key()
    jobs.buckets.put(f"inbox/{uid}/a b.jpg", PHOTO)
    event = object_created(jobs.buckets.inputs, f"inbox/{uid}/a b.jpg")
    assert jobs.s3_handler.handler(event, Context(remaining_milliseconds=120_000)) == {}
    assert jobs.buckets.keys(f"results/{uid}/") == [f"results/{uid}/a b.webp"]
    with pytest.raises(jobs.s3_handler.OutOfTime):
        jobs.s3_handler.handler(event, Context(remaining_milliseconds=1000))


# --- answers of POST /rmbg that are too large for Lambda


LARGE = {"format": "bmp", "w": "1800", "h": "1300", "exact_resize": "1"}


@pytest.mark.parametrize("caller", ["key", "nobody"])
def test_an_answer_too_large_for_lambda_is_a_redirection(client: Client, users: Users, caller: str) -> None:
    headers = users.with_key()[1] if caller == "key" else {}
    answer = client.rmbg(PHOTO, "фото.jpg", headers=headers, **LARGE)
    assert (answer.status, answer.body) == (303, b"")
    assert (answer.headers["x-width"], answer.headers["x-height"]) == ("1800", "1300")
    assert answer.headers["x-credits-charged"] == ("1" if caller == "key" else "0")
    assert answer.headers["cache-control"] == "no-store"
    status, told, data = download(answer.headers["location"])
    assert (status, told["content-type"], len(data)) == (200, "image/bmp", 54 + 1800 * 1300 * 3)
    assert told["content-disposition"] == answer.headers["content-disposition"]


def test_storage_that_is_down_costs_nothing(
    client: Client, users: Users, http_handler: ModuleType, monkeypatch: pytest.MonkeyPatch, jobs: Jobs
) -> None:
    _, headers = users.with_key()
    broken = ObjectSettings("", "no-such-bucket", http_handler.SETTINGS.objects.endpoint_url)
    monkeypatch.setattr(http_handler.SERVICES, "object_settings", broken)
    answer = client.rmbg(PHOTO, headers=headers, **LARGE)
    assert (answer.status, answer.error) == (503, "Service unavailable")
    assert jobs.used(headers) == 0
