"""What outlives a stack on purpose, and how it is deleted after all: `make destroy`.

It runs beside SAM, whose environment has boto3; nothing else of the project is needed there.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

TABLE = "AWS::DynamoDB::Table"
BUCKET = "AWS::S3::Bucket"
USER_POOL = "AWS::Cognito::UserPool"
# What was begun before the stack knew that it ends may still write into a bucket.
_EMPTYINGS = 5


def retained(stack: str, cloudformation: Any) -> list[tuple[str, str]]:
    """Type and physical name of what a stack would leave behind; nothing of a stack that is gone.

    Raises botocore's ClientError for anything else than that.
    """
    from botocore.exceptions import ClientError

    try:
        resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    return [
        (resource["ResourceType"], resource["PhysicalResourceId"])
        for resource in resources
        if resource["ResourceType"] in (TABLE, BUCKET, USER_POOL) and resource.get("PhysicalResourceId")
    ]


def remove(kind: str, name: str, client: Callable[[str], Any]) -> None:
    """Delete one of what `retained` lists, and say so. `client` is boto3's. Raises botocore's ClientError."""
    title, service, delete = {
        TABLE: ("table", "dynamodb", remove_table),
        BUCKET: ("bucket", "s3", remove_bucket),
        USER_POOL: ("user pool", "cognito-idp", remove_user_pool),
    }[kind]
    print(f"rmbg: deleting the {title} {name}", file=sys.stderr)
    delete(name, client(service))


def remove_table(name: str, dynamodb: Any) -> None:
    """Delete a table, protected or not; one that is gone already is fine."""
    try:
        if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(TableName=name)  # only an active table can be deleted
        dynamodb.delete_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return


def remove_user_pool(identifier: str, cognito: Any) -> None:
    """Delete a user pool, protected or not; one that is gone already is fine."""
    try:
        cognito.update_user_pool(UserPoolId=identifier, DeletionProtection="INACTIVE")
        cognito.delete_user_pool(UserPoolId=identifier)
    except cognito.exceptions.ResourceNotFoundException:
        return


def remove_bucket(name: str, s3: Any) -> None:
    """Delete a bucket with all that is in it; one that is gone already is fine."""
    from botocore.exceptions import ClientError

    for attempt in range(_EMPTYINGS):
        try:
            _empty(name, s3)
            s3.delete_bucket(Bucket=name)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "BucketNotEmpty" and attempt + 1 < _EMPTYINGS:
                continue
            if code != "NoSuchBucket":
                raise
        return


def _empty(name: str, s3: Any) -> None:
    for batch in _versions(name, s3):
        failed = s3.delete_objects(Bucket=name, Delete={"Objects": batch, "Quiet": True}).get("Errors", [])
        for error in failed[:1]:  # the others are likely of the same kind
            print(f"rmbg: {error['Key']}: {error['Message']}", file=sys.stderr)
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])


def _versions(name: str, s3: Any) -> Iterator[list[dict[str, str]]]:
    """What is in a bucket, a thousand at a time, as many as can be deleted at once; older versions too, if any are."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if listed:
            yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed]
