"""Sizes to the pixel: fitting, rounding, rotation, and the limits of row 16."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.geometry import Size, plan_geometry
from rmbg.domain.options import Options

sides = st.integers(1, 10_000)
angles = st.floats(-360, 360)


def resized(source: tuple[int, int], **options: object) -> tuple[int, int]:
    return plan_geometry(Size(*source), Options(**options)).resized  # type: ignore[arg-type]


def canvas(source: tuple[int, int], **options: object) -> tuple[int, int]:
    return plan_geometry(Size(*source), Options(**options)).canvas  # type: ignore[arg-type]


def test_nothing_asked_nothing_changed() -> None:
    assert resized((640, 480)) == (640, 480)


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        ((400, 300), {"width": 200}, (200, 150)),
        ((400, 300), {"height": 600}, (800, 600)),
        ((400, 300), {"width": 100, "height": 100}, (100, 75)),
        ((300, 400), {"width": 100, "height": 100}, (75, 100)),
        ((400, 300), {"width": 4000, "height": 4000}, (4000, 3000)),  # enlarging too
        ((400, 300), {"width": 100, "height": 100, "exact_resize": True}, (100, 100)),
        ((400, 300), {"width": 100, "exact_resize": True}, (100, 75)),  # no effect with one side
        ((2, 1), {"width": 1}, (1, 1)),  # 0.5 rounds up
        ((4, 10), {"width": 1}, (1, 3)),  # 2.5 rounds up, not to even
        ((10000, 1), {"width": 1}, (1, 1)),  # at least 1
        ((1, 10000), {"width": 10000}, (10000, 100_000_000)),  # told by row 16, not cut
    ],
)
def test_resizing(source: tuple[int, int], options: dict[str, object], expected: tuple[int, int]) -> None:
    assert resized(source, **options) == expected


@given(sides, sides, sides)
def test_a_derived_side_is_rounded_exactly(width: int, height: int, wanted: int) -> None:
    expected = max(1, math.floor(Fraction(wanted * height, width) + Fraction(1, 2)))
    assert resized((width, height), width=wanted) == (wanted, expected)


@given(sides, sides, sides, sides)
def test_a_fit_touches_the_box_and_stays_inside(width: int, height: int, box_width: int, box_height: int) -> None:
    got_width, got_height = resized((width, height), width=box_width, height=box_height)
    assert got_width <= box_width
    assert got_height <= box_height
    assert got_width == box_width or got_height == box_height


@pytest.mark.parametrize("angle", [0, 90, 180, 270, 360, -90, -180, -270, -360])
def test_quarter_turns_are_exact(angle: float) -> None:
    plan = plan_geometry(Size(300, 200), Options(angle_degrees=angle))
    assert plan.quarter_turns == angle / 90 % 4
    assert plan.canvas == ((200, 300) if angle % 180 else (300, 200))
    assert canvas((300, 200), angle_degrees=angle, expand=False) == (300, 200)


def test_a_rotated_canvas_cuts_no_corner() -> None:
    assert canvas((10000, 10000), angle_degrees=45.0) == (14143, 14143)
    assert canvas((300, 200), angle_degrees=30.0) == (360, 324)
    assert canvas((300, 200), angle_degrees=30.0, expand=False) == (300, 200)


@given(sides, sides, angles)
def test_the_canvas_is_the_bounding_box_within_a_pixel(width: int, height: int, angle: float) -> None:
    got = canvas((width, height), angle_degrees=angle)
    radians = math.radians(angle)
    wide = width * abs(math.cos(radians)) + height * abs(math.sin(radians))
    tall = width * abs(math.sin(radians)) + height * abs(math.cos(radians))
    assert -1e-3 <= got[0] - wide <= 1 + 1e-3
    assert -1e-3 <= got[1] - tall <= 1 + 1e-3


@pytest.mark.parametrize(
    ("source", "options", "oversized"),
    [
        ((10000, 10000), {}, None),
        ((10000, 10000), {"angle_degrees": 90.0}, None),
        ((10000, 10000), {"angle_degrees": 45.0}, (14143, 14143)),
        ((10000, 10000), {"angle_degrees": 45.0, "expand": False}, None),
        ((1, 10000), {"width": 1, "height": 10000, "angle_degrees": 1.0}, None),
        ((10, 10), {"width": 10000, "height": 10000, "exact_resize": True}, None),
        ((9999, 10000), {"width": 10000}, (10000, 10001)),  # 100,010,000 pixels
        ((1000, 16383), {"width": 1000}, None),
        ((1000, 16384), {"width": 1000}, (1000, 16384)),
    ],
)
def test_canvas_limits(source: tuple[int, int], options: dict[str, object], oversized: tuple[int, int] | None) -> None:
    assert plan_geometry(Size(*source), Options(**options)).oversized == oversized  # type: ignore[arg-type]


def test_the_resized_canvas_is_told_before_the_rotated_one() -> None:
    plan = plan_geometry(Size(1, 10000), Options(width=10000, angle_degrees=45.0))
    assert plan.oversized == (10000, 100_000_000)
