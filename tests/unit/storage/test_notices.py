"""Notices: told if there is a topic, and never in the way."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from rmbg.storage import notices
from rmbg.storage.notices import Notices
from tests.support.folder import Topic

ARN = "arn:aws:sns:eu-north-1:123456789012:done"


def test_a_topic_is_told_in_json_with_the_status_to_filter_by() -> None:
    topic = Topic()
    Notices(ARN, topic).publish("done", {"job_id": "job_1", "name": "ü"})
    (told,) = topic.told
    assert told["TopicArn"] == ARN
    assert json.loads(told["Message"]) == {"job_id": "job_1", "name": "ü"}
    assert told["MessageAttributes"] == {"status": {"DataType": "String", "StringValue": "done"}}


def test_without_a_topic_nobody_is_told() -> None:
    topic = Topic()
    Notices("", topic).publish("done", {})
    assert topic.told == []


@pytest.mark.parametrize(
    "failure",
    [ClientError({"Error": {"Code": "Throttled"}}, "Publish"), EndpointConnectionError(endpoint_url="https://sns")],
    ids=repr,
)
def test_what_cannot_be_told_is_counted(failure: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    Notices(ARN, Topic(failure=failure)).publish("done", {})
    assert "NoticeNotSent" in capsys.readouterr().out


def test_the_topic_s_region_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it remembers credentials
    for name, value in (("DEFAULT_REGION", "us-east-1"), ("ACCESS_KEY_ID", "AKIA"), ("SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(f"AWS_{name}", value)
    client: Any = notices._client(ARN)
    assert client.meta.region_name == "eu-north-1"
