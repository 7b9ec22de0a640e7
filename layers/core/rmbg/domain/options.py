"""The form's options: what each field may hold, and the message for what it may not.

Rules and messages are the contract's, byte for byte (CONTRACT: form fields; error table, row 12). Fields are judged
by their text alone, so that a multipart form and a JSON document are held to the same rules.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from rmbg.domain.colors import RGBA, parse_color

MIN_SIDE_PX: Final = 1
MAX_SIDE_PX: Final = 10_000
MAX_ANGLE_DEGREES: Final = 360.0
MAX_INTEGER_DIGITS: Final = 18
MAX_QUOTED_CHARACTERS: Final = 100

_T = TypeVar("_T")

ASCII_BLANKS: Final = " \t\n\r\v\f"
INTEGER: Final = re.compile(rf"[+-]?[0-9]{{1,{MAX_INTEGER_DIGITS}}}")
# No digit can be matched in two ways: else 64 KiB of them keep the expression busy for a minute.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


class OutputFormat(StrEnum):
    """The encodings an answer may have; the value is the subtype of its media type."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    BMP = "bmp"

    @property
    def media_type(self) -> str:
        return f"image/{self.value}"

    @property
    def extension(self) -> str:
        return "jpg" if self is OutputFormat.JPEG else self.value

    @property
    def has_alpha(self) -> bool:
        """JPEG and BMP have no transparency: they are flattened."""
        return self in {OutputFormat.PNG, OutputFormat.WEBP}


_FORMATS: Final = {**{f.value: f for f in OutputFormat}, "jpg": OutputFormat.JPEG}


class FieldProblem(NamedTuple):
    """One thing wrong with one field, in the contract's words."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller wants done; every field has its default from the contract."""

    format: OutputFormat = OutputFormat.WEBP
    width: int | None = None
    height: int | None = None
    exact_resize: bool = False
    mask: bool = False
    bg_color: RGBA | None = None
    angle_degrees: float = 0.0
    expand: bool = True


class _InvalidValue(Exception):
    """A value that breaks its rule; the argument is the public message."""


def quote(value: str) -> str:
    """A client's value as messages show it: cut after 100 characters with an ellipsis."""
    return value if len(value) <= MAX_QUOTED_CHARACTERS else value[:MAX_QUOTED_CHARACTERS] + "…"


def parse_options(fields: Mapping[str, str]) -> tuple[Options, list[FieldProblem]]:
    """Read the options from a form's text fields; unknown fields are ignored.

    Returns the options and everything wrong with them, in the order of the contract: w, h, angle, format, bg_color,
    mask, then the others. The options mean nothing unless the list is empty.
    """
    problems: list[FieldProblem] = []

    def read(name: str, parse: Callable[[str, str], _T], default: _T) -> _T:
        value = fields.get(name, "")
        if not value.strip(ASCII_BLANKS):
            return default
        try:
            return parse(name, value)
        except _InvalidValue as invalid:
            problems.append(FieldProblem(name, str(invalid)))
            return default

    width = read("w", _side, None)
    height = read("h", _side, None)
    angle_degrees = read("angle", _angle, 0.0)
    output_format = read("format", _format, OutputFormat.WEBP)
    bg_color = read("bg_color", _color, None)
    mask = read("mask", _boolean, default=False)
    if mask and bg_color is not None:
        problems.append(
            FieldProblem("mask", "Cannot use 'mask=true' together with 'bg_color'. Choose one or the other.")
        )
    options = Options(
        format=output_format,
        width=width,
        height=height,
        exact_resize=read("exact_resize", _boolean, default=False),
        mask=mask,
        bg_color=bg_color,
        angle_degrees=angle_degrees,
        expand=read("expand", _boolean, default=True),
    )
    return options, problems


def _side(name: str, value: str) -> int | None:
    text = value.strip(ASCII_BLANKS)
    if not INTEGER.fullmatch(text):
        raise _InvalidValue(f"'{name}' must be an integer, got: '{quote(value)}'")
    side_px = int(text)
    if side_px == 0:  # the real client sends w=0 and h=0 for "not set"
        return None
    if side_px < MIN_SIDE_PX:
        raise _InvalidValue(f"'{name}' must be at least {MIN_SIDE_PX}, got: {side_px}")
    if side_px > MAX_SIDE_PX:
        raise _InvalidValue(f"'{name}' must be at most {MAX_SIDE_PX}, got: {side_px}")
    return side_px


def _angle(name: str, value: str) -> float:
    text = value.strip(ASCII_BLANKS)
    degrees = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(degrees):
        raise _InvalidValue(f"'{name}' must be a number, got: '{quote(value)}'")
    if abs(degrees) > MAX_ANGLE_DEGREES:
        raise _InvalidValue(f"'{name}' must be between -360 and 360 degrees, got: {degrees}")
    return degrees


def _format(_name: str, value: str) -> OutputFormat:
    output_format = _FORMATS.get(value.strip(ASCII_BLANKS).lower())
    if output_format is None:
        raise _InvalidValue(f"Invalid format '{quote(value)}'. Allowed formats: PNG, JPEG, WEBP, BMP")
    return output_format


def _color(_name: str, value: str) -> RGBA | None:
    color = parse_color(value.strip(ASCII_BLANKS))
    if color is None:
        raise _InvalidValue(
            f"Invalid color format '{quote(value)}'. Use hex format: #RGB, #RGBA, #RRGGBB, or #RRGGBBAA"
        )
    return color


def _boolean(name: str, value: str) -> bool:
    flag = _BOOLEANS.get(value.strip(ASCII_BLANKS).lower())
    if flag is None:
        raise _InvalidValue(f"'{name}' must be a boolean, got: '{quote(value)}'")
    return flag
