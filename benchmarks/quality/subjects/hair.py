"""A head with thousands of loose hairs, and a ball of fur with a face."""

import math

from benchmarks.quality.canvas import Canvas, Color, Point
from benchmarks.quality.subjects.shapes import curved, varied

_HAIR: Color = (92, 58, 34, 255)
_ROOTS: Color = (66, 40, 24, 255)
_SKIN: Color = (222, 176, 148, 255)
_SHADE: Color = (186, 134, 110, 255)
_EYE: Color = (48, 34, 30, 255)
_WHITE: Color = (240, 238, 232, 255)
_LIPS: Color = (176, 84, 84, 255)
_CLOTH: Color = (52, 74, 120, 255)
_FUR: Color = (168, 132, 92, 255)
_UNDER_FUR: Color = (126, 96, 66, 255)
_HAIRS, _LOOSE_HAIRS = 6000, 1500
_FUR_HAIRS = 12000


def draw_head(canvas: Canvas) -> None:
    """Head and shoulders from the front; the hair falls on both sides and strays."""
    middle = canvas.aspect / 2
    for number in range(_HAIRS + _LOOSE_HAIRS):
        _back_hair(canvas, middle, loose=number >= _HAIRS)
    canvas.disc((middle, 0.42), (0.19, 0.25), _ROOTS)
    canvas.polygon([(middle - 0.09, 0.58), (middle + 0.09, 0.58), (middle + 0.11, 0.84), (middle - 0.11, 0.84)], _SHADE)
    canvas.disc((middle, 1.06), (0.46, 0.29), _CLOTH)
    canvas.disc((middle, 0.80), (0.12, 0.05), _SHADE)
    canvas.disc((middle, 0.44), (0.155, 0.215), _SKIN)
    _face(canvas, middle)
    for _ in range(_HAIRS // 2):
        _fringe(canvas, middle)


def draw_fur(canvas: Canvas) -> None:
    """A round animal: fur in all directions, eyes, a nose, whiskers."""
    middle, centre = canvas.aspect / 2, 0.56
    for side in (-1, 1):
        canvas.polygon([(middle + side * x, y) for x, y in ((0.09, 0.36), (0.25, 0.16), (0.27, 0.46))], _FUR)
    canvas.disc((middle, centre), (0.30, 0.29), _UNDER_FUR)
    hairs = round(_FUR_HAIRS * _thickness(canvas) * canvas.height / 1000)
    for turn in range(hairs):
        # from the rim inwards, so that hairs lie over those behind them
        radius = 0.31 * math.sqrt(1 - turn / hairs)
        angle = canvas.random.uniform(0, 2 * math.pi)
        start = (middle + radius * math.cos(angle), centre + radius * 0.97 * math.sin(angle))
        length = canvas.random.uniform(0.03, 0.09)
        points = curved(start, angle + canvas.random.normal(0, 0.35), length, canvas.random.normal(0.3, 0.5))
        canvas.strand(points, varied(_FUR, canvas.random, 26), canvas.random.uniform(1.0, 2.2) * _thickness(canvas))
    for side in (-1, 1):
        canvas.disc((middle + side * 0.11, 0.50), (0.040, 0.046), _EYE)
        canvas.disc((middle + side * 0.11 + 0.012, 0.485), (0.011, 0.011), _WHITE)
        for whisker in range(4):
            start = (middle + side * 0.05, 0.63 + 0.012 * whisker)
            heading = (0 if side > 0 else math.pi) + side * (whisker - 1.5) * 0.18
            canvas.strand(curved(start, heading, 0.36, side * 0.25), _WHITE, 1.6 * _thickness(canvas))
    canvas.polygon([(middle - 0.03, 0.575), (middle + 0.03, 0.575), (middle, 0.612)], _EYE)


def _back_hair(canvas: Canvas, middle: float, *, loose: bool) -> None:
    """From a point of the skull outwards, then down."""
    random = canvas.random
    around = random.uniform(math.pi * 0.95, math.pi * 2.05)
    start: Point = (middle + 0.165 * math.cos(around), 0.40 + 0.22 * math.sin(around))
    side = 1 if math.cos(around) > 0 else -1
    down = math.pi / 2
    outwards = around - 2 * math.pi if side > 0 else around
    stray = random.normal(0, 0.55 if loose else 0.14)
    bend = (down - outwards) * (random.uniform(0.2, 0.7) if loose else random.uniform(0.75, 1.0))
    length = random.uniform(0.10, 0.34) if loose else random.uniform(0.2, 0.42)
    points = curved(start, outwards + stray, length, bend, (random.uniform(0.0, 0.35), random.uniform(0.5, 2.5)))
    width = random.uniform(1.0, 1.6) if loose else random.uniform(1.4, 3.0)
    canvas.strand(points, varied(_HAIR, random, 16), width * _thickness(canvas))


def _fringe(canvas: Canvas, middle: float) -> None:
    random = canvas.random
    side = random.choice((-1, 1))
    start = (middle + random.normal(0, 0.02), 0.215 + random.normal(0, 0.01))
    heading = -math.pi / 2 + side * random.uniform(0.9, 1.7)
    points = curved(start, heading, random.uniform(0.22, 0.42), side * random.uniform(0.6, 1.1))
    canvas.strand(points, varied(_HAIR, random, 18), random.uniform(1.2, 2.6) * _thickness(canvas))


def _face(canvas: Canvas, middle: float) -> None:
    for side in (-1, 1):
        canvas.disc((middle + side * 0.062, 0.425), (0.030, 0.015), _WHITE)
        canvas.disc((middle + side * 0.062, 0.425), (0.014, 0.014), _EYE)
        canvas.line(curved((middle + side * 0.03, 0.392), 0.0 if side > 0 else math.pi, 0.065, side * 0.3), _HAIR, 4.0)
    canvas.polygon(
        [(middle - 0.012, 0.44), (middle + 0.006, 0.44), (middle + 0.026, 0.515), (middle - 0.022, 0.515)], _SHADE
    )
    canvas.disc((middle, 0.568), (0.050, 0.016), _LIPS)


def _thickness(canvas: Canvas) -> float:
    """Hairs are 1 to 3 px wide at any size, a little more in a large picture."""
    return 1.0 if canvas.height >= 2000 else 0.75
