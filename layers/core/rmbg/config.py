"""Settings: one frozen object a function, read from its environment once and checked. Nothing else reads it."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rmbg.domain.plans import MAX_PER_SECOND, MIN_PER_SECOND, Catalogue, InvalidCatalogue, RateLimit, parse_catalogue

MB_PER_VCPU: Final = 1769  # AWS Lambda: one vCPU a 1,769 MB
DEFAULT_MEMORY_MB: Final = 3008


_TOPIC_ARN: Final = re.compile(r"arn:[\w-]+:sns:[\w-]+:\d*:[\w-]+")  # not a FIFO topic: notices have no order
DEFAULT_CATALOGUE: Final = Path(__file__).parent / "catalogue.json"


class InvalidSetting(Exception):
    """An environment variable is missing or does not hold what it should."""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Where accounts and credits are kept, who vouches for user tokens, and what callers without either may do.

    `anonymous_daily_limit` is pictures a UTC day and client address, 0 for none. No issuer: no user tokens.
    """

    core_table: str
    ephemeral_table: str
    dynamodb_endpoint_url: str | None
    oidc_issuer: str
    oidc_audience: str
    catalogue: Catalogue
    anonymous_daily_limit: int
    anonymous_daily_limit_total: int
    anonymous_rate: RateLimit

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "AccountSettings":
        return cls(
            core_table=_text(environment, "CORE_TABLE"),
            ephemeral_table=_text(environment, "EPHEMERAL_TABLE"),
            dynamodb_endpoint_url=environment.get("DYNAMODB_ENDPOINT_URL") or None,
            oidc_issuer=environment.get("OIDC_ISSUER", ""),
            oidc_audience=environment.get("OIDC_AUDIENCE", ""),
            catalogue=load_catalogue(environment.get("CATALOGUE", "")),
            anonymous_daily_limit=_integer(environment, "ANONYMOUS_DAILY_LIMIT"),
            anonymous_daily_limit_total=_integer(environment, "ANONYMOUS_DAILY_LIMIT_TOTAL"),
            anonymous_rate=RateLimit(
                burst=max(1, _integer(environment, "ANONYMOUS_BURST")),
                per_second=_rate(environment, "ANONYMOUS_RATE_PER_SECOND"),
            ),
        )


@dataclass(frozen=True, slots=True)
class ObjectSettings:
    """Where objects are kept. A bucket that a function has no use for, or a deployment does not have, is empty."""

    inputs_bucket: str
    results_bucket: str
    endpoint_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ObjectSettings":
        return cls(
            inputs_bucket=environment.get("INPUTS_BUCKET", ""),
            results_bucket=environment.get("RESULTS_BUCKET", ""),
            endpoint_url=environment.get("S3_ENDPOINT_URL") or None,
        )


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Settings of the image function.

    `max_response_bytes` bounds a base64-encoded answer and its headers together; 0 is no bound.
    """

    model_dir: Path
    max_response_bytes: int
    threads: int
    cors_allow_origin: str
    accounts: AccountSettings
    objects: ObjectSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ImageSettings":
        memory_mb = _integer(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB)
        return cls(
            model_dir=Path(_text(environment, "MODEL_DIR")),
            max_response_bytes=_integer(environment, "MAX_RESPONSE_BYTES", 0),
            threads=threads_for(memory_mb),
            cors_allow_origin=environment.get("CORS_ALLOW_ORIGIN", "*"),
            accounts=AccountSettings.from_environment(environment),
            objects=ObjectSettings.from_environment(environment),
        )


@dataclass(frozen=True, slots=True)
class AccountApiSettings:
    """Settings of the account function. `max_upload_bytes` is the largest file that `POST /rmbg` can take."""

    model: str
    max_upload_bytes: int
    cors_allow_origin: str
    accounts: AccountSettings
    objects: ObjectSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "AccountApiSettings":
        return cls(
            model=_text(environment, "MODEL"),
            max_upload_bytes=_integer(environment, "MAX_UPLOAD_BYTES"),
            cors_allow_origin=environment.get("CORS_ALLOW_ORIGIN", "*"),
            accounts=AccountSettings.from_environment(environment),
            objects=ObjectSettings.from_environment(environment),
        )


@dataclass(frozen=True, slots=True)
class ProcessingSettings:
    """Settings of the function that processes objects. `completion_topic_arn` empty: nobody is notified."""

    model_dir: Path
    threads: int
    core_table: str
    ephemeral_table: str
    dynamodb_endpoint_url: str | None
    catalogue: Catalogue
    objects: ObjectSettings
    completion_topic_arn: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ProcessingSettings":
        memory_mb = _integer(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB)
        _text(environment, "RESULTS_BUCKET")
        topic_arn = environment.get("COMPLETION_TOPIC_ARN", "")
        if topic_arn and not _TOPIC_ARN.fullmatch(topic_arn):
            raise InvalidSetting(f"COMPLETION_TOPIC_ARN is no ARN of an SNS topic: {topic_arn!r}")
        return cls(
            model_dir=Path(_text(environment, "MODEL_DIR")),
            threads=threads_for(memory_mb),
            core_table=_text(environment, "CORE_TABLE"),
            ephemeral_table=_text(environment, "EPHEMERAL_TABLE"),
            dynamodb_endpoint_url=environment.get("DYNAMODB_ENDPOINT_URL") or None,
            catalogue=load_catalogue(environment.get("CATALOGUE", "")),
            objects=ObjectSettings.from_environment(environment),
            completion_topic_arn=topic_arn,
        )


def load_catalogue(path: str) -> Catalogue:
    """The plans and packs of a file; of the one in the package if the path is empty. Raises InvalidSetting."""
    file = Path(path) if path else DEFAULT_CATALOGUE
    try:
        return parse_catalogue(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, InvalidCatalogue) as error:
        raise InvalidSetting(f"the catalogue {file.name}: {error}") from error


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Settings of the function that takes Stripe's events. `secrets`: see rmbg.storage.secrets."""

    secrets: str
    queue_url: str
    sqs_endpoint_url: str | None
    cors_allow_origin: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WebhookSettings":
        return cls(
            secrets=environment.get("STRIPE_WEBHOOK_SECRETS", ""),
            queue_url=_text(environment, "STRIPE_EVENTS_QUEUE_URL"),
            sqs_endpoint_url=environment.get("SQS_ENDPOINT_URL") or None,
            cors_allow_origin=environment.get("CORS_ALLOW_ORIGIN", ""),
        )


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """Settings of the function that applies them. Without `stripe_api_key` the events' own copies are used."""

    core_table: str
    ephemeral_table: str
    dynamodb_endpoint_url: str | None
    catalogue: Catalogue
    stripe_api_key: str
    stripe_api_base: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "BillingSettings":
        return cls(
            core_table=_text(environment, "CORE_TABLE"),
            ephemeral_table=_text(environment, "EPHEMERAL_TABLE"),
            dynamodb_endpoint_url=environment.get("DYNAMODB_ENDPOINT_URL") or None,
            catalogue=load_catalogue(environment.get("CATALOGUE", "")),
            stripe_api_key=environment.get("STRIPE_API_KEY", ""),
            stripe_api_base=environment.get("STRIPE_API_BASE") or "https://api.stripe.com",
        )


def threads_for(memory_mb: int) -> int:
    """Threads for the vCPUs that a memory size buys; the cores that a sandbox sees are not the ones it gets."""
    return max(1, round(memory_mb / MB_PER_VCPU))


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise InvalidSetting(f"{name} is not set")
    return value


def _integer(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    value = environment.get(name, "")
    if not value and default is not None:
        return default
    if not (value.isascii() and value.isdecimal()):
        raise InvalidSetting(f"{name} must be a whole number, got: {value!r}")
    return int(value)


def _rate(environment: Mapping[str, str], name: str) -> float:
    value = environment.get(name, "")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not MIN_PER_SECOND <= number <= MAX_PER_SECOND:
        raise InvalidSetting(f"{name} must be a number from {MIN_PER_SECOND} to {MAX_PER_SECOND}, got: {value!r}")
    return number
