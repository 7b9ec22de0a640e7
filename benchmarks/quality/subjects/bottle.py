"""A bottle with a label beside its box: hard edges all around."""

from benchmarks.quality.canvas import Canvas, Color, Point

_GLASS: Color = (28, 92, 66, 255)
_SHADE: Color = (18, 64, 46, 255)
_SHINE: Color = (150, 206, 178, 255)
_CAP: Color = (206, 176, 96, 255)
_LABEL: Color = (238, 228, 204, 255)
_INK: Color = (70, 46, 40, 255)
_BOX: Color = (204, 96, 62, 255)
_SIDE: Color = (150, 62, 40, 255)
_TOP: Color = (226, 132, 94, 255)


def draw_bottle(canvas: Canvas) -> None:
    """Straight and round outlines without anything soft but the lens's own blur."""
    left = canvas.aspect / 2 - 0.17
    neck: list[Point] = [(-0.04, 0.14), (0.04, 0.14), (0.045, 0.32), (0.12, 0.42), (-0.12, 0.42), (-0.045, 0.32)]
    canvas.polygon([(left + x, y) for x, y in neck], _GLASS)
    canvas.rounded((left - 0.12, 0.40), (left + 0.12, 0.90), 0.03, _GLASS)
    canvas.rounded((left + 0.06, 0.42), (left + 0.12, 0.895), 0.025, _SHADE)
    canvas.rounded((left - 0.10, 0.43), (left - 0.08, 0.87), 0.01, _SHINE)
    canvas.rounded((left - 0.05, 0.09), (left + 0.05, 0.17), 0.008, _CAP)
    canvas.rounded((left - 0.12, 0.54), (left + 0.12, 0.77), 0.004, _LABEL)
    for row, width in enumerate((0.14, 0.17, 0.10)):
        y = 0.585 + 0.055 * row
        canvas.rounded((left - width / 2, y), (left + width / 2, y + 0.024), 0.002, _INK)
    _box(canvas, canvas.aspect / 2 + 0.02)


def _box(canvas: Canvas, left: float) -> None:
    front: list[Point] = [(0.0, 0.56), (0.24, 0.53), (0.24, 0.92), (0.0, 0.90)]
    side: list[Point] = [(0.24, 0.53), (0.35, 0.555), (0.35, 0.875), (0.24, 0.92)]
    top: list[Point] = [(0.0, 0.56), (0.24, 0.53), (0.35, 0.555), (0.115, 0.577)]
    for corners, color in ((front, _BOX), (side, _SIDE), (top, _TOP)):
        canvas.polygon([(left + x, y) for x, y in corners], color)
    canvas.disc((left + 0.12, 0.73), (0.07, 0.08), _LABEL)
