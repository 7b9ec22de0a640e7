"""DynamoDB's failures, by a client that fails as it is asked to: which exception comes of each, and what it tells."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from rmbg.errors import PublicError
from rmbg.storage import database
from rmbg.storage.database import ConditionFailed, Database, StoreUnavailable, TransactionFailed, connect

SECRET = "arn:aws:dynamodb:eu-central-1:123456789012:table/core"


def client_error(code: str, **members: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"about {SECRET}"}, **members}, "UpdateItem")


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code, **({"Item": {"n": {"N": "7"}}} if code != "None" else {})} for code in codes]
    return client_error("TransactionCanceledException", CancellationReasons=reasons)


class FailingClient:
    """Raises one exception a call, in their order, and answers afterwards."""

    def __init__(self, failures: Sequence[Exception], answer: dict[str, Any] | None = None) -> None:
        self._failures = list(failures)
        self._answer = answer or {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self.calls.append((operation, copy.deepcopy(request)))
            if self._failures:
                raise self._failures.pop(0)
            return self._answer

        return call


UNAVAILABLE: list[Exception] = [
    *map(
        client_error,
        [
            "ProvisionedThroughputExceededException",
            "ThrottlingException",
            "RequestLimitExceeded",
            "InternalServerError",
            "ServiceUnavailable",
            "500",
            "AccessDeniedException",
            "UnrecognizedClientException",
            "ExpiredTokenException",
            "ResourceNotFoundException",
            "ValidationException",
            "ItemCollectionSizeLimitExceededException",
            "IdempotentParameterMismatchException",
            "",
        ],
    ),
    ConnectTimeoutError(endpoint_url=SECRET),
    ReadTimeoutError(endpoint_url=SECRET),
    EndpointConnectionError(endpoint_url=SECRET),
    ConnectionClosedError(endpoint_url=SECRET),
    NoCredentialsError(),
    BotoCoreError(),
    ClientError({}, "UpdateItem"),
    cancelled("None", "ThrottlingError"),
    cancelled("ValidationError", "None"),
    client_error("TransactionCanceledException"),
]

CALLS: dict[str, Callable[[Database], object]] = {
    "get": lambda store: store.get({}),
    "query": lambda store: store.query({}),
    "update": lambda store: store.update({}),
    "put": lambda store: store.put({}),
    "delete": lambda store: store.delete({}),
    "transact": lambda store: store.transact([{"Put": {}}]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("failure", UNAVAILABLE, ids=repr)
def test_what_does_not_answer_or_refuses_is_a_503_that_tells_nothing_of_its_cause(
    failure: Exception, call: Callable[[Database], object]
) -> None:
    client = FailingClient([failure])
    with pytest.raises(StoreUnavailable) as refusal:
        call(Database(client, pause=lambda _: None))
    error = refusal.value
    assert isinstance(error, PublicError)
    assert (error.status, error.message, error.details) == (503, "Service unavailable", ())
    assert int(error.headers["Retry-After"]) >= 1
    assert list(error.headers) == ["Retry-After"]
    assert SECRET not in str(error) + repr(error)
    assert error.__cause__ is failure  # for the log
    assert len(client.calls) == 1  # the SDK has tried often enough


def test_the_log_tells_the_code_and_not_the_message(caplog: pytest.LogCaptureFixture) -> None:
    for failure in (client_error("AccessDeniedException"), ReadTimeoutError(endpoint_url=SECRET)):
        with pytest.raises(StoreUnavailable):
            Database(FailingClient([failure])).update({})
    written = [vars(record) for record in caplog.records]
    assert [(record["operation"], record["code"]) for record in written] == [
        ("update_item", "AccessDeniedException"),
        ("update_item", "ReadTimeoutError"),
    ]
    assert SECRET not in str(written)


@pytest.mark.parametrize("item", [None, {"n": {"N": "7"}, "s": {"S": "x"}, "b": {"BOOL": True}}])
def test_a_failed_condition_brings_the_item_as_it_is(item: dict[str, Any] | None) -> None:
    members = {"Item": item} if item else {}
    client = FailingClient([client_error("ConditionalCheckFailedException", **members)])
    with pytest.raises(ConditionFailed) as failure:
        Database(client).update({})
    assert failure.value.row == ({"n": 7, "s": "x", "b": True} if item else None)
    assert len(client.calls) == 1


CONFLICTS = [
    client_error("TransactionConflictException"),
    client_error("TransactionInProgressException"),
    cancelled("None", "TransactionConflict"),
    cancelled("TransactionConflict", "ThrottlingError"),
]


@pytest.mark.parametrize("conflict", CONFLICTS, ids=repr)
@pytest.mark.parametrize("times", [1, 9])
def test_a_conflict_with_another_write_is_tried_again_after_a_pause(conflict: ClientError, times: int) -> None:
    pauses: list[float] = []
    client = FailingClient([conflict] * times, {"Attributes": {"n": {"N": "7"}}})
    assert Database(client, pause=pauses.append).update({}) == {"n": 7}
    assert len(client.calls) == times + 1
    assert len(pauses) == times
    assert all(0 < pause < 1 for pause in pauses)
    assert sum(pauses) < 2


@pytest.mark.parametrize("conflict", CONFLICTS, ids=repr)
def test_conflicts_without_end_are_a_503(conflict: ClientError) -> None:
    client = FailingClient([conflict] * 1000)
    with pytest.raises(StoreUnavailable):
        Database(client, pause=lambda _: None).update({})
    assert len(client.calls) == 10


@pytest.mark.parametrize(
    ("codes", "failed"),
    [
        (("ConditionalCheckFailed", "None"), (True, False)),
        (("None", "ConditionalCheckFailed"), (False, True)),
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), (True, True)),
        (("TransactionConflict", "ConditionalCheckFailed"), (False, True)),
        (("ThrottlingError", "None", "ConditionalCheckFailed"), (False, False, True)),
    ],
)
def test_a_transaction_tells_which_of_its_conditions_failed(codes: tuple[str, ...], failed: tuple[bool, ...]) -> None:
    client = FailingClient([cancelled(*codes)])
    with pytest.raises(TransactionFailed) as failure:
        Database(client).transact([{"Put": {}}] * len(codes))
    assert failure.value.failed == failed
    assert failure.value.rows == tuple(None if code == "None" else {"n": 7} for code in codes)
    assert len(client.calls) == 1


def test_a_failed_condition_after_a_conflict_is_told_as_such() -> None:
    client = FailingClient([cancelled("TransactionConflict", "None"), cancelled("None", "ConditionalCheckFailed")])
    with pytest.raises(TransactionFailed) as failure:
        Database(client, pause=lambda _: None).transact([{"Put": {}}, {"Put": {}}])
    assert failure.value.failed == (False, True)


def test_a_transaction_that_is_still_in_progress_is_sent_again_as_the_same_one() -> None:
    client = FailingClient([client_error("TransactionInProgressException")] * 2)
    store = Database(client, pause=lambda _: None)
    store.transact([{"Put": {}}])
    store.transact([{"Put": {}}])
    tokens = [request["ClientRequestToken"] for _, request in client.calls]
    assert tokens[0] == tokens[1] == tokens[2] != tokens[3]
    assert all(1 <= len(token) <= 36 for token in tokens)


def test_a_transaction_that_was_cancelled_by_a_conflict_is_sent_again_as_another_one() -> None:
    client = FailingClient([cancelled("TransactionConflict")])
    Database(client, pause=lambda _: None).transact([{"Put": {}}])
    first, second = (request["ClientRequestToken"] for _, request in client.calls)
    assert first != second


def test_a_transaction_asks_for_nothing_that_only_single_writes_can_return() -> None:
    client = FailingClient([])
    write = {"Update": {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    Database(client).transact([write])
    (_, request) = client.calls[0]
    assert request["TransactItems"] == [{"Update": {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}]
    assert write["Update"]["ReturnValues"] == "ALL_NEW"


def test_a_query_reads_all_pages() -> None:
    pages: list[dict[str, Any]] = [
        {"Items": [{"n": {"N": "1"}}], "LastEvaluatedKey": {"pk": {"S": "a"}}},
        {"Items": [], "LastEvaluatedKey": {"pk": {"S": "b"}}},
        {"Items": [{"n": {"N": "2"}}]},
    ]

    class Paged(FailingClient):
        def query(self, **request: Any) -> dict[str, Any]:
            self.calls.append(("query", request))
            return pages[len(self.calls) - 1]

    client = Paged([])
    request = {"TableName": "t"}
    assert Database(client).query(request) == [{"n": 1}, {"n": 2}]
    starts = [sent.get("ExclusiveStartKey") for _, sent in client.calls]
    assert starts == [None, {"pk": {"S": "a"}}, {"pk": {"S": "b"}}]
    assert request == {"TableName": "t"}


def test_an_item_that_is_not_there_is_none_and_a_write_without_answer_an_empty_item() -> None:
    assert Database(FailingClient([])).get({}) is None
    assert Database(FailingClient([])).update({}) == {}


def test_the_client_gives_up_soon_and_tries_thrice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    connected = connect("http://127.0.0.1:9")
    client = connected._client
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 1)
    brief = connected._brief_client.meta.config
    assert (brief.connect_timeout, brief.read_timeout, brief.retries["total_max_attempts"]) == (0.5, 1, 1)
    connected._brief_client.close()
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == database.ATTEMPTS == 3
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    client.close()
