"""Settings: one frozen object a function, read from its environment once and checked. Nothing else reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MB_PER_VCPU: Final = 1769  # AWS Lambda: one vCPU a 1,769 MB
DEFAULT_MEMORY_MB: Final = 3008


class InvalidSetting(Exception):
    """An environment variable is missing or does not hold what it should."""


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Settings of the image function.

    `max_response_bytes` bounds a base64-encoded answer and its headers together; 0 is no bound.
    """

    model_dir: Path
    max_response_bytes: int
    threads: int
    cors_allow_origin: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ImageSettings":
        memory_mb = _integer(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", DEFAULT_MEMORY_MB)
        return cls(
            model_dir=Path(_text(environment, "MODEL_DIR")),
            max_response_bytes=_integer(environment, "MAX_RESPONSE_BYTES", 0),
            threads=threads_for(memory_mb),
            cors_allow_origin=environment.get("CORS_ALLOW_ORIGIN", "*"),
        )


@dataclass(frozen=True, slots=True)
class AccountApiSettings:
    """Settings of the account function. `max_upload_bytes` is the largest file that `POST /rmbg` can take."""

    model: str
    max_upload_bytes: int
    cors_allow_origin: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "AccountApiSettings":
        return cls(
            model=_text(environment, "MODEL"),
            max_upload_bytes=_integer(environment, "MAX_UPLOAD_BYTES"),
            cors_allow_origin=environment.get("CORS_ALLOW_ORIGIN", "*"),
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
