"""Subjects with demanding edges, drawn by rule. Each function draws on a Canvas."""

from collections.abc import Callable
from typing import Final

from benchmarks.quality.canvas import Canvas
from benchmarks.quality.subjects.bicycle import draw_bicycle
from benchmarks.quality.subjects.bottle import draw_bottle
from benchmarks.quality.subjects.glass import draw_glass
from benchmarks.quality.subjects.hair import draw_fur, draw_head
from benchmarks.quality.subjects.plant import draw_plant

SUBJECTS: Final[dict[str, Callable[[Canvas], None]]] = {
    "hair": draw_head,
    "fur": draw_fur,
    "bicycle": draw_bicycle,
    "glass": draw_glass,
    "plant": draw_plant,
    "bottle": draw_bottle,
}
