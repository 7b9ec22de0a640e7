"""A bicycle from the side: two wheels with thin spokes, a frame, a chain."""

import math

from benchmarks.quality.canvas import Canvas, Color, Point

_TYRE: Color = (34, 34, 38, 255)
_METAL: Color = (176, 180, 188, 255)
_FRAME: Color = (188, 40, 44, 255)
_LEATHER: Color = (98, 60, 34, 255)
_SPOKES = 32


def draw_bicycle(canvas: Canvas) -> None:
    """Spokes are 1 to 3 px wide, brake cables a little more."""
    unit = canvas.height / 1000
    centre = canvas.aspect / 2
    rear, front = (centre - 0.33, 0.66), (centre + 0.33, 0.66)
    for hub in (rear, front):
        _wheel(canvas, hub, 0.235)
    pedal, seat, head = (centre - 0.06, 0.68), (centre - 0.13, 0.36), (centre + 0.24, 0.36)
    for start, end in ((rear, pedal), (rear, seat), (seat, pedal), (pedal, head), (seat, head), (head, front)):
        canvas.line([start, end], _FRAME, 15 * unit)
    canvas.line([seat, (seat[0] - 0.015, 0.30)], _METAL, 12 * unit)
    canvas.disc((seat[0] - 0.02, 0.292), (0.075, 0.017), _LEATHER)
    stem = (head[0] - 0.02, 0.29)
    canvas.line([head, stem, (stem[0] + 0.07, 0.275), (stem[0] + 0.10, 0.32), (stem[0] + 0.06, 0.36)], _TYRE, 12 * unit)
    canvas.line([(stem[0] + 0.07, 0.275), (stem[0] + 0.02, 0.22), (seat[0] + 0.1, 0.345), rear], _TYRE, 2.5 * unit)
    canvas.ring(pedal, (0.055, 0.055), _METAL, 8 * unit)
    canvas.line([(pedal[0], pedal[1] - 0.055), (rear[0], rear[1] - 0.02)], _TYRE, 4 * unit)
    canvas.line([(pedal[0], pedal[1] + 0.055), (rear[0], rear[1] + 0.02)], _TYRE, 4 * unit)
    canvas.line([(pedal[0] - 0.06, pedal[1] + 0.08), (pedal[0] + 0.06, pedal[1] - 0.08)], _METAL, 10 * unit)


def _wheel(canvas: Canvas, hub: Point, radius: float) -> None:
    unit = canvas.height / 1000
    for spoke in range(_SPOKES):
        angle = 2 * math.pi * spoke / _SPOKES
        lean = angle + (0.25 if spoke % 2 else -0.25)
        rim = (hub[0] + radius * 0.95 * math.cos(lean), hub[1] + radius * 0.95 * math.sin(lean))
        canvas.line([(hub[0] + 0.015 * math.cos(angle), hub[1] + 0.015 * math.sin(angle)), rim], _METAL, 1.3 * unit)
    canvas.ring(hub, (radius * 0.96, radius * 0.96), _METAL, 8 * unit)
    canvas.ring(hub, (radius, radius), _TYRE, 12 * unit)
    canvas.disc(hub, (0.016, 0.016), _METAL)
