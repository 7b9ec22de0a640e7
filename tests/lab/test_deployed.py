"""The stack, really deployed: SAM, CloudFormation, API Gateway, IAM, tables and the container, on a cloud emulator."""

import re
from pathlib import Path

import pytest
import requests

from rmbg.config import load_catalogue
from rmbg.services.authenticate import Authenticator
from rmbg.services.manage_keys import ManageKeys
from rmbg.services.user_tokens import UserClaims, UserTokens
from rmbg.storage import schema
from rmbg.storage.database import Database, StoreUnavailable
from rmbg.storage.expressions import query
from rmbg.storage.store import Store
from tests.conftest import ROOT
from tests.lab.conftest import (
    ANONYMOUS_DAILY_LIMIT,
    PREPAID_CREDITS,
    STACK,
    Api,
    Environment,
    aws,
    deploy,
    physical_name,
    variables_of,
    without,
)
from tests.support.events import BOUNDARY, File, multipart
from tests.support.pictures import decoded
from tools import deployment
from tools.lab.commands import CommandFailed, run

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

SAMPLE = ROOT / "docs" / "images" / "coffee.jpg"
IMAGE_FUNCTION, ACCOUNT_FUNCTION = "BackgroundRemovalFunction", "AccountApiFunction"
USAGE = "/api/membership-usage?expand=billing_cycle"


def post(api: Api, headers: dict[str, str] | None = None, **fields: str) -> requests.Response:
    with SAMPLE.open("rb") as file:
        files = {"image": (SAMPLE.name, file)}
        return api.send("POST", "/rmbg", files=files, data=fields, headers=headers or {}, allow_redirects=False)


def test_a_photograph(deployed: Api) -> None:
    answer = post(deployed)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    image = decoded(answer.content)
    assert (image.size, image.mode) == ((600, 400), "RGBA")
    assert image.getpixel((250, 200))[3] == 255  # type: ignore[index]
    assert image.getpixel((20, 20))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(("name", "mode"), [("png", "RGBA"), ("jpeg", "RGB"), ("bmp", "RGB"), ("webp", "RGBA")])
def test_every_format_comes_through_as_bytes(deployed: Api, name: str, mode: str) -> None:
    answer = post(deployed, format=name, w="120")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"image/{name}")
    image = decoded(answer.content)
    assert (image.size, image.mode, image.format) == ((120, 80), mode, name.upper())


def test_errors(deployed: Api) -> None:
    answer = deployed.send("POST", "/rmbg", files={"image": ("a.exe", b"x")})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("File type '.exe' is not supported.")
    body = multipart([("image", File(SAMPLE.read_bytes())), ("w", "abc"), ("angle", "500")])
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = deployed.send("POST", "/rmbg", data=body, headers=headers)
    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["details"]] == ["w", "angle"]
    assert answer.headers["X-Request-Id"]


def test_the_rest_of_the_api(deployed: Api) -> None:
    health = deployed.send("GET", "/health")
    assert health.json()["max_upload_bytes"] == 4_600_000
    assert deployed.send("HEAD", "/health").status_code == 200
    assert deployed.send("GET", "/nope/at/all").json() == {"error": "Not found", "status": 404}
    wrong = deployed.send("PUT", "/rmbg")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST, OPTIONS")
    assert deployed.send("OPTIONS", "/rmbg").status_code == 204


def test_a_picture_is_charged_and_shown(deployed: Api) -> None:
    api = deployed.as_(deployed.new_account())
    before = api.send("GET", USAGE).json()
    assert (before["api_usage"], before["prepaidCredits"]) == (0, PREPAID_CREDITS)
    answer = post(api, w="60")
    assert (answer.status_code, answer.headers["X-Credits-Charged"]) == (200, "1")
    refused = api.send("POST", "/rmbg", files={"image": ("a.jpg", b"no picture")})
    assert refused.status_code == 400
    after = api.send("GET", USAGE).json()
    assert after["api_usage"] == 1
    cycle = after["billingCycle"]
    assert cycle["remainingIncludedCredits"] == cycle["includedCredits"] - 1


def test_limits_are_announced_through_the_gateway(deployed: Api) -> None:
    answer = post(deployed, w="60")
    assert re.fullmatch(r'"short";q=\d+;w=\d+, "credits";q=\d+;w=\d+', answer.headers["RateLimit-Policy"])
    assert re.fullmatch(r'"short";r=\d+;t=\d+, "credits";r=\d+;t=\d+', answer.headers["RateLimit"])
    assert int(answer.headers["X-RateLimit-Remaining"]) < int(answer.headers["X-RateLimit-Limit"])
    assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]


def test_a_revoked_key_is_refused_on_the_next_request(deployed: Api) -> None:
    account = deployed.new_account()
    api = deployed.as_(account)
    assert post(api, w="60").status_code == 200
    assert api.send("GET", USAGE).status_code == 200
    deployed.operate("key", "revoke", "--key-id", account.key_id)
    answer = post(api, w="60")
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid api key", "status": 401})
    assert api.send("GET", USAGE).status_code == 401


def test_an_idempotency_key_is_charged_once(deployed: Api, cloud_environment: Environment) -> None:
    """A transaction over both tables, and the deletion of a key whose request failed."""
    api = deployed.as_(deployed.new_account())
    answers = [post(api, {"Idempotency-Key": "one"}, w="60") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.headers["X-Credits-Charged"] for answer in answers] == ["1", "0"]
    assert answers[0].content == answers[1].content
    too_large = {"format": "bmp", "w": "1800", "h": "1300", "exact_resize": "1"}
    with without(cloud_environment, IMAGE_FUNCTION, "/answers/*", "s3:PutObject"):
        assert [post(api, {"Idempotency-Key": "two"}, **too_large).status_code for _ in range(2)] == [503, 503]
    assert api.send("GET", USAGE).json()["api_usage"] == 1
    assert post(api, {"Idempotency-Key": "two"}, **too_large).status_code == 303
    assert api.send("GET", USAGE).json()["api_usage"] == 2


def test_without_a_key_there_are_some_pictures_a_day(deployed: Api) -> None:
    api = deployed.anonymous
    for made in range(1, ANONYMOUS_DAILY_LIMIT + 1):
        answer = post(api, w="60")
        assert (answer.status_code, answer.headers["X-Credits-Charged"]) == (200, "0")
        assert f'"daily";r={ANONYMOUS_DAILY_LIMIT - made};' in answer.headers["RateLimit"]
    answer = post(api, w="60")
    assert answer.status_code == 429
    assert answer.json()["error"] == "You've reached your daily limit. Please sign up for more access."
    assert int(answer.headers["Retry-After"]) > 0
    assert '"daily";r=0;' in answer.headers["RateLimit"]
    assert post(deployed, w="60").status_code == 200  # an account has its own


def test_the_smoke_test_of_a_deployment(deployed: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    send = deployment._send

    def with_host(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> object:
        return send(url, body, {**(headers or {}), "Host": deployed.headers["Host"]})

    monkeypatch.setattr(deployment, "_send", with_host)  # the emulator knows its APIs by it alone
    assert deployment.smoke(deployed.base_url, deployed.headers["x-api-key"]) == []


@pytest.mark.parametrize(
    ("function", "table", "action"),
    [
        (IMAGE_FUNCTION, "CoreTable", "dynamodb:GetItem"),
        (IMAGE_FUNCTION, "CoreTable", "dynamodb:UpdateItem"),
        (IMAGE_FUNCTION, "EphemeralTable", "dynamodb:UpdateItem"),
        (ACCOUNT_FUNCTION, "CoreTable", "dynamodb:GetItem"),
        (ACCOUNT_FUNCTION, "CoreTable", "dynamodb:Query"),
    ],
)
def test_a_function_has_its_role_s_rights_and_needs_them(
    deployed: Api, cloud_environment: Environment, function: str, table: str, action: str
) -> None:
    """The emulator enforces them, so that all other tests here show that the rights are enough."""

    def status(idempotency_key: str) -> int:
        if function == ACCOUNT_FUNCTION:
            return deployed.send("GET", USAGE).status_code
        return post(deployed, {"Idempotency-Key": idempotency_key}, w="60").status_code

    kind = f"{table} {action}"
    assert status(f"{kind} before") == 200
    with without(cloud_environment, function, physical_name(cloud_environment, STACK, table), action):
        assert status(f"{kind} meanwhile") == 503
    assert status(f"{kind} after") == 200


class Anybody(UserTokens):
    """Takes every token for that of a user whose address the issuer has verified."""

    def __init__(self, subject: str) -> None:
        super().__init__("", "")
        self._subject = subject

    def verify(self, token: str) -> UserClaims:
        return UserClaims(self._subject, f"{self._subject}@example.com", True)


@pytest.mark.parametrize("function", [IMAGE_FUNCTION, ACCOUNT_FUNCTION])
def test_a_role_is_enough_for_what_user_tokens_do(deployed: Api, cloud_environment: Environment, function: str) -> None:
    """An issuer has https, which nothing here has; so the services run here, with the credentials of the role."""
    assert post(deployed, w="60").status_code == 200
    assert deployed.send("GET", USAGE).status_code == 200  # now both containers are there
    store = store_of_role(cloud_environment, function)
    authenticator = Authenticator(store, load_catalogue(""), Anybody(f"user-of-{function}"))
    account = authenticator.by_token("any").account
    if function == ACCOUNT_FUNCTION:
        keys = ManageKeys(store)
        created = keys.create(account)
        assert deployed.send("GET", USAGE, headers={"x-api-key": created.text}).status_code == 200
        keys.revoke(account.uid, created.key.id)
        assert deployed.send("GET", USAGE, headers={"x-api-key": created.text}).status_code == 401
    else:
        with pytest.raises(StoreUnavailable):  # it makes no report
            store.database.query(query(store.core, schema.account(account.uid).pk, "A", "Z"))


def store_of_role(environment: Environment, function: str) -> Store:
    """The stack's tables, under the credentials that a function's container was given."""
    variables = variables_of(environment, function)
    client = aws(environment, "dynamodb", variables)
    return Store(Database(client), variables["CORE_TABLE"], variables["EPHEMERAL_TABLE"])


KINDS = {"buckets", "queues", "alarms", "functions", "event source mappings", "roles", "log groups"}


def named_after(environment: Environment, stack: str) -> dict[str, list[str]]:
    """What there is of a stack beside its tables and users, whose names hold the stack's."""
    functions = aws(environment, "lambda")
    found = {
        "buckets": [it["Name"] for it in aws(environment, "s3").list_buckets()["Buckets"]],
        "queues": aws(environment, "sqs").list_queues().get("QueueUrls", []),
        "alarms": [it["AlarmName"] for it in aws(environment, "cloudwatch").describe_alarms()["MetricAlarms"]],
        "functions": [it["FunctionName"] for it in functions.list_functions()["Functions"]],
        "event source mappings": [
            it["FunctionArn"] for it in functions.list_event_source_mappings()["EventSourceMappings"]
        ],
        "roles": [it["RoleName"] for it in aws(environment, "iam").list_roles()["Roles"]],
        "log groups": [it["logGroupName"] for it in aws(environment, "logs").describe_log_groups()["logGroups"]],
    }
    return {kind: [name for name in names if stack in name] for kind, names in found.items()}


def test_destroying_takes_the_protected_tables_and_the_full_buckets_too(
    cloud_environment: Environment, sam: Path
) -> None:
    stack = "rmbg-doomed"
    deploy(stack, cloud_environment, sam, CreateUserPool="true")
    names = [physical_name(cloud_environment, stack, name) for name in ("CoreTable", "EphemeralTable")]
    pool = physical_name(cloud_environment, stack, "UserPool")
    s3 = aws(cloud_environment, "s3")
    for bucket in ("InputsBucket", "ResultsBucket"):
        name = physical_name(cloud_environment, stack, bucket)
        for number in range(3):
            s3.put_object(Bucket=name, Key=f"other/ä {number}+.jpg", Body=b"x")
        s3.create_multipart_upload(Bucket=name, Key="other/unfinished.jpg")
    environment = {**cloud_environment, "STACK": stack}
    with pytest.raises(CommandFailed, match="its tables, protected or not"):
        run(["sh", "tools/destroy.sh"], environment)
    dynamodb, cognito = aws(cloud_environment, "dynamodb"), aws(cloud_environment, "cognito-idp")

    def pools() -> set[str]:
        return {found["Id"] for found in cognito.list_user_pools(MaxResults=60)["UserPools"]}

    assert set(names) <= set(dynamodb.list_tables()["TableNames"])
    assert pool in pools()
    assert {kind for kind, of_the_stack in named_after(cloud_environment, stack).items() if of_the_stack} == KINDS
    run(["sh", "tools/destroy.sh"], {**environment, "CONFIRM": stack})
    assert named_after(cloud_environment, stack) == {kind: [] for kind in KINDS}
    assert not set(names) & set(dynamodb.list_tables()["TableNames"])
    assert pool not in pools()
    run([sam.with_name("python"), "-m", "tools.deployment", "remove-retained", stack], environment)  # nothing is left


def test_the_image_repository(cloud_environment: Environment, sam: Path) -> None:
    """What `make deploy` and `make destroy` do outside of the stack; both may run again."""
    command: list[str | Path] = [sam.with_name("python"), "-m", "tools.deployment"]
    uris = {run([*command, "repository", "Mixed-Case"], cloud_environment).decode().strip() for _ in range(2)}
    assert len(uris) == 1
    assert uris.pop().endswith("/mixed-case/background-removal")
    for _ in range(2):
        run([*command, "remove-repository", "Mixed-Case"], cloud_environment)
