"""Both functions in this process, over an emulator, with a metered client and imaging that may be left out."""

import base64
import importlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.accounting.metered import MeteredClient
from benchmarks.children.event import Context, proxy_event
from benchmarks.store import running_store
from rmbg.config import load_catalogue
from rmbg.domain.geometry import Size
from rmbg.domain.options import OutputFormat
from rmbg.domain.pictures import Cutout
from rmbg.observability import logger
from rmbg.services.operate import Operate, Operation
from rmbg.storage.database import Database
from rmbg.storage.store import Store
from tools.local_store.tables import dynamodb_client

HANDLER = "functions.background_removal.http_handler"
ACCOUNT_HANDLER = "functions.account_api.handler"


@dataclass(frozen=True)
class Service:
    """The handlers, their metered client, and the operator's changes."""

    image: Any  # the modules of the handlers
    account: Any
    client: MeteredClient
    operate: Operate

    def post(self, picture: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """`POST /rmbg`; units are those of this call alone."""
        event = proxy_event(picture, "webp")
        event["headers"] = {**event["headers"], **(headers or {})}
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        self.client.reset()
        result: dict[str, Any] = self.image.handler(event, Context())
        return result

    def usage(self, headers: dict[str, str]) -> dict[str, Any]:
        event = proxy_event(b"", "webp") | {"httpMethod": "GET", "path": "/api/membership-usage", "body": None}
        event |= {"isBase64Encoded": False, "headers": headers}
        event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        self.client.reset()
        result: dict[str, Any] = self.account.handler(event, Context())
        return result

    def new_key(self, plan: str) -> tuple[str, dict[str, str]]:
        """A user and a header with a key of theirs, used today already."""
        uid = self.operate.create_user(operation(), email="bench@example.com", verified=True, plan_name=plan)
        return uid, {"x-api-key": self.operate.issue_key(operation(), uid).text or ""}


class NoImaging:
    """Imaging that takes no time but for the check of the header: what is left is everything else."""

    def __init__(self, pipeline: Any) -> None:
        self.inspect = pipeline.inspect

    def decode(self, _data: bytes, _header: Any) -> None: ...
    def segment(self, _picture: Any) -> None: ...
    def render(self, *_: Any) -> None: ...

    def encode(self, _result: Any, _options: Any) -> Cutout:
        return Cutout(data=base64.b64decode("UklGRg=="), format=OutputFormat.WEBP, size=Size(1, 1))


@contextmanager
def imaging(service: Service, replacement: Any) -> Iterator[None]:
    """With other imaging than the pipeline, inside of the block."""
    pipeline = service.image.PIPELINE
    service.image.PIPELINE = replacement
    try:
        yield
    finally:
        service.image.PIPELINE = pipeline


@contextmanager
def running_service(model_dir: Path) -> Iterator[Service]:
    """Both functions of one process over an emulator with empty tables."""
    with running_store() as accounts:
        os.environ |= accounts
        os.environ |= {"MODEL": model_dir.name, "MODEL_DIR": str(model_dir), "MAX_UPLOAD_BYTES": "4600000"}
        logger.setLevel("CRITICAL")
        image, account = importlib.import_module(HANDLER), importlib.import_module(ACCOUNT_HANDLER)
        client = MeteredClient(dynamodb_client(accounts["DYNAMODB_ENDPOINT_URL"]))
        store = Store(Database(client), accounts["CORE_TABLE"], accounts["EPHEMERAL_TABLE"])
        for function in (image, account):
            function.SERVICES.__dict__["store"] = store
        yield Service(image, account, client, Operate(store, load_catalogue("")))


def operation() -> Operation:
    return Operation(id=uuid.uuid4().hex, kind="bench", actor="bench", reason="")
