"""What template.yaml promises of uploaded pictures and their results: private, short-lived, told of once."""

import re
from typing import Any

import pytest

from rmbg.domain import object_keys
from rmbg.domain.calendar import DAY_SECONDS
from rmbg.domain.jobs import RESULT_SECONDS
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.graph import dependencies
from tests.infrastructure.test_template import attribute, of_type

INPUTS, RESULTS = "InputsBucket", "ResultsBucket"
QUEUE, POLICY, WORKER = "ImageObjects", "ImageObjectsPolicy", "ObjectProcessingFunction"
MESSAGES_LIVE_DAYS = 14  # in the dead letters, too: SQS counts from when they were first sent
# An upload's form is good for minutes, and a job for hours; a result is good for a week.
DAYS = {INPUTS: {"uploads/": 1, "inbox/": 30}, RESULTS: {"jobs/": 7, "answers/": 7, "results/": 7}}

of_each_bucket = pytest.mark.parametrize("name", [INPUTS, RESULTS])


@pytest.fixture
def buckets(source: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = of_type(source, "AWS::S3::Bucket")
    assert found.keys() == {INPUTS, RESULTS}
    return found


@of_each_bucket
def test_nothing_is_public(buckets: dict[str, dict[str, Any]], name: str) -> None:
    assert buckets[name]["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert buckets[name]["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert not buckets[name].keys() & {"AccessControl", "WebsiteConfiguration"}


@of_each_bucket
def test_everything_is_encrypted_where_it_lies_and_on_its_way(
    source: dict[str, Any], buckets: dict[str, dict[str, Any]], name: str
) -> None:
    (rule,) = buckets[name]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    policy = of_type(source, "AWS::S3::BucketPolicy")[f"{name}Policy"]
    assert policy["Bucket"] == {"Ref": name}
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    bucket, objects = statement["Resource"]
    assert attribute(bucket, "Arn") == name
    assert objects == {"Fn::Sub": f"${{{name}.Arn}}/*"}


@of_each_bucket
def test_nothing_is_kept_for_ever(buckets: dict[str, dict[str, Any]], name: str) -> None:
    rules = buckets[name]["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    expired = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert expired == DAYS[name]
    (unfinished,) = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    assert unfinished["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "Prefix" not in unfinished
    # an older version would outlive its object
    assert "VersioningConfiguration" not in buckets[name]


def test_what_may_be_asked_for_is_there_and_no_longer() -> None:
    assert DAYS[INPUTS]["inbox/"] > MESSAGES_LIVE_DAYS
    assert {days * DAY_SECONDS for days in DAYS[RESULTS].values()} == {RESULT_SECONDS}
    assert DAYS[INPUTS].keys() == {f"{object_keys.UPLOADS}/", f"{object_keys.INBOX}/"}


def test_the_function_knows_which_receive_is_the_last(source: dict[str, Any]) -> None:
    """By then it must have told of its fault: nobody else will."""
    handler = (ROOT / "functions" / "background_removal" / "s3_handler.py").read_text(encoding="utf-8")
    (receives,) = re.findall(r"^MAX_RECEIVES\b.*= (\d+)\b", handler, re.MULTILINE)
    assert source["Resources"][QUEUE]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == int(receives)


@of_each_bucket
def test_a_page_of_any_origin_reads_and_posts_what_was_signed(buckets: dict[str, dict[str, Any]], name: str) -> None:
    (rule,) = buckets[name]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["*"]  # after a redirect a browser's origin is null
    assert rule["AllowedMethods"] == ["GET", "HEAD", "POST"]
    assert rule["AllowedHeaders"] == ["*"]
    assert rule["ExposedHeaders"] == ["ETag", "Content-Length", "Content-Disposition"]


def test_the_queue_is_told_of_what_is_put_in_and_of_nothing_else(buckets: dict[str, dict[str, Any]]) -> None:
    told = buckets[INPUTS]["NotificationConfiguration"]
    assert told.keys() == {"QueueConfigurations"}
    prefixes = []
    for configuration in told["QueueConfigurations"]:
        assert configuration["Event"] == "s3:ObjectCreated:*"
        assert attribute(configuration["Queue"], "Arn") == QUEUE
        (rule,) = configuration["Filter"]["S3Key"]["Rules"]
        assert rule["Name"] == "prefix"
        prefixes.append(rule["Value"])
    assert sorted(prefixes) == sorted(DAYS[INPUTS])
    # what it makes would come back to it
    assert "NotificationConfiguration" not in buckets[RESULTS]


def test_only_this_account_s_buckets_write_to_the_queue(source: dict[str, Any]) -> None:
    policy = of_type(source, "AWS::SQS::QueuePolicy")[POLICY]
    assert policy["Queues"] == [{"Ref": QUEUE}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Allow", {"Service": "s3.amazonaws.com"})
    assert statement["Action"] == "sqs:SendMessage"
    assert attribute(statement["Resource"], "Arn") == QUEUE
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_queue_takes_messages_before_the_bucket_is_made(transformed: dict[str, Any]) -> None:
    """S3 tries it when a bucket is given its notifications, and refuses them if it may not write."""
    graph = dependencies(transformed)
    assert set(graph[INPUTS]) == {QUEUE, POLICY}
    assert graph[POLICY] == [QUEUE]
    assert graph[RESULTS] == []
    assert {INPUTS, RESULTS, QUEUE} <= set(graph[f"{WORKER}Role"])


def test_a_batch_is_one_picture(source: dict[str, Any], transformed: dict[str, Any]) -> None:
    mappings = of_type(transformed, "AWS::Lambda::EventSourceMapping").values()
    (mapping,) = [mapping for mapping in mappings if mapping["FunctionName"] == {"Ref": WORKER}]
    assert mapping["BatchSize"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "ObjectsMaximumConcurrency"}}
    parameter = source["Parameters"]["ObjectsMaximumConcurrency"]
    assert (parameter["Default"], parameter["MinValue"], parameter["MaxValue"]) == (2, 2, 1000)


def test_each_function_knows_its_buckets(source: dict[str, Any]) -> None:
    names = {"INPUTS_BUCKET", "RESULTS_BUCKET", "S3_ENDPOINT_URL", "COMPLETION_TOPIC_ARN"}
    known = {
        name: {key: value for key, value in function["Environment"]["Variables"].items() if key in names}
        for name, function in of_type(source, "AWS::Serverless::Function").items()
    }
    results = {"RESULTS_BUCKET": {"Ref": RESULTS}, "S3_ENDPOINT_URL": ""}
    both = {"INPUTS_BUCKET": {"Ref": INPUTS}, **results}
    assert {name: variables for name, variables in known.items() if variables} == {
        "BackgroundRemovalFunction": results,
        "AccountApiFunction": both,
        WORKER: {**both, "COMPLETION_TOPIC_ARN": {"Ref": "CompletionTopicArn"}},
    }


def test_both_functions_of_the_image_have_one_image(source: dict[str, Any]) -> None:
    """SAM builds once for functions whose metadata are equal, and pushes layers that are there only once."""
    image, worker = (source["Resources"][name] for name in ("BackgroundRemovalFunction", WORKER))
    assert image["Metadata"] == worker["Metadata"]
    for name in ("PackageType", "Architectures", "MemorySize"):
        assert image["Properties"][name] == worker["Properties"][name]
    commands = [it["Properties"]["ImageConfig"]["Command"] for it in (image, worker)]
    package = "functions.background_removal"
    assert commands == [[f"{package}.http_handler.handler"], [f"{package}.s3_handler.handler"]]


def test_who_drops_files_finds_the_buckets(source: dict[str, Any]) -> None:
    for name in (INPUTS, RESULTS):
        assert source["Outputs"][name]["Value"] == {"Ref": name}
    assert f"s3://${{{INPUTS}}}/inbox/" in source["Outputs"]["DropAFolder"]["Value"]["Fn::Sub"]


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [
        ("", True),
        ("arn:aws:sns:eu-central-1:123456789012:rmbg-done", True),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:done", True),
        ("arn:aws:sns:eu-central-1:123456789012:done.fifo", False),
        ("arn:aws:sqs:eu-central-1:123456789012:done", False),
        ("arn:aws:sns:eu-central-1:123456789012:done:0a-subscription", False),
        ("https://example.com/hook", False),
    ],
)
def test_who_is_told_is_a_topic(source: dict[str, Any], value: str, is_taken: bool) -> None:
    parameter = source["Parameters"]["CompletionTopicArn"]
    assert parameter["Default"] == ""
    assert bool(re.fullmatch(parameter["AllowedPattern"], value)) == is_taken
