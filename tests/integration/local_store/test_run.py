"""`make run` with a store: what it tells, what it keeps, and that nothing of it outlives it."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
import requests

from tests.integration.local_gateway.gateways import (
    ROOT,
    START_SECONDS,
    TOY,
    children,
    free_port,
    handles_signal,
    is_alive,
    wait_until,
)
from tools.local_store.buckets import s3_client
from tools.local_store.queues import sqs_client

READY_MODEL = [sys.executable, "-c", "import sys; print('/models/' + sys.argv[1])"]
STRIPE = ("SQS_ENDPOINT_URL", "STRIPE_EVENTS_QUEUE_URL", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_KEY", "STRIPE_API_BASE")
BUCKETS = ("INPUTS_BUCKET", "RESULTS_BUCKET", "S3_ENDPOINT_URL")
VARIABLES = (
    *("CORE_TABLE", "EPHEMERAL_TABLE", "DYNAMODB_ENDPOINT_URL", "CATALOGUE", "OIDC_ISSUER", "OIDC_AUDIENCE"),
    *STRIPE,
    *BUCKETS,
)
LIMITS = {
    "ANONYMOUS_DAILY_LIMIT": "1000",
    "ANONYMOUS_DAILY_LIMIT_TOTAL": "1000",
    "ANONYMOUS_BURST": "100",
    "ANONYMOUS_RATE_PER_SECOND": "20",
}
TABLE = """
  {name}:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{{AttributeName: pk, AttributeType: S}}, {{AttributeName: sk, AttributeType: S}}]
      KeySchema: [{{AttributeName: pk, KeyType: HASH}}, {{AttributeName: sk, KeyType: RANGE}}]
"""
QUEUES = """
  StripeEvents:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 180
      RedrivePolicy: {deadLetterTargetArn: !GetAtt StripeEventsDeadLetters.Arn, maxReceiveCount: 5}
  StripeEventsDeadLetters: {Type: AWS::SQS::Queue}
  TakeFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: toys/take
      Handler: handler.handler
      Environment: {Variables: {STRIPE_EVENTS_QUEUE_URL: !Ref StripeEvents}}
      Events:
        Queue: {Type: SQS, Properties: {Queue: !GetAtt StripeEvents.Arn}}
  ImageObjects: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 180}}
  InputsBucket:
    Type: AWS::S3::Bucket
    Properties:
      NotificationConfiguration:
        QueueConfigurations: [{Event: "s3:ObjectCreated:*", Queue: !GetAtt ImageObjects.Arn}]
  ResultsBucket: {Type: AWS::S3::Bucket}
  ObjectFunction:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
      ImageConfig: {Command: [toys.objects.handler.handler]}
      Events:
        Queue: {Type: SQS, Properties: {Queue: !GetAtt ImageObjects.Arn, ScalingConfig: {MaximumConcurrency: 2}}}
"""
OBJECTS = """
import os

print("loaded", os.getpid(), flush=True)

def handler(event, context):
    print("object", os.environ["AWS_SECRET_ACCESS_KEY"], [record["body"] for record in event["Records"]], flush=True)
"""
TAKE = """
import os

def handler(event, context):
    print("taken", os.environ["STRIPE_EVENTS_QUEUE_URL"], [record["body"] for record in event["Records"]])
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """The gateway's toy with the tables of a store, and with the variables that its functions need."""
    root = tmp_path / "toy"
    shutil.copytree(TOY, root)
    template = root / "template.yaml"
    variables = "".join(f"          {name}: of the template\n" for name in (*VARIABLES, *LIMITS))
    text = template.read_text().replace("          MODEL_DIR:", f"{variables}          MODEL_DIR:")
    template.write_text(text + TABLE.format(name="CoreTable") + TABLE.format(name="EphemeralTable") + QUEUES)
    handler = root / "toys" / "take" / "handler.py"
    handler.parent.mkdir()
    handler.write_text(TAKE)
    objects = root / "toys" / "objects" / "handler.py"
    objects.parent.mkdir()
    objects.write_text(OBJECTS)
    return root


@contextmanager
def started(
    toy: Path, *arguments: str, before: str = "", port: int | None = None, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """tools.run on the toy; `before` is Python that is run first."""
    port = port or free_port()
    program = (
        f"import pathlib, sys, tools.run; {before}\n"
        f"sys.exit(tools.run.main(pathlib.Path({str(toy)!r}), {READY_MODEL!r}, sys.argv[1:]))"
    )
    settings = {"PYTHONPATH": str(ROOT), "STATE_DIR": str(toy / "state"), "PORT": str(port), "MODEL": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings, "AWS_LIMITS": "", "CATALOGUE": "", **dict.fromkeys(STRIPE, ""), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.communicate()


def until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    assert readable
    assert "serving" in process.stdout.readline(), process.stderr.read() if process.stderr else ""


def stopped(process: subprocess.Popen[str]) -> tuple[str, str]:
    began = time.monotonic()
    process.terminate()
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    assert time.monotonic() - began < 5
    return output, errors


def demo_of(toy: Path) -> dict[str, str]:
    path = toy / "state" / "demo.env"
    assert path.stat().st_mode & 0o777 == 0o600
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_what_is_told_and_what_is_kept(toy: Path) -> None:
    store_json = toy / "state" / "store.json"
    demos = []
    for arguments in ([], [], ["--fresh"]):
        with started(toy, *arguments) as (process, port):
            until_ready(process)
            url = f"http://127.0.0.1:{port}"
            demo = demo_of(toy)
            demos.append(demo)
            assert list(demo) == ["BASE_URL", "API_KEY", "USER_ID", "USER_TOKEN", "STRIPE_WEBHOOK_SECRET", *BUCKETS]
            assert demo["BASE_URL"] == url
            environment = requests.get(url, timeout=10).json()["environment"]
            assert environment.items() >= LIMITS.items()
            assert [environment[name] for name in ("CORE_TABLE", "EPHEMERAL_TABLE")] == ["CoreTable", "EphemeralTable"]
            assert environment["CATALOGUE"] == ""
            assert [environment[name] for name in BUCKETS] == [demo[name] for name in BUCKETS]
            assert demo["S3_ENDPOINT_URL"] == environment["DYNAMODB_ENDPOINT_URL"]
            s3 = s3_client(demo["S3_ENDPOINT_URL"])
            listing = s3.list_objects_v2(Bucket=demo["INPUTS_BUCKET"])
            assert listing["KeyCount"] == (len(demos) - 1 if not arguments else 0)
            s3.put_object(Bucket=demo["INPUTS_BUCKET"], Key=f"{len(demos)}.jpg", Body=b"kept")
            s3.close()
            assert environment["SQS_ENDPOINT_URL"] == environment["DYNAMODB_ENDPOINT_URL"]
            assert environment["STRIPE_EVENTS_QUEUE_URL"].endswith("/123456789012/StripeEvents")
            assert environment["STRIPE_WEBHOOK_SECRETS"] == demo["STRIPE_WEBHOOK_SECRET"]
            assert environment["STRIPE_API_KEY"] == environment["STRIPE_API_BASE"] == ""
            assert store_json.stat().st_mode & 0o777 == 0o600
            assert json.loads(store_json.read_text()) == {
                "endpoint_url": environment["DYNAMODB_ENDPOINT_URL"],
                "core_table": "CoreTable",
                "ephemeral_table": "EphemeralTable",
                "base_url": url,
                "catalogue": "",
            }
            keys = jwt.PyJWKClient(environment["OIDC_ISSUER"] + "/.well-known/jwks.json")
            claims = jwt.decode(
                demo["USER_TOKEN"],
                keys.get_signing_key_from_jwt(demo["USER_TOKEN"]),
                ["RS256"],
                audience=environment["OIDC_AUDIENCE"],
                issuer=environment["OIDC_ISSUER"],
            )
            assert (claims["sub"], claims["exp"] - claims["iat"]) == (demo["USER_ID"], 7 * 24 * 3600)
            started_by_it = children(process.pid)
            assert process.stdout
            output = "".join(process.stdout.readline() for _ in range(4))
            _, errors = stopped(process)
            assert 'curl -H "x-api-key: $API_KEY"' in output
            assert demo["API_KEY"] not in output
            assert demo["STRIPE_WEBHOOK_SECRET"] not in output + errors
            assert "Traceback" not in errors
            assert not any(is_alive(child) for child in started_by_it)
            assert not store_json.exists()
            assert not (toy / "state" / "demo.env").exists()
    first, second, fresh = demos
    assert first["API_KEY"] == second["API_KEY"] != fresh["API_KEY"]
    assert first["USER_ID"] == second["USER_ID"]
    secrets = [demo["STRIPE_WEBHOOK_SECRET"] for demo in demos]
    assert secrets[0] == secrets[1] != secrets[2]
    assert all(re.fullmatch("whsec_[0-9a-f]{48}", secret) for secret in secrets)
    assert (toy / "state" / "stripe-webhook-secret").stat().st_mode & 0o777 == 0o600


def test_a_function_in_the_background_is_loaded_for_its_first_object_and_ends_with_the_run(toy: Path) -> None:
    with started(toy) as (process, _):
        until_ready(process)
        demo = demo_of(toy)
        s3 = s3_client(demo["S3_ENDPOINT_URL"])
        s3.put_object(Bucket=demo["INPUTS_BUCKET"], Key="a b+c.jpg", Body=b"kept")
        s3.close()
        queue = (sqs_client(demo["S3_ENDPOINT_URL"]), f"{demo['S3_ENDPOINT_URL']}/123456789012/ImageObjects")

        def held() -> set[str]:
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            attributes = queue[0].get_queue_attributes(QueueUrl=queue[1], AttributeNames=names)["Attributes"]
            return {attributes[name] for name in names}

        assert wait_until(lambda: held() == {"0"}, 10)
        queue[0].close()
        started_by_it = children(process.pid)
        _, errors = stopped(process)
        assert not any(is_alive(child) for child in started_by_it)
    assert errors.count("loaded") == 1  # one worker, though two could be
    assert "a+b%2Bc.jpg" in errors
    secrets = set(re.findall("object ([0-9a-f]{64}) ", errors))
    assert len(secrets) == 1
    assert not secrets & set(demo.values())


def test_the_users_own_stripe_and_a_message_on_the_queue(toy: Path) -> None:
    with started(toy, STRIPE_API_KEY="sk_test_1", STRIPE_API_BASE="http://127.0.0.1:1") as (process, port):
        until_ready(process)
        environment = requests.get(f"http://127.0.0.1:{port}", timeout=10).json()["environment"]
        assert (environment["STRIPE_API_KEY"], environment["STRIPE_API_BASE"]) == ("sk_test_1", "http://127.0.0.1:1")
        url = environment["STRIPE_EVENTS_QUEUE_URL"]
        client = sqs_client(environment["SQS_ENDPOINT_URL"])
        client.send_message(QueueUrl=url, MessageBody="an event")

        def left() -> list[int]:
            attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            return [int(attributes[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible")]

        assert wait_until(lambda: left() == [0, 0], 5)
        client.close()
        _, errors = stopped(process)
    assert f"taken {url} ['an event']" in errors
    assert "SQS StripeEvents TakeFunction 1 done" in errors
    assert "sk_test_1" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_seconds", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_signal_during_the_start_leaves_nothing(after_seconds: float, number: signal.Signals, toy: Path) -> None:
    with started(toy) as (process, _):
        assert wait_until(lambda: handles_signal(process.pid, signal.SIGTERM), 10)
        deadline = time.monotonic() + after_seconds
        seen: set[int] = set()
        while time.monotonic() < deadline:
            seen |= children(process.pid)
            time.sleep(0.02)
        began = time.monotonic()
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=10)
        assert time.monotonic() - began < 3
        assert process.returncode == 0, errors
        assert "Traceback" not in errors
        assert not any(is_alive(child) for child in seen)


def test_a_second_run_in_the_same_folder_is_refused(toy: Path) -> None:
    with started(toy) as (process, _):
        until_ready(process)
        demo = demo_of(toy)
        with started(toy, "--fresh") as (second, _):
            _, errors = second.communicate(timeout=10)
            assert second.returncode == 2
            assert errors == (
                f"rmbg: {toy}/state/store is in use by process {process.pid}; stop it, or name another STATE_DIR\n"
            )
        assert demo_of(toy) == demo
        assert (toy / "state" / "store.json").exists()
        stopped(process)


def test_a_dead_emulator_is_said(toy: Path) -> None:
    with started(toy) as (process, _):
        until_ready(process)
        (emulator,) = (child for child in children(process.pid) if b"emulator_process" in command_of(child))
        os.kill(emulator, signal.SIGKILL)
        _, errors = process.communicate(timeout=10)
        assert process.returncode == 1
        assert "the store's emulator has ended" in errors
        assert not (toy / "state" / "store.json").exists()


def command_of(pid: int) -> bytes:
    return subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, check=False).stdout


def test_a_killed_run_leaves_no_process_and_the_next_one_goes_on(toy: Path) -> None:
    with started(toy) as (process, _):
        until_ready(process)
        key = demo_of(toy)["API_KEY"]
        started_by_it = children(process.pid)
        process.kill()
        process.wait()
        with started(toy) as (second, _):
            until_ready(second)
            assert not any(is_alive(child) for child in started_by_it)
            assert demo_of(toy)["API_KEY"] == key
            stopped(second)


def test_an_argument_that_is_not_known(toy: Path) -> None:
    with started(toy, "--frsh") as (process, _):
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert errors.startswith("rmbg: usage:")
    assert not (toy / "state").exists()


def test_fresh_touches_nothing_that_is_not_ours(toy: Path) -> None:
    mine = toy / "state" / "store" / "tables" / "mine.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    with started(toy, "--fresh") as (process, _):
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "STATE_DIR" in errors
    assert mine.exists()


def test_without_an_emulator_nothing_is_served(toy: Path) -> None:
    no_network = "import tools.local_store.install as i; i.INSTALL = ('sh', '-c', 'echo no network >&2; exit 1')"
    with started(toy, before=no_network) as (process, _):
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors == "no network\nrmbg: the store's emulator could not be installed, see above\n"


def test_a_catalogue_that_cannot_be_read(toy: Path) -> None:
    with started(toy, CATALOGUE="/not/there.json") as (process, _):
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert errors.startswith("rmbg: the catalogue there.json: ")
    assert "Traceback" not in errors
