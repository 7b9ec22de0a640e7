"""Buckets of a template: their names, their rules, and what they tell which queue."""

from pathlib import Path

import pytest

from tools.local_gateway.intrinsics import TemplateError
from tools.local_store import buckets
from tools.local_store.bucket_documents import (
    QueueConfiguration,
    cors_document,
    notification_document,
    read_notifications,
)
from tools.local_store.buckets import bucket_name, create_buckets, declared_buckets

URL = "http://127.0.0.1:4566"
BUCKETS = """
Resources:
  InBox:
    Type: AWS::S3::Bucket
    Properties:
      BucketEncryption: !If [Encrypted, {}, {}]
      CorsConfiguration:
        CorsRules:
          - {AllowedOrigins: ["*"], AllowedMethods: [POST], AllowedHeaders: ["*"], ExposedHeaders: [ETag], MaxAge: 9}
      NotificationConfiguration:
        QueueConfigurations:
          - Event: s3:ObjectCreated:*
            Queue: !GetAtt Jobs.Arn
            Filter: {S3Key: {Rules: [{Name: prefix, Value: in/}]}}
          - {Event: "s3:ObjectRemoved:*", Queue: !GetAtt Jobs.Arn}
  Plain: {Type: AWS::S3::Bucket}
  Jobs: {Type: AWS::SQS::Queue}
"""
CORS = {
    "AllowedOrigin": ["*"],
    "AllowedMethod": ["POST"],
    "AllowedHeader": ["*"],
    "ExposeHeader": ["ETag"],
    "MaxAgeSeconds": ["9"],
}
QUEUE = "arn:aws:sqs:us-east-1:123456789012:Jobs"
TOLD = [
    QueueConfiguration("InBox-0", QUEUE, "s3:ObjectCreated:*", (("prefix", "in/"),)),
    QueueConfiguration("InBox-1", QUEUE, "s3:ObjectRemoved:*"),
]


class Emulator:
    """Remembers what it was asked; one bucket is there."""

    def __init__(self, existing: str, told: list[QueueConfiguration]) -> None:
        self.existing = existing
        self.told = told
        self.asked: list[str] = []

    def call(self, method: str, url: str, body: bytes | None = None, missing: int | None = None) -> bytes | None:
        name = url.removeprefix(f"{URL}/")
        if method == "HEAD":
            return b"" if name == self.existing else None
        if method == "GET":
            return notification_document(self.told if name.startswith(self.existing) else [])
        self.asked.append(f"{method} {name}")
        return b""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(BUCKETS)
    return path


def test_what_a_bucket_says_is_read(template: Path) -> None:
    declared = declared_buckets(template)
    assert declared["InBox"].cors_rules == [CORS]
    assert declared["InBox"].queue_configurations == TOLD
    assert (declared["Plain"].cors_rules, declared["Plain"].queue_configurations) == ([], [])


def test_a_name_is_one_that_s3_takes() -> None:
    assert bucket_name("InputsBucket") == "rmbg-inputsbucket"


@pytest.mark.parametrize("told", [TOLD, TOLD[:1]])
def test_a_kept_bucket_is_told_anew_only_when_it_was_told_otherwise(
    template: Path, told: list[QueueConfiguration], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = Emulator("rmbg-inbox", told)
    monkeypatch.setattr(buckets, "_call", emulator.call)
    assert create_buckets(URL, template) == {"InBox": "rmbg-inbox", "Plain": "rmbg-plain"}
    telling = ["PUT rmbg-inbox?notification"] if told != TOLD else []
    assert emulator.asked == ["PUT rmbg-inbox?cors", *telling, "PUT rmbg-plain", "DELETE rmbg-plain?cors"]


def test_what_s3_was_told_is_read_again() -> None:
    assert read_notifications(notification_document(TOLD)) == TOLD
    assert read_notifications(b"") == []


def test_rules_are_written_as_s3_takes_them() -> None:
    assert cors_document([{"AllowedOrigin": ["*", "a&b"], "MaxAgeSeconds": ["9"]}]).endswith(
        b"<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedOrigin>a&amp;b</AllowedOrigin>"
        b"<MaxAgeSeconds>9</MaxAgeSeconds></CORSRule></CORSConfiguration>"
    )


@pytest.mark.parametrize(
    ("written", "instead", "part"),
    [
        ("ExposedHeaders", "Exposed", "Exposed cannot be imitated"),
        ("!GetAtt Jobs.Arn", "!GetAtt Other.Arn", "Arn of a queue of the template"),
        ("QueueConfigurations:", "TopicConfigurations:", "TopicConfigurations cannot be imitated"),
    ],
)
def test_what_cannot_be_imitated_is_said(template: Path, written: str, instead: str, part: str) -> None:
    template.write_text(BUCKETS.replace(written, instead))
    with pytest.raises(TemplateError, match=part):
        declared_buckets(template)


def test_a_template_without_buckets_asks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {}")
    assert create_buckets(URL, path) == {}
