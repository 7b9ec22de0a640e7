"""The image function and the account function, called in this process with proxy events, over the smallest model."""

import base64
import importlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rmbg.config import load_catalogue
from rmbg.services.operate import Operate, Operation
from rmbg.storage.database import Database
from rmbg.storage.store import Store as ServiceStore
from tests.support.buckets import Buckets, made_buckets
from tests.support.events import Context, File, proxy_event, rmbg_event
from tests.support.store import SIGNING_SECRET, Store, store
from tools.local_store.issuer import Issuer, running_issuer
from tools.local_store.tables import ACCESS_KEY, REGION

JPEG_QUALITY = 92


@dataclass(frozen=True)
class Answer:
    """A proxy result, read as a client would see it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    @property
    def error(self) -> str:
        document = self.json
        assert document["status"] == self.status
        return str(document["error"])


def answer_of(result: dict[str, Any]) -> Answer:
    headers = {name.lower(): ", ".join(values) for name, values in result["multiValueHeaders"].items()}
    body = base64.b64decode(result["body"]) if result["isBase64Encoded"] else result["body"].encode()
    return Answer(result["statusCode"], headers, body)


@pytest.fixture(scope="session")
def tables() -> Iterator[Store]:
    with store() as tables:
        yield tables


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def buckets(tables: Store) -> Iterator[Buckets]:
    with made_buckets(tables.endpoint_url) as buckets:
        yield buckets


@pytest.fixture(scope="session")
def environment(small_model: Path, tables: Store, buckets: Buckets, issuer: Issuer) -> Iterator[None]:
    """What template.yaml and Lambda give the functions; anonymous callers have more than these tests need."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CORE_TABLE", tables.core_table)
    patch.setenv("EPHEMERAL_TABLE", tables.ephemeral_table)
    patch.setenv("DYNAMODB_ENDPOINT_URL", tables.endpoint_url)
    patch.setenv("AWS_DEFAULT_REGION", REGION)
    patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SIGNING_SECRET)
    patch.setenv("INPUTS_BUCKET", buckets.inputs)
    patch.setenv("RESULTS_BUCKET", buckets.results)
    patch.setenv("S3_ENDPOINT_URL", buckets.endpoint_url)
    patch.setattr("boto3.DEFAULT_SESSION", None)  # it would remember the credentials of earlier tests
    patch.setenv("OIDC_ISSUER", issuer.url)
    patch.setenv("OIDC_AUDIENCE", issuer.audience)
    patch.setenv("ANONYMOUS_DAILY_LIMIT", "100000")
    patch.setenv("ANONYMOUS_DAILY_LIMIT_TOTAL", "1000000")
    patch.setenv("ANONYMOUS_BURST", "100000")
    patch.setenv("ANONYMOUS_RATE_PER_SECOND", "1000")
    patch.setenv("MODEL", "u2netp")
    patch.setenv("MODEL_DIR", str(small_model))
    patch.setenv("MAX_UPLOAD_BYTES", "4600000")
    patch.setenv("MAX_RESPONSE_BYTES", "6225000")
    patch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008")
    assert "POWERTOOLS_DEV" not in os.environ
    yield
    patch.undo()


@pytest.fixture(scope="session")
def http_handler(environment: None) -> ModuleType:
    module = importlib.import_module("functions.background_removal.http_handler")
    module.INVOCATIONS.begin()  # the first call's time begins with the process, and this one may be old
    return module


@pytest.fixture(scope="session")
def account_api(environment: None) -> ModuleType:
    return importlib.import_module("functions.account_api.handler")


@pytest.fixture(scope="session")
def s3_handler(environment: None) -> ModuleType:
    return importlib.import_module("functions.background_removal.s3_handler")


@dataclass(frozen=True)
class Client:
    """Calls the two functions as the gateway's routes do."""

    http_handler: ModuleType
    account_api: ModuleType

    def send(self, event: dict[str, Any]) -> Answer:
        is_rmbg = event["httpMethod"] == "POST" and event["path"] == "/rmbg"
        function = self.http_handler if is_rmbg else self.account_api
        return answer_of(function.handler(event, Context()))

    def rmbg(
        self,
        data: bytes,
        filename: str | None = "photo.jpg",
        headers: Any = None,
        source_ip: str = "192.0.2.7",
        **fields: str,
    ) -> Answer:
        event = rmbg_event([("image", File(data, filename)), *fields.items()], headers=headers)
        event["requestContext"]["identity"]["sourceIp"] = source_ip
        return self.send(event)

    def post(self, path: str, document: Any, headers: dict[str, str] | None = None) -> Answer:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.send(proxy_event("POST", path, body, headers))

    def get(self, path: str, headers: dict[str, str] | None = None, **query: str | list[str]) -> Answer:
        event = proxy_event("GET", path, headers=headers)
        if query:
            event["multiValueQueryStringParameters"] = {
                name: value if isinstance(value, list) else [value] for name, value in query.items()
            }
        return self.send(event)


@pytest.fixture(scope="session")
def client(http_handler: ModuleType, account_api: ModuleType) -> Client:
    return Client(http_handler, account_api)


@dataclass(frozen=True)
class Users:
    """Accounts as the operator makes them."""

    operate: Operate

    def operation(self, kind: str = "test") -> Operation:
        return Operation(id=uuid.uuid4().hex, kind=kind, actor="test", reason="")

    def create(self, plan: str = "Demo", *, verified: bool = True) -> str:
        return self.operate.create_user(
            self.operation(), email="someone@example.com", verified=verified, plan_name=plan
        )

    def key(self, uid: str) -> str:
        text = self.operate.issue_key(self.operation(), uid).text
        assert text
        return text

    def with_key(self, plan: str = "Demo", *, verified: bool = True) -> tuple[str, dict[str, str]]:
        """A user's id, and the header with a key of theirs."""
        uid = self.create(plan, verified=verified)
        return uid, {"x-api-key": self.key(uid)}


@pytest.fixture(scope="session")
def users(tables: Store) -> Users:
    database = Database(tables.client())
    return Users(Operate(ServiceStore(database, tables.core_table, tables.ephemeral_table), load_catalogue("")))
