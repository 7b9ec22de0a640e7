"""What several subjects are drawn of. Pure."""

import math

import numpy as np

from benchmarks.quality.canvas import Color, Point

_SEGMENTS = 14


def curved(start: Point, angle: float, length: float, bend: float, waves: Point = (0.0, 0.0)) -> list[Point]:
    """A curve of a length that sets out at an angle (radians, y down) and turns by `bend` on its way.

    `waves` is how far it swings about that, in radians, and how often.
    """
    points = [start]
    step = length / _SEGMENTS
    for index in range(_SEGMENTS):
        along = index / _SEGMENTS
        heading = angle + bend * along + waves[0] * math.sin(2 * math.pi * waves[1] * along)
        x, y = points[-1]
        points.append((x + step * math.cos(heading), y + step * math.sin(heading)))
    return points


def varied(color: Color, random: np.random.Generator, levels: float) -> Color:
    """The colour, brighter or darker by chance (a normal deviation in levels), a little in hue too."""
    shift = random.normal(0, levels)
    red, green, blue = (round(min(255, max(0, c + shift + random.normal(0, levels / 4)))) for c in color[:3])
    return red, green, blue, color[3]


def ellipse(centre: Point, radii: Point, corners: int = 90) -> list[Point]:
    """The corners of an ellipse, clockwise from the right."""
    turns = [2 * math.pi * corner / corners for corner in range(corners)]
    return [(centre[0] + radii[0] * math.cos(turn), centre[1] + radii[1] * math.sin(turn)) for turn in turns]
