"""DynamoDB, thinly: a request in, an item or one of four exceptions out. botocore's own never leave this module."""

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from rmbg.errors import PublicError
from rmbg.observability import logger
from rmbg.storage.expressions import Request, Value, plain
from rmbg.storage.late import LateClient

CONNECT_TIMEOUT_SECONDS: Final = 1
READ_TIMEOUT_SECONDS: Final = 1
ATTEMPTS: Final = 3
# Of a call that must not outlast the function: with the 24 seconds of a deadline within its 26 (services/deadline.py).
BRIEF_CONNECT_TIMEOUT_SECONDS: Final = 0.5
BRIEF_READ_TIMEOUT_SECONDS: Final = 1
_CONFLICT_ATTEMPTS: Final = 10
_BRIEF_CONFLICT_ATTEMPTS: Final = 3
_CONFLICT_PAUSE_SECONDS: Final = 0.02
_RETRY_AFTER_SECONDS: Final = 2
_CONFLICTS: Final = frozenset({"TransactionConflictException", "TransactionInProgressException"})

Row = dict[str, Value]


class StoreUnavailable(PublicError):
    """DynamoDB did not answer, or refused: whether the write happened is not known. Public, as 503 with Retry-After."""

    def __init__(self) -> None:
        super().__init__(503, "Service unavailable", headers={"Retry-After": str(_RETRY_AFTER_SECONDS)})


class ConditionFailed(Exception):
    """The condition of a write does not hold; `row` is the item as it is, None if there is none."""

    def __init__(self, row: Row | None) -> None:
        super().__init__("condition failed")
        self.row = row


class TransactionFailed(Exception):
    """A condition of a transaction does not hold; `failed[i]` says whether it is that of its i-th write."""

    def __init__(self, failed: Sequence[bool], rows: Sequence[Row | None]) -> None:
        super().__init__("transaction failed")
        self.failed = tuple(failed)
        self.rows = tuple(rows)


class Database:
    """Calls of a boto3 DynamoDB client, with what the SDK leaves to its user: conflicts are tried again.

    `brief_client` does not repeat and waits shortly (`brief=True`): for what may be the last words of a function that
    is out of time, whose caller repeats by itself as long as there is any, and for what matters less than the wait.
    """

    def __init__(self, client: Any, brief_client: Any = None, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._brief_client = brief_client or client
        self._pause = pause

    def get(self, request: Request) -> Row | None:
        """GetItem. Raises StoreUnavailable."""
        item = self._call("get_item", request).get("Item")
        return plain(item) if item is not None else None

    def query(self, request: Request) -> list[Row]:
        """Query, all pages. Raises StoreUnavailable."""
        return self._all_pages("query", request)

    def scan(self, request: Request) -> list[Row]:
        """Scan, all pages: reads the whole table, for the operator alone. Raises StoreUnavailable."""
        return self._all_pages("scan", request)

    def _all_pages(self, operation: str, request: Request) -> list[Row]:
        rows: list[Row] = []
        while True:
            page = self._call(operation, request)
            rows.extend(plain(item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return rows
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def update(self, request: Request, *, brief: bool = False) -> Row:
        """UpdateItem; the item after it. Raises ConditionFailed and StoreUnavailable."""
        return plain(self._call("update_item", request, brief=brief).get("Attributes", {}))

    def put(self, request: Request) -> None:
        """PutItem. Raises ConditionFailed and StoreUnavailable."""
        self._call("put_item", request)

    def delete(self, request: Request, *, brief: bool = False) -> None:
        """DeleteItem. Raises ConditionFailed and StoreUnavailable."""
        self._call("delete_item", request, brief=brief)

    def transact(self, writes: Sequence[Mapping[str, Request]], *, brief: bool = False) -> None:
        """TransactWriteItems: `{"Update": request}`, `{"Put": ...}`, `{"Delete": ...}`.

        Under its token, what is sent again after a lost answer counts once, by the SDK or by us while the first is
        still in progress. Raises TransactionFailed and StoreUnavailable.
        """
        items = [_without_return_values(write) for write in writes]
        self._call("transact_write_items", {"TransactItems": items, "ClientRequestToken": _token()}, brief=brief)

    def _call(self, operation: str, request: Request, *, brief: bool = False) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._brief_client if brief else self._client
        attempts = _BRIEF_CONFLICT_ATTEMPTS if brief else _CONFLICT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                return getattr(client, operation)(**request)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code == "ConditionalCheckFailedException":
                    raise ConditionFailed(_row(error.response)) from None
                if not self._is_conflict(code, error.response) or attempt == attempts:
                    logger.error("store refused", operation=operation, code=code)
                    raise StoreUnavailable from error
                if code == "TransactionCanceledException":  # it certainly did not happen: what follows is another one
                    request = {**request, "ClientRequestToken": _token()}
            except BotoCoreError as error:
                logger.error("store unreachable", operation=operation, code=type(error).__name__)
                raise StoreUnavailable from error
            self._pause(_CONFLICT_PAUSE_SECONDS * attempt * (0.5 + random.random()))  # noqa: S311 - spreads, hides nothing
        raise StoreUnavailable

    def _is_conflict(self, code: str, response: Mapping[str, Any]) -> bool:
        """Whether another write was in the way. Raises TransactionFailed where a condition was."""
        if code != "TransactionCanceledException":
            return code in _CONFLICTS
        reasons = response.get("CancellationReasons") or []
        codes = [reason.get("Code") for reason in reasons]
        if "ConditionalCheckFailed" in codes:
            raise TransactionFailed(
                [code == "ConditionalCheckFailed" for code in codes], [_row(reason) for reason in reasons]
            )
        return "TransactionConflict" in codes


def connect(endpoint_url: str | None) -> Database:
    """The database of this environment: AWS's, or the one at an endpoint. The first call imports the SDK."""
    return Database(
        LateClient(partial(_client, endpoint_url, CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, ATTEMPTS)),
        LateClient(partial(_client, endpoint_url, BRIEF_CONNECT_TIMEOUT_SECONDS, BRIEF_READ_TIMEOUT_SECONDS, 1)),
    )


def _client(endpoint_url: str | None, connect_seconds: float, read_seconds: float, attempts: int) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        tcp_keepalive=True,
        max_pool_connections=4,
    )
    return boto3.client("dynamodb", endpoint_url=endpoint_url, config=config)


def _token() -> str:
    return uuid.uuid4().hex


def _row(holder: Mapping[str, Any]) -> Row | None:
    item = holder.get("Item")
    return plain(item) if item else None


def _without_return_values(write: Mapping[str, Request]) -> dict[str, Request]:
    """In a transaction, only what a failed condition returns can be asked for."""
    return {
        kind: {name: value for name, value in request.items() if name != "ReturnValues"}
        for kind, request in write.items()
    }
