"""The sample events are what their script makes, and each gets the answer that its name promises."""

import io
import json
import re
from typing import Any
from urllib.parse import unquote_plus

import pytest
from PIL import Image

from tests.contract.conftest import Client
from tools.make_events import EVENTS, function_of, make_events
from tools.sample_objects import SAMPLE_USER, inbox_key

STATUSES = {
    "rmbg_multipart": 200,
    "rmbg_not_an_image": 400,
    "membership_usage": 401,  # the key in it is of nobody: `make invoke` puts a good one in its place
    "jobs_post": 401,
    "jobs_get": 401,
    "api_keys": 401,
    "health": 200,
    "head_health": 200,
    "preflight": 204,
    "method_not_allowed": 405,
    "not_found": 404,
}
OBJECT_EVENTS = ("s3_object_created", "sqs_image_objects")


def event(name: str) -> dict[str, Any]:
    document = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def test_the_committed_events_are_what_the_script_makes() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in EVENTS.glob("*.json")}
    assert committed == make_events(), "run: python -m tools.make_events"
    assert committed.keys() == {f"{name}.json" for name in (*STATUSES, *OBJECT_EVENTS)}


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_each_event_gets_its_status(client: Client, name: str, status: int) -> None:
    answer = client.send(event(name))
    assert answer.status == status, answer.body[:200]
    if status >= 400:
        assert answer.error


@pytest.mark.parametrize("name", OBJECT_EVENTS)
def test_an_object_s_event_is_for_the_function_that_processes_it(name: str) -> None:
    assert function_of(event(name)) == "ObjectProcessingFunction"


def test_an_object_s_key_is_encoded_as_s3_does_it() -> None:
    (record,) = event("s3_object_created")["Records"]
    encoded = record["s3"]["object"]["key"]
    assert unquote_plus(encoded) == inbox_key(SAMPLE_USER)
    assert re.fullmatch(r"[\w./+%-]+", encoded, re.ASCII)
    assert {"+", "%2B", "%D0"} <= set(re.findall(r"\+|%2B|%D0", encoded))
    (message,) = event("sqs_image_objects")["Records"]
    assert json.loads(message["body"]) == event("s3_object_created")


@pytest.mark.parametrize("document", [{"Records": [{"eventSource": "aws:sqs", "eventSourceARN": "arn:x:other"}]}, {}])
def test_what_is_no_event_of_the_stack_is_for_no_function(document: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        function_of(document)


@pytest.mark.parametrize("name", STATUSES)
def test_each_event_is_for_the_function_its_name_says(name: str) -> None:
    expected = "BackgroundRemovalFunction" if name.startswith("rmbg_") else "AccountApiFunction"
    assert function_of(event(name)) == expected


def test_the_sample_picture_comes_back_cut_out(client: Client) -> None:
    answer = client.send(event("rmbg_multipart"))
    with Image.open(io.BytesIO(answer.body)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (80, 60))
        alpha = picture.getchannel("A")
    assert alpha.getpixel((40, 30)) == 255
    assert alpha.getpixel((1, 1)) == 0


def test_the_other_answers_hold_what_they_are_for(client: Client) -> None:
    assert client.send(event("method_not_allowed")).headers["allow"] == "POST, OPTIONS"
    assert client.send(event("preflight")).headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert client.send(event("health")).json["status"] == "ok"
