"""What the environment of `make run` may say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT_PORT: Final = 3000
DEFAULT_MODEL: Final = "isnet-general-use"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})


class InvalidOption(Exception):
    """A variable does not hold what it should; the message is a whole sentence for a person."""


@dataclass(frozen=True, slots=True)
class Options:
    port: int
    model: str
    state_dir: Path
    aws_limits: bool


def read_options(environment: Mapping[str, str]) -> Options:
    """PORT, MODEL, STATE_DIR and AWS_LIMITS; empty is unset, as make exports it. Raises InvalidOption."""
    port = environment.get("PORT") or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):
        raise InvalidOption(f"PORT must be a number from 1 to 65535, got: {port!r}")
    aws_limits = environment.get("AWS_LIMITS", "").lower()
    if aws_limits not in _TRUE | _FALSE:
        raise InvalidOption(f"AWS_LIMITS must be 1 or 0, got: {aws_limits!r}")
    return Options(
        port=int(port),
        model=environment.get("MODEL") or DEFAULT_MODEL,
        state_dir=Path(environment.get("STATE_DIR") or ".local"),
        aws_limits=aws_limits in _TRUE,
    )
