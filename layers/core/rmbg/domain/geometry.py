"""How large the result is: resizing and rotating, to the pixel, before anything is decoded.

Sizes are (width, height) in pixels of the oriented picture. CONTRACT: form fields `w`, `h`, `exact_resize`, `angle`,
`expand`; error table, row 16.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from rmbg.domain.options import Options

MAX_CANVAS_SIDE_PX: Final = 16_383  # WebP's limit, the smallest among the four formats, holds for all of them
MAX_CANVAS_PIXELS: Final = 100_000_000
_QUARTER_TURN_DEGREES: Final = 90.0
# A side that is whole but for the rounding of sin and cos must not grow by a pixel.
_ROUNDING_SLACK_PX: Final = 1e-6


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def transposed(self) -> "Size":
        return Size(self.height, self.width)

    @property
    def within_limits(self) -> bool:
        return max(self) <= MAX_CANVAS_SIDE_PX and self.width * self.height <= MAX_CANVAS_PIXELS


@dataclass(frozen=True, slots=True)
class Geometry:
    """The way from the oriented picture to the result.

    `resized` is the picture's size before rotation, `canvas` the result's size. `quarter_turns` (0 to 3,
    counter-clockwise) is set for multiples of 90 degrees, which are lossless; else it is None and `angle_degrees`
    counts.
    """

    source: Size
    resized: Size
    canvas: Size
    angle_degrees: float
    quarter_turns: int | None

    @property
    def oversized(self) -> Size | None:
        """The first of the canvases that is over the limits, None if none is."""
        return next((size for size in (self.resized, self.canvas) if not size.within_limits), None)


def plan_geometry(source: Size, options: Options) -> Geometry:
    """Compute the sizes of the resized and of the rotated picture."""
    resized = resized_size(source, options)
    turns = options.angle_degrees / _QUARTER_TURN_DEGREES
    quarter_turns = int(turns) % 4 if turns.is_integer() else None
    canvas = rotated_size(resized, options.angle_degrees, quarter_turns) if options.expand else resized
    return Geometry(source, resized, canvas, options.angle_degrees, quarter_turns)


def resized_size(source: Size, options: Options) -> Size:
    """The size after `w`, `h` and `exact_resize`; a derived side is max(1, floor(x + 1/2)), exactly."""
    width, height = options.width, options.height
    if width is None and height is None:
        return source
    if width is not None and height is not None:
        if options.exact_resize:
            return Size(width, height)
        # fit inside the box: the side that hits it first decides
        if width * source.height <= height * source.width:
            height = None
        else:
            width = None
    if width is not None:
        return Size(width, _proportional(width, source.height, source.width))
    assert height is not None  # noqa: S101 - for the type checker
    return Size(_proportional(height, source.width, source.height), height)


def rotated_size(size: Size, angle_degrees: float, quarter_turns: int | None) -> Size:
    """The canvas that cuts no corner: ceil(w·|cos| + h·|sin|) by ceil(w·|sin| + h·|cos|)."""
    if quarter_turns is not None:
        return size.transposed if quarter_turns % 2 else size
    radians = math.radians(angle_degrees)
    cos, sin = abs(math.cos(radians)), abs(math.sin(radians))
    return Size(
        math.ceil(size.width * cos + size.height * sin - _ROUNDING_SLACK_PX),
        math.ceil(size.width * sin + size.height * cos - _ROUNDING_SLACK_PX),
    )


def _proportional(side: int, numerator: int, denominator: int) -> int:
    """max(1, floor(side·numerator/denominator + 1/2)) in integers."""
    return max(1, (2 * side * numerator + denominator) // (2 * denominator))
