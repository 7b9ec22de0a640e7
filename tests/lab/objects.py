"""Objects of the deployed stack: jobs by their presigned forms, the operator's inbox, what came of both."""

import json
import time
from dataclasses import dataclass
from typing import Any

import requests

from tests.conftest import ROOT
from tests.lab.conftest import STACK, Account, Api, Environment, aws, physical_name
from tests.lab.queues import eventually
from tests.support.pictures import decoded

PHOTO = ROOT / "docs" / "images" / "coffee.jpg"
SECONDS = 60  # several times what a cold container and a picture take
FUNCTION = "ObjectProcessingFunction"


@dataclass(frozen=True)
class Objects:
    """The stack's buckets under the operator's credentials."""

    environment: Environment
    inputs: str
    results: str

    @classmethod
    def of(cls, environment: Environment) -> "Objects":
        return cls(environment, *(physical_name(environment, STACK, it) for it in ("InputsBucket", "ResultsBucket")))

    @property
    def s3(self) -> Any:
        return aws(self.environment, "s3")

    def drop(self, account: Account, path: str, data: bytes, **options: str) -> None:
        """Put a file into an account's inbox."""
        metadata = {f"rmbg-{name}": value for name, value in options.items()}
        self.s3.put_object(Bucket=self.inputs, Key=f"inbox/{account.user_id}/{path}", Body=data, Metadata=metadata)

    def made(self, account: Account) -> set[str]:
        """Paths of what is in an account's results."""
        prefix = f"results/{account.user_id}/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.results, Prefix=prefix)
        return {item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", [])}

    def result(self, account: Account, path: str, seconds: float = SECONDS) -> bytes:
        """One of them, when it is there."""
        eventually(lambda: path in self.made(account), f"{path} is made", seconds)
        key = f"results/{account.user_id}/{path}"
        data: bytes = self.s3.get_object(Bucket=self.results, Key=key)["Body"].read()
        return data


def new_job(api: Api, **document: object) -> dict[str, Any]:
    answer = api.send("POST", "/jobs", data=json.dumps(document), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def upload(job: dict[str, Any], data: bytes, name: str = "x.jpg", **changed: str) -> requests.Response:
    """What a browser's form sends, with some of its fields changed."""
    form = job["upload"]
    fields = {**form["fields"], **changed}
    return requests.post(form["url"], data=fields, files={"file": (name, data)}, timeout=60)


def status(api: Api, job: dict[str, Any]) -> dict[str, Any]:
    answer = api.send("GET", f"/jobs/{job['job_id']}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def ended(api: Api, job: dict[str, Any], seconds: float = SECONDS) -> dict[str, Any]:
    """How a job stands when it is done or has failed."""
    deadline = time.monotonic() + seconds
    while (found := status(api, job))["status"] not in ("done", "failed"):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def spent(api: Api) -> int:
    """Credits used by an account's key, or its files."""
    answer = api.send("GET", "/api/membership-usage")
    assert answer.status_code == 200
    return int(answer.json()["api_usage"])


def is_cut_out(data: bytes, file_format: str, size: tuple[int, int]) -> bool:
    image = decoded(data)
    middle, corner = (image.getpixel((size[0] * x // 600, size[1] * y // 400)) for x, y in ((250, 200), (20, 20)))
    found = (image.format, image.mode, image.size, middle[3], corner[3])  # type: ignore[index]
    return found == (file_format, "RGBA", size, 255, 0)


def photo_form() -> dict[str, tuple[str, bytes]]:
    """The file of a request to POST /rmbg."""
    return {"image": (PHOTO.name, PHOTO.read_bytes())}
