"""What outlives a stack is found among its resources, and a bucket goes with all that is in it, late comers too."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools.retained import BUCKET, TABLE, remove_bucket, retained

NOT_EMPTY, GONE, DENIED = "BucketNotEmpty", "NoSuchBucket", "AccessDenied"


class Paginator:
    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self._pages = pages

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return self._pages


class Bucket:
    """As much of boto3's S3 client as is called; `late` objects come just before the bucket would be deleted."""

    def __init__(self, count: int, late: int = 0, failure: str = "") -> None:
        self.keys = [f"inbox/u/{number}.jpg" for number in range(count)]
        self.uploads = ["upload"]
        self.exists = True
        self.calls = 0
        self._late = late
        self._failure = failure

    def get_paginator(self, name: str) -> Paginator:
        if self._failure:
            raise error(self._failure)
        if name == "list_multipart_uploads":
            return Paginator([{"Uploads": [{"Key": "inbox/u/big.jpg", "UploadId": it} for it in self.uploads]}])
        pages = [self.keys[start : start + 1000] for start in range(0, len(self.keys), 1000)]
        return Paginator([{"Versions": [{"Key": key, "VersionId": "null"} for key in page]} for page in pages] + [{}])

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert len(Delete["Objects"]) <= 1000
        for item in Delete["Objects"]:
            self.keys.remove(item["Key"])
        return {}

    def abort_multipart_upload(self, Bucket: str, Key: str, UploadId: str) -> None:  # noqa: N803
        self.uploads.remove(UploadId)

    def delete_bucket(self, Bucket: str) -> None:  # noqa: N803
        self.calls += 1
        if self._late:
            self._late -= 1
            self.keys.append("results/u/late.webp")
        if self.keys:
            raise error(NOT_EMPTY)
        self.exists = False


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "DeleteBucket")


@pytest.mark.parametrize("count", [0, 1, 2500])
def test_a_bucket_goes_with_all_that_is_in_it(count: int) -> None:
    bucket = Bucket(count)
    remove_bucket("bucket", bucket)
    assert (bucket.exists, bucket.keys, bucket.uploads) == (False, [], [])


def test_what_is_written_meanwhile_goes_as_well() -> None:
    bucket = Bucket(3, late=2)
    remove_bucket("bucket", bucket)
    assert (bucket.exists, bucket.calls) == (False, 3)


def test_a_bucket_that_is_written_to_for_ever_is_told() -> None:
    bucket = Bucket(0, late=99)
    with pytest.raises(ClientError, match=NOT_EMPTY):
        remove_bucket("bucket", bucket)
    assert bucket.exists


def test_a_bucket_that_is_gone_is_fine_and_one_that_is_another_s_is_not() -> None:
    remove_bucket("bucket", Bucket(0, failure=GONE))
    with pytest.raises(ClientError, match=DENIED):
        remove_bucket("bucket", Bucket(0, failure=DENIED))


def test_what_a_stack_leaves_behind_is_what_is_named() -> None:
    class CloudFormation:
        def describe_stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803
            resources = [(TABLE, "t"), (BUCKET, "b"), ("AWS::SQS::Queue", "q"), (BUCKET, None)]
            return {"StackResources": [{"ResourceType": it, "PhysicalResourceId": name} for it, name in resources]}

    assert retained("rmbg", CloudFormation()) == [(TABLE, "t"), (BUCKET, "b")]
