"""The lab: a container engine, the built stack, and the stack deployed on a cloud emulator."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from tests.conftest import ROOT
from tests.support.service import free_port
from tools.lab.base_image import ensure_base_image
from tools.lab.cloud import REGION, cloud
from tools.lab.commands import run, side_venv
from tools.lab.engine import container_engine
from tools.lab.store import ContainerStore, container_store

IMAGE = "backgroundremovalfunction:latest"  # SAM's name for what it builds
# Named as in a registry, SAM finds nothing to push: the emulator takes the image from the engine.
REPOSITORY = f"000000000000.dkr.ecr.{REGION}.amazonaws.com/rmbg"
STACK = "rmbg-test"
MEMORY_MB = 3008
START_SECONDS = 120
# Few enough to be used up by one test; all others have a key.
ANONYMOUS_DAILY_LIMIT = 3
# Where the stack finds the signing secrets, of which there may be several while one is rolled, and the secrets.
WEBHOOK_PARAMETER = "/rmbg/stripe-webhook"
WEBHOOK_SECRETS = ("whsec_of_the_lab", "whsec_of_before")
# The emulator throttles, though not with our answers, and the tests are quicker than the defaults allow.
PARAMETERS = {
    "AnonymousDailyLimit": str(ANONYMOUS_DAILY_LIMIT),
    "StripeWebhookSecrets": f"ssm:{WEBHOOK_PARAMETER}",
    "ThrottleRatePerSecond": "1000",
    "ThrottleBurst": "1000",
}
COMPLETION = "rmbg-test-completion"  # a topic, and a queue that hears it
PLAN = "Demo"
PREPAID_CREDITS = 10

Environment = dict[str, str]


@dataclass(frozen=True)
class Account:
    """An account that the operator's tool made, and its key."""

    user_id: str
    key_id: str
    api_key: str


@dataclass(frozen=True)
class Api:
    """A place where the API answers; `headers` go with every request.

    The operator's tool works on it with these options and variables.
    """

    base_url: str
    operator_options: tuple[str, ...]
    operator_environment: Environment
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        headers = {**self.headers, **arguments.pop("headers", {})}
        return requests.request(method, self.base_url + path, headers=headers, timeout=60, **arguments)

    def operate(self, *words: str) -> dict[str, Any]:
        """`rmbgctl`'s answer. Raises CommandFailed."""
        command: list[str | Path] = [
            Path(sys.executable).with_name("rmbgctl"),
            *self.operator_options,
            "--json",
            *words,
        ]
        answer: dict[str, Any] = json.loads(run(command, self.operator_environment))
        return answer

    def new_account(self) -> Account:
        """A user with a plan, prepaid credits and a key."""
        email = f"{uuid.uuid4().hex}@example.com"
        uid = self.operate("user", "create", "--email", email, "--verified", "--plan", PLAN)["user_id"]
        self.operate("credits", "grant", "--user", uid, "--amount", str(PREPAID_CREDITS))
        issued = self.operate("key", "issue", "--user", uid)
        return Account(uid, issued["key_id"], issued["api_key"])

    def as_(self, account: Account) -> "Api":
        """The same place, called with an account's key."""
        return replace(self, headers={**self.headers, "x-api-key": account.api_key})

    @property
    def anonymous(self) -> "Api":
        """The same place, called without a key."""
        return replace(self, headers={name: value for name, value in self.headers.items() if name != "x-api-key"})


@pytest.fixture(scope="session")
def engine() -> Iterator[Environment]:
    with container_engine() as environment:
        yield environment


@pytest.fixture(scope="session")
def built(engine: Environment) -> Environment:
    """`make build` was run: the environment for SAM, and an image in the engine."""
    ensure_base_image(engine)
    environment = {**engine, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "MODEL": "isnet-general-use"}
    run(["make", "build"], environment)
    return environment


@pytest.fixture(scope="session")
def tables(engine: Environment) -> Iterator[ContainerStore]:
    """The template's tables, for containers that are not deployed."""
    with container_store(engine) as store:
        yield store


@pytest.fixture(scope="session")
def sam() -> Path:
    return side_venv("sam") / "sam"


@pytest.fixture(scope="session")
def cloud_environment(built: Environment) -> Iterator[Environment]:
    """The environment for AWS's tools against the running cloud emulator."""
    with cloud(built, MEMORY_MB) as aws:
        yield {**built, **aws}


def deploy(stack: str, environment: Environment, sam: Path, **parameters: str) -> Api:
    """The unmodified template, but for the local image's name, deployed on the emulator."""
    run(["docker", "tag", IMAGE, f"{REPOSITORY}:test"], environment)
    folder = ROOT / ".aws-sam" / "build"
    template = folder / "template.yaml"
    text, replaced = re.subn(r"ImageUri: .*", f"ImageUri: {REPOSITORY}:test", template.read_text(encoding="utf-8"))
    assert replaced >= 1
    with_image = folder / "deployed.yaml"
    with_image.write_text(text, encoding="utf-8")
    options = ["--stack-name", stack, "--region", REGION]
    command = ["deploy", "--template-file", str(with_image), *options, "--resolve-s3", "--no-confirm-changeset"]
    command += ["--image-repository", REPOSITORY, "--capabilities", "CAPABILITY_IAM"]
    overrides = [f"{name}={value}" for name, value in {**PARAMETERS, **parameters}.items()]
    run([sam, *command, "--parameter-overrides", *overrides], environment)
    give_numbers(environment, stack)
    allow_plain_http(environment, stack)
    outputs = json.loads(run([sam, "list", "stack-outputs", "--output", "json", *options], environment))
    (url,) = [output["OutputValue"] for output in outputs if output["OutputKey"] == "ApiUrl"]
    matched = re.fullmatch(r"https://(\w+)\.execute-api\.[\w.-]+/(\w+)", url)
    assert matched, url
    endpoint = environment["AWS_ENDPOINT_URL"]
    host = f"{matched[1]}.execute-api.localhost:{endpoint.rpartition(':')[2]}"
    return Api(f"{endpoint}/{matched[2]}", ("--stack", stack), environment, {"Host": host})


def give_numbers(environment: Environment, stack: str) -> None:
    """What the emulator lacks: it takes a parameter in ScalingConfig for a text, and then serves no queue at all."""
    functions = aws(environment, "lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        if stack in mapping["FunctionArn"]:
            concurrency = int(mapping["ScalingConfig"]["MaximumConcurrency"])
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": concurrency}
            )


def allow_plain_http(environment: Environment, stack: str) -> None:
    """What the emulator lacks: TLS. It keeps the buckets' policies, under which no role could do anything without."""
    for bucket in ("InputsBucket", "ResultsBucket"):
        aws(environment, "s3").delete_bucket_policy(Bucket=physical_name(environment, stack, bucket))


def aws(environment: Environment, service: str, credentials: Environment | None = None) -> Any:
    """boto3's client for the emulator, under the operator's credentials or those of a function's environment."""
    credentials = credentials or environment
    return boto3.client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
    )


def physical_name(environment: Environment, stack: str, logical: str) -> str:
    found = aws(environment, "cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


@contextmanager
def without(environment: Environment, function: str, resource: str, action: str) -> Iterator[None]:
    """The function's role without one of its rights; `resource` is the end of an ARN."""
    iam = aws(environment, "iam")
    role = physical_name(environment, STACK, f"{function}Role")
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    less = json.loads(json.dumps(document))
    (statement,) = [statement for statement in less["Statement"] if statement["Resource"].endswith(resource)]
    statement["Action"].remove(action)
    less["Statement"] = [statement for statement in less["Statement"] if statement["Action"]]
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def variables_of(environment: Environment, function: str) -> Environment:
    """The environment of a function's container, credentials of its role included; it must have been called."""
    name = physical_name(environment, STACK, function)
    for container in run(["docker", "ps", "--quiet"], environment).decode().split():
        inspected = run(["docker", "inspect", "--format", "{{json .Config.Env}}", container], environment)
        variables = dict(line.split("=", 1) for line in json.loads(inspected))
        if variables.get("AWS_LAMBDA_FUNCTION_NAME") == name:
            return variables
    raise AssertionError(f"no container of {name} runs")


@pytest.fixture(scope="session")
def deployed(cloud_environment: Environment, sam: Path) -> Iterator[Api]:
    """The deployed stack, called with the key of an account of its own; deleted at the end."""
    aws(cloud_environment, "ssm").put_parameter(
        Name=WEBHOOK_PARAMETER, Value=", ".join(WEBHOOK_SECRETS), Type="SecureString"
    )
    api = deploy(STACK, cloud_environment, sam, CompletionTopicArn=completion_topic(cloud_environment))
    yield api.as_(api.new_account())
    core, results = (physical_name(cloud_environment, STACK, name) for name in ("CoreTable", "ResultsBucket"))
    run([sam, "delete", "--stack-name", STACK, "--region", REGION, "--no-prompts"], cloud_environment)
    kept = aws(cloud_environment, "dynamodb").describe_table(TableName=core)["Table"]
    assert kept["DeletionProtectionEnabled"]  # accounts and credits outlive the stack
    aws(cloud_environment, "s3").head_bucket(Bucket=results)  # so do pictures


def completion_topic(environment: Environment) -> str:
    """The ARN of the operator's topic."""
    sqs, sns = aws(environment, "sqs"), aws(environment, "sns")
    url = sqs.create_queue(QueueName=COMPLETION)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = str(sns.create_topic(Name=COMPLETION)["TopicArn"])
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": queue}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    return topic


@pytest.fixture(scope="session")
def sam_local(
    built: Environment, tables: ContainerStore, sam: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """`sam local start-api` over the built stack, called with the key of an account of its own."""
    port = free_port()
    folder = tmp_path_factory.mktemp("sam")
    log = folder / "start-api.log"
    variables = folder / "variables.json"
    variables.write_text(json.dumps({"Parameters": tables.functions}), encoding="utf-8")
    base_url = f"http://127.0.0.1:{port}"
    # what `make run` leaves for the operator's tool
    store = {"endpoint_url": tables.endpoint_url, "core_table": tables.core_table, "base_url": base_url}
    store["ephemeral_table"] = tables.ephemeral_table
    (folder / "store.json").write_text(json.dumps(store), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(str(sam), "local", "start-api", "--host", "127.0.0.1", "--port", str(port)),
                *("--warm-containers", "EAGER", "--skip-pull-image", "--env-vars", str(variables)),
            ],
            cwd=ROOT,
            env={**os.environ, **built, **tables.credentials},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    api = Api(base_url, ("--local",), {"STATE_DIR": str(folder)})
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if api.send("GET", "/health").status_code == 200:
                    break
            except requests.ConnectionError:
                pass
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.3)
        yield api.as_(api.new_account())
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture
def account(deployed: Api) -> Account:
    return deployed.new_account()


@pytest.fixture
def api(deployed: Api, account: Account) -> Api:
    """The deployed stack, called with the key of `account`."""
    return deployed.as_(account)
