"""A plant in a pot: leaves on thin stalks, grass between them."""

import math

from benchmarks.quality.canvas import Canvas, Color, Point
from benchmarks.quality.subjects.shapes import curved, varied

_LEAF: Color = (64, 122, 52, 255)
_VEIN: Color = (150, 184, 110, 255)
_STALK: Color = (104, 132, 66, 255)
_POT: Color = (176, 92, 58, 255)
_RIM: Color = (198, 112, 74, 255)
_STALKS, _BLADES = 26, 160


def draw_plant(canvas: Canvas) -> None:
    """Stalks are 3 to 5 px wide at a height of 2250, blades of grass less."""
    random = canvas.random
    unit = canvas.height / 1000
    middle, ground = canvas.aspect / 2, 0.70
    for _ in range(_BLADES):
        angle = -math.pi / 2 + random.normal(0, 0.5)
        start = (middle + random.uniform(-0.12, 0.12), ground)
        blade = curved(start, angle, random.uniform(0.15, 0.5), (angle + math.pi / 2) * random.uniform(0.5, 2.0))
        canvas.strand(blade, varied(_STALK, random, 18), random.uniform(1.0, 2.0) * unit)
    for index in range(_STALKS):
        angle = -math.pi / 2 + (index / (_STALKS - 1) - 0.5) * 2.3 + random.normal(0, 0.1)
        start = (middle + random.uniform(-0.08, 0.08), ground)
        stalk = curved(start, angle, random.uniform(0.3, 0.58), (angle + math.pi / 2) * 0.4)
        canvas.line(stalk, varied(_STALK, random, 10), random.uniform(1.4, 2.4) * unit)
        for at in (6, 9, 12, 14):
            _leaf(canvas, stalk[at], angle + random.normal(0, 0.9), random.uniform(0.05, 0.11))
    pot: list[Point] = [(-0.17, 0.69), (0.17, 0.69), (0.125, 0.95), (-0.125, 0.95)]
    canvas.polygon([(middle + x, y) for x, y in pot], _POT)
    canvas.rounded((middle - 0.185, 0.67), (middle + 0.185, 0.725), 0.01, _RIM)


def _leaf(canvas: Canvas, start: Point, angle: float, length: float) -> None:
    spine = curved(start, angle, length, canvas.random.normal(0, 0.5))
    last = len(spine) - 1
    widths = [length * 0.24 * math.sin(math.pi * index / last) for index in range(len(spine))]
    across = (-math.sin(angle), math.cos(angle))
    left = [(x + w * across[0], y + w * across[1]) for (x, y), w in zip(spine, widths, strict=True)]
    right = [(x - w * across[0], y - w * across[1]) for (x, y), w in zip(spine, widths, strict=True)]
    canvas.polygon(left + right[::-1], varied(_LEAF, canvas.random, 16))
    canvas.line(spine, _VEIN, canvas.height / 900)
