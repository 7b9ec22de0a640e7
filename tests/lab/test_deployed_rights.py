"""Who may touch which object of the deployed stack, and how; the emulator holds every call against the policies."""

import json

import pytest

from tests.conftest import ROOT
from tests.lab.conftest import STACK as DEPLOYED
from tests.lab.conftest import Account, Api, Environment, aws, physical_name, variables_of
from tests.lab.objects import FUNCTION, Objects, new_job, photo_form
from tests.lab.queues import Queue, refused
from tools.lab.commands import run
from tools.local_gateway.intrinsics import load_yaml

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

PHOTO = (ROOT / "docs" / "images" / "coffee.jpg").read_bytes()


@pytest.fixture
def objects(deployed: Api, cloud_environment: Environment) -> Objects:
    return Objects.of(cloud_environment)


@pytest.fixture
def queue(deployed: Api, cloud_environment: Environment) -> Queue:
    return Queue(cloud_environment, "ImageObjects")


def test_a_role_reads_and_writes_what_is_its_function_s_and_nothing_else(
    api: Api, account: Account, objects: Objects, queue: Queue, cloud_environment: Environment
) -> None:
    objects.drop(account, "a.jpg", PHOTO, w="40")
    objects.result(account, "a.webp")
    assert api.send("POST", "/rmbg", files=photo_form()).status_code == 200
    new_job(api, filename="a.jpg")  # now all containers are there
    may = {
        FUNCTION: {
            "get": {"inputs/uploads", "inputs/inbox", "results/results"},
            "put": {"results/results", "results/jobs"},
        },
        "BackgroundRemovalFunction": {"get": {"results/answers"}, "put": {"results/answers"}},
        "AccountApiFunction": {"get": {"results/jobs"}, "put": {"inputs/uploads"}},
    }
    areas = {
        f"{bucket}/{prefix}": (getattr(objects, bucket), f"{prefix}/rights.jpg")
        for bucket, prefixes in {
            "inputs": ("uploads", "inbox", "other"),
            "results": ("jobs", "answers", "results"),
        }.items()
        for prefix in prefixes
    }
    for bucket, key in areas.values():
        objects.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    ephemeral = physical_name(cloud_environment, DEPLOYED, "EphemeralTable")
    for function, rights in may.items():
        variables = variables_of(cloud_environment, function)
        s3, sqs, sns = (aws(cloud_environment, service, variables) for service in ("s3", "sqs", "sns"))
        for area, (bucket, key) in areas.items():
            assert refused(s3.get_object, Bucket=bucket, Key=key) is (area not in rights["get"]), (function, area)
            assert refused(s3.put_object, Bucket=bucket, Key=key) is (area not in rights["put"]), (function, area)
            assert refused(s3.delete_object, Bucket=bucket, Key=key), (function, area)
        is_worker = function == FUNCTION
        assert refused(s3.list_objects_v2, Bucket=objects.inputs) is not is_worker
        assert refused(s3.list_objects_v2, Bucket=objects.results)
        assert refused(sqs.receive_message, QueueUrl=queue.url) is not is_worker
        assert refused(sqs.receive_message, QueueUrl=queue.dead_letters.url)
        assert refused(sqs.send_message, QueueUrl=queue.url, MessageBody="{}")
        topic = aws(cloud_environment, "sns").list_topics()["Topics"][0]["TopicArn"]
        assert refused(sns.publish, TopicArn=topic, Message='{"user_id": ""}') is not is_worker
        if is_worker:
            dynamodb = aws(cloud_environment, "dynamodb", variables)
            assert refused(dynamodb.get_item, TableName=ephemeral, Key={"pk": {"S": "x"}, "sk": {"S": "x"}})


@pytest.fixture
def source_policy(objects: Objects) -> str:
    """The policy of the template for the inputs' bucket."""
    (policy,) = [
        it["Properties"]["PolicyDocument"]
        for it in load_yaml(ROOT / "template.yaml")["Resources"].values()
        if it["Type"] == "AWS::S3::BucketPolicy" and it["Properties"]["Bucket"] == {"Ref": "InputsBucket"}
    ]
    arn = f"arn:aws:s3:::{objects.inputs}"
    statements = [{**statement, "Resource": [arn, f"{arn}/*"]} for statement in policy["Statement"]]
    return json.dumps({**policy, "Statement": statements})


def test_nothing_passes_without_tls(
    api: Api, account: Account, objects: Objects, cloud_environment: Environment, source_policy: str
) -> None:
    """The emulator has none: the policies of the template were taken away, and here one is put back for a moment."""
    objects.drop(account, "a.jpg", PHOTO, w="40")
    objects.result(account, "a.webp")
    s3 = aws(cloud_environment, "s3", variables_of(cloud_environment, FUNCTION))
    key = f"inbox/{account.user_id}/a.jpg"
    assert not refused(s3.get_object, Bucket=objects.inputs, Key=key)
    objects.s3.put_bucket_policy(Bucket=objects.inputs, Policy=source_policy)
    try:
        assert refused(s3.get_object, Bucket=objects.inputs, Key=key)
        assert refused(s3.list_objects_v2, Bucket=objects.inputs)
    finally:
        objects.s3.delete_bucket_policy(Bucket=objects.inputs)
    assert not refused(s3.get_object, Bucket=objects.inputs, Key=key)


def test_one_image_serves_both_functions(deployed: Api, cloud_environment: Environment) -> None:
    images = set()
    for function in (FUNCTION, "BackgroundRemovalFunction"):
        name = physical_name(cloud_environment, DEPLOYED, function)
        images.add(aws(cloud_environment, "lambda").get_function(FunctionName=name)["Code"]["ImageUri"])
    assert len(images) == 1
    assert run(["docker", "image", "inspect", *images], cloud_environment)
