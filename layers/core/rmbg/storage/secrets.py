"""Secrets by the name of their place: `ssm:/rmbg/name`, `secretsmanager:rmbg/name`, or themselves (tests, `make run`).

Kept for five minutes by Powertools' parameters; one value may hold several secrets, separated by commas.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

from rmbg.errors import PublicError
from rmbg.observability import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
    from botocore.config import Config

MAX_AGE_SECONDS: Final = 300
_CONNECT_TIMEOUT_SECONDS: Final = 1
_READ_TIMEOUT_SECONDS: Final = 1
_ATTEMPTS: Final = 2
_SSM: Final = "ssm:"
_SECRETS_MANAGER: Final = "secretsmanager:"


class SecretsUnavailable(PublicError):
    """Neither there nor remembered."""

    def __init__(self) -> None:
        super().__init__(503, "Service unavailable", headers={"Retry-After": "5"})


def read_secrets(source: str, *, fresh: bool = False) -> tuple[str, ...]:
    """The secrets of a source; `fresh` does not take remembered ones. Raises SecretsUnavailable."""
    return tuple(part for part in (part.strip() for part in _value(source, fresh=fresh).split(",")) if part)


def _value(source: str, *, fresh: bool) -> str:
    if not source.startswith((_SSM, _SECRETS_MANAGER)):
        return source
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

    try:
        if source.startswith(_SSM):
            name = source.removeprefix(_SSM)
            return str(_ssm().get(name, decrypt=True, max_age=MAX_AGE_SECONDS, force_fetch=fresh))
        name = source.removeprefix(_SECRETS_MANAGER)
        return str(_secrets_manager().get(name, max_age=MAX_AGE_SECONDS, force_fetch=fresh))
    except GetParameterError as error:
        logger.error("secret unavailable", cause=type(error.__cause__ or error).__name__)
        raise SecretsUnavailable from error


@cache
def _ssm() -> "SSMProvider":
    from aws_lambda_powertools.utilities.parameters import SSMProvider

    return SSMProvider(boto_config=_config())


@cache
def _secrets_manager() -> "SecretsProvider":
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto_config=_config())


def _config() -> "Config":
    from botocore.config import Config

    return Config(
        connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        read_timeout=_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
