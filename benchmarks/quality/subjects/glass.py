"""A wine glass: a body to see through, an opaque rim, highlights, some wine."""

from benchmarks.quality.canvas import Canvas, Color, Point
from benchmarks.quality.subjects.shapes import ellipse

_BODY: Color = (214, 226, 230, 56)
_THICK: Color = (196, 210, 216, 120)
_RIM: Color = (226, 236, 240, 235)
_LIGHT: Color = (252, 254, 255, 220)
_WINE: Color = (112, 14, 36, 225)


def draw_glass(canvas: Canvas) -> None:
    """Alpha of 0.22 in the body, 0.88 in the wine, nearly 1 at the rim."""
    unit = canvas.height / 1000
    middle = canvas.aspect / 2
    canvas.disc((middle, 0.90), (0.17, 0.035), _THICK)
    canvas.ring((middle, 0.90), (0.17, 0.035), _RIM, 5 * unit)
    stem: list[Point] = [(-0.014, 0.52), (-0.011, 0.80), (-0.05, 0.895), (0.05, 0.895), (0.011, 0.80), (0.014, 0.52)]
    canvas.polygon([(middle + x, y) for x, y in stem], _RIM)
    bowl = [(x, y) for x, y in ellipse((middle, 0.33), (0.20, 0.23)) if y >= 0.14]
    canvas.polygon(bowl, _BODY)
    wine = [(x, y) for x, y in ellipse((middle, 0.33), (0.193, 0.222)) if y >= 0.36]
    canvas.polygon(wine, _WINE)
    canvas.disc((middle, 0.362), (0.191, 0.022), (138, 30, 54, 230))
    left = [(x, y) for x, y in ellipse((middle, 0.33), (0.197, 0.227), 180) if y >= 0.13 and x < middle]
    right = [(x, y) for x, y in ellipse((middle, 0.33), (0.197, 0.227), 180) if y >= 0.13 and x > middle]
    canvas.line(left, _RIM, 6 * unit)
    canvas.line(sorted(right, key=lambda point: point[1]), _RIM, 6 * unit)
    canvas.ring((middle, 0.138), (0.115, 0.02), _RIM, 6 * unit)
    canvas.line([(middle - 0.12, 0.22), (middle - 0.15, 0.30), (middle - 0.145, 0.40)], _LIGHT, 16 * unit)
    canvas.line([(middle + 0.10, 0.20), (middle + 0.13, 0.26)], _LIGHT, 9 * unit)
