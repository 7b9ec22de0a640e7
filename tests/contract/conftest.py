"""The image function and the account function, called in this process with proxy events, over the smallest model."""

import base64
import importlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.events import Context, File, rmbg_event

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
def environment(small_model: Path) -> Iterator[None]:
    """What template.yaml and Lambda give the functions."""
    patch = pytest.MonkeyPatch()
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
    return importlib.import_module("functions.background_removal.http_handler")


@pytest.fixture(scope="session")
def account_api(environment: None) -> ModuleType:
    return importlib.import_module("functions.account_api.handler")


@dataclass(frozen=True)
class Client:
    """Calls the two functions as the gateway's routes do."""

    http_handler: ModuleType
    account_api: ModuleType

    def send(self, event: dict[str, Any]) -> Answer:
        is_rmbg = event["httpMethod"] == "POST" and event["path"] == "/rmbg"
        function = self.http_handler if is_rmbg else self.account_api
        return answer_of(function.handler(event, Context()))

    def rmbg(self, data: bytes, filename: str | None = "photo.jpg", **fields: str) -> Answer:
        return self.send(rmbg_event([("image", File(data, filename)), *fields.items()]))


@pytest.fixture(scope="session")
def client(http_handler: ModuleType, account_api: ModuleType) -> Client:
    return Client(http_handler, account_api)
