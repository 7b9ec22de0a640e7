"""Settings: a variable that is missing or wrong stops the start, and the message says which."""

import json
from pathlib import Path

import pytest

from rmbg.config import (
    AccountApiSettings,
    AccountSettings,
    ImageSettings,
    InvalidSetting,
    ObjectSettings,
    ProcessingSettings,
    load_catalogue,
    threads_for,
)
from rmbg.domain.plans import RateLimit

ACCOUNTS = {
    "CORE_TABLE": "core",
    "EPHEMERAL_TABLE": "ephemeral",
    "ANONYMOUS_DAILY_LIMIT": "5",
    "ANONYMOUS_DAILY_LIMIT_TOTAL": "500",
    "ANONYMOUS_BURST": "5",
    "ANONYMOUS_RATE_PER_SECOND": "0.2",
}
IMAGE = {**ACCOUNTS, "MODEL_DIR": "/opt/model"}
ACCOUNT_API = {**ACCOUNTS, "MODEL": "u2netp", "MAX_UPLOAD_BYTES": "4600000"}


def accounts(**changes: str | None) -> AccountSettings:
    merged = {name: value for name, value in {**ACCOUNTS, **changes}.items() if value is not None}
    return AccountSettings.from_environment(merged)


def problem(**changes: str | None) -> str:
    with pytest.raises(InvalidSetting) as raised:
        accounts(**changes)
    return str(raised.value)


def test_the_least_that_an_account_s_settings_need() -> None:
    settings = accounts()
    assert (settings.core_table, settings.ephemeral_table) == ("core", "ephemeral")
    assert settings.dynamodb_endpoint_url is None
    assert (settings.oidc_issuer, settings.oidc_audience) == ("", "")
    assert settings.catalogue.free.name == "Free"
    assert (settings.anonymous_daily_limit, settings.anonymous_daily_limit_total) == (5, 500)
    assert settings.anonymous_rate == RateLimit(5, 0.2)


def test_what_may_be_set_besides() -> None:
    settings = accounts(DYNAMODB_ENDPOINT_URL="http://127.0.0.1:1", OIDC_ISSUER="https://i", OIDC_AUDIENCE="a")
    assert settings.dynamodb_endpoint_url == "http://127.0.0.1:1"
    assert (settings.oidc_issuer, settings.oidc_audience) == ("https://i", "a")
    assert accounts(DYNAMODB_ENDPOINT_URL="").dynamodb_endpoint_url is None


@pytest.mark.parametrize("name", ["CORE_TABLE", "EPHEMERAL_TABLE"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_table_without_a_name(name: str, value: str | None) -> None:
    assert problem(**{name: value}) == f"{name} is not set"


@pytest.mark.parametrize("name", ["ANONYMOUS_DAILY_LIMIT", "ANONYMOUS_DAILY_LIMIT_TOTAL", "ANONYMOUS_BURST"])
@pytest.mark.parametrize("value", [None, "", "five", "-1", "5.0", " 5", "+5", "1_0", "٥", "1e3", "0x5"])
def test_a_count_that_is_none(name: str, value: str | None) -> None:
    assert problem(**{name: value}) == f"{name} must be a whole number, got: {value or ''!r}"


@pytest.mark.parametrize(
    "value", [None, "", "fast", "0", "-1", "nan", "inf", "-inf", "1,5", "0.0009", "1000.1", "1e-320"]
)
def test_a_rate_that_is_none(value: str | None) -> None:
    shown = repr(value or "")
    message = problem(ANONYMOUS_RATE_PER_SECOND=value)
    assert message == f"ANONYMOUS_RATE_PER_SECOND must be a number from 0.001 to 1000, got: {shown}"


def test_nothing_for_anonymous_callers_is_a_setting_too() -> None:
    settings = accounts(ANONYMOUS_DAILY_LIMIT="0", ANONYMOUS_DAILY_LIMIT_TOTAL="0", ANONYMOUS_BURST="0")
    assert (settings.anonymous_daily_limit, settings.anonymous_daily_limit_total) == (0, 0)
    assert settings.anonymous_rate.burst == 1


def test_the_image_function_s_settings() -> None:
    settings = ImageSettings.from_environment(IMAGE)
    assert (settings.model_dir, settings.max_response_bytes, settings.threads) == (Path("/opt/model"), 0, 2)
    assert settings.cors_allow_origin == "*"
    assert settings.accounts == accounts()
    settings = ImageSettings.from_environment(
        {**IMAGE, "MAX_RESPONSE_BYTES": "6225000", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "10240", "CORS_ALLOW_ORIGIN": ""}
    )
    assert (settings.max_response_bytes, settings.threads, settings.cors_allow_origin) == (6_225_000, 6, "")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MODEL_DIR", "", "MODEL_DIR is not set"),
        ("MAX_RESPONSE_BYTES", "6MB", "MAX_RESPONSE_BYTES must be a whole number, got: '6MB'"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE must be a whole number, got: '-1'"),
        ("CORE_TABLE", "", "CORE_TABLE is not set"),
    ],
)
def test_what_the_image_function_cannot_start_with(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidSetting) as raised:
        ImageSettings.from_environment({**IMAGE, name: value})
    assert str(raised.value) == message


def test_the_account_function_s_settings() -> None:
    settings = AccountApiSettings.from_environment(ACCOUNT_API)
    assert (settings.model, settings.max_upload_bytes) == ("u2netp", 4_600_000)
    assert settings.accounts == accounts()
    for name, message in {
        "MODEL": "MODEL is not set",
        "MAX_UPLOAD_BYTES": "MAX_UPLOAD_BYTES must be a whole number, got: ''",
        "EPHEMERAL_TABLE": "EPHEMERAL_TABLE is not set",
    }.items():
        with pytest.raises(InvalidSetting) as raised:
            AccountApiSettings.from_environment({**ACCOUNT_API, name: ""})
        assert str(raised.value) == message


def test_an_operator_s_own_catalogue_replaces_the_shipped_one(tmp_path: Path) -> None:
    file = tmp_path / "plans.json"
    plan = {"name": "Only", "included": 1, "burst": 1, "per_second": 1, "max_in_flight": 1}
    file.write_text(json.dumps({"free_plan": "Only", "demo_plan": "Only", "plans": [plan], "packs": []}))
    assert list(load_catalogue(str(file)).plans) == ["Only"]
    assert accounts(CATALOGUE=str(file)).catalogue.free.name == "Only"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the catalogue plans.json: Expecting value: line 1 column 1 (char 0)"),
        (b"{", "the catalogue plans.json: Expecting property name"),
        (b"\xff", "the catalogue plans.json: 'utf-8' codec can't decode"),
        (b"[]", "the catalogue plans.json: catalogue: an object is expected"),
        (b'{"plans": [], "packs": []}', "the catalogue plans.json: free_plan: None is none of the plans"),
    ],
)
def test_a_catalogue_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "plans.json"
    file.write_bytes(content)
    with pytest.raises(InvalidSetting) as raised:
        load_catalogue(str(file))
    assert str(raised.value).startswith(message)


def test_a_catalogue_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InvalidSetting, match=f"the catalogue {path.name}: "):
            load_catalogue(str(path))


@pytest.mark.parametrize(("memory_mb", "threads"), [(128, 1), (1769, 1), (2653, 1), (2654, 2), (3538, 2), (10_240, 6)])
def test_threads_are_the_vcpus_that_the_memory_buys(memory_mb: int, threads: int) -> None:
    assert threads_for(memory_mb) == threads


PROCESSING = {"CORE_TABLE": "core", "EPHEMERAL_TABLE": "ephemeral", "MODEL_DIR": "/opt/model", "RESULTS_BUCKET": "out"}


def test_buckets_may_be_absent_where_nothing_needs_them() -> None:
    assert ImageSettings.from_environment(IMAGE).objects == ObjectSettings("", "", None)
    named = {**ACCOUNT_API, "INPUTS_BUCKET": "in", "RESULTS_BUCKET": "out", "S3_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert AccountApiSettings.from_environment(named).objects == ObjectSettings("in", "out", "http://127.0.0.1:1")
    assert AccountApiSettings.from_environment({**named, "S3_ENDPOINT_URL": ""}).objects.endpoint_url is None


def test_the_function_that_processes_objects_needs_no_issuer_and_no_allowance() -> None:
    settings = ProcessingSettings.from_environment({**PROCESSING, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "5307"})
    assert (settings.threads, settings.model_dir, settings.completion_topic_arn) == (3, Path("/opt/model"), "")
    assert settings.objects.results_bucket == "out"
    assert settings.catalogue.free.name == "Free"


@pytest.mark.parametrize("name", PROCESSING)
def test_but_it_needs_these(name: str) -> None:
    with pytest.raises(InvalidSetting, match=f"{name} is not set"):
        ProcessingSettings.from_environment({**PROCESSING, name: ""})


TOPIC = "arn:aws:sns:eu-central-1:123456789012:"


@pytest.mark.parametrize("arn", ["topic", TOPIC, TOPIC.replace("sns", "sqs") + "queue", TOPIC + "ordered.fifo"])
def test_a_topic_that_is_none(arn: str) -> None:
    with pytest.raises(InvalidSetting, match="COMPLETION_TOPIC_ARN"):
        ProcessingSettings.from_environment({**PROCESSING, "COMPLETION_TOPIC_ARN": arn})


@pytest.mark.parametrize("arn", [TOPIC + "Done_1-x", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:done"])
def test_a_topic(arn: str) -> None:
    settings = ProcessingSettings.from_environment({**PROCESSING, "COMPLETION_TOPIC_ARN": arn})
    assert settings.completion_topic_arn == arn
