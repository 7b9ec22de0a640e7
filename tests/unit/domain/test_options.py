"""Row 12 of the error table: every field, at its limits and beyond, in the contract's words and order."""

import pytest

from rmbg.domain.colors import RGBA
from rmbg.domain.options import FieldProblem, Options, OutputFormat, parse_options


def options_of(**fields: str) -> Options:
    options, problems = parse_options(fields)
    assert problems == []
    return options


def problem_of(**fields: str) -> str:
    _, problems = parse_options(fields)
    assert len(problems) == 1
    return problems[0].message


def test_no_field_gives_the_defaults() -> None:
    assert options_of() == Options(
        format=OutputFormat.WEBP,
        width=None,
        height=None,
        exact_resize=False,
        mask=False,
        bg_color=None,
        angle_degrees=0.0,
        expand=True,
    )


def test_empty_and_blank_values_are_unset() -> None:
    names = ("w", "h", "angle", "format", "bg_color", "mask", "exact_resize", "expand")
    assert options_of(**dict.fromkeys(names, "")) == Options()
    assert options_of(**dict.fromkeys(names, " \t\r\n")) == Options()


def test_the_real_client_s_zeros_are_unset() -> None:
    assert options_of(w="0", h="0") == Options()
    assert options_of(w="+00", h="-0") == Options()


@pytest.mark.parametrize(("text", "side_px"), [("1", 1), ("10000", 10000), (" +42\n", 42), ("000000000000000007", 7)])
def test_a_side_within_its_limits(text: str, side_px: int) -> None:
    assert options_of(w=text).width == side_px
    assert options_of(h=text).height == side_px


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "'w' must be an integer, got: 'abc'"),
        ("-5", "'w' must be at least 1, got: -5"),
        ("-1", "'w' must be at least 1, got: -1"),
        ("10001", "'w' must be at most 10000, got: 10001"),
        ("15000", "'w' must be at most 10000, got: 15000"),
        ("12.0", "'w' must be an integer, got: '12.0'"),
        ("1e3", "'w' must be an integer, got: '1e3'"),
        ("1_000", "'w' must be an integer, got: '1_000'"),
        ("٣", "'w' must be an integer, got: '٣'"),
        (" 7x ", "'w' must be an integer, got: ' 7x '"),
        ("9" * 18, "'w' must be at most 10000, got: " + "9" * 18),
        ("9" * 19, "'w' must be an integer, got: '" + "9" * 19 + "'"),
        ("a" * 100, "'w' must be an integer, got: '" + "a" * 100 + "'"),
        ("a" * 101, "'w' must be an integer, got: '" + "a" * 100 + "…'"),
    ],
)
def test_a_side_that_is_none(text: str, message: str) -> None:
    assert problem_of(w=text) == message
    assert problem_of(h=text) == message.replace("'w'", "'h'")


@pytest.mark.parametrize(
    ("text", "degrees"),
    [("-45.5", -45.5), ("360", 360.0), ("-360", -360.0), ("1e2", 100.0), (".5", 0.5), ("5.", 5.0), ("+3E-2", 0.03)],
)
def test_an_angle_within_its_limits(text: str, degrees: float) -> None:
    assert options_of(angle=text).angle_degrees == degrees


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ninety", "'angle' must be a number, got: 'ninety'"),
        ("NaN", "'angle' must be a number, got: 'NaN'"),
        ("inf", "'angle' must be a number, got: 'inf'"),
        ("-Infinity", "'angle' must be a number, got: '-Infinity'"),
        ("1e999", "'angle' must be a number, got: '1e999'"),
        ("1_0", "'angle' must be a number, got: '1_0'"),
        ("0x10", "'angle' must be a number, got: '0x10'"),
        (".", "'angle' must be a number, got: '.'"),
        ("500", "'angle' must be between -360 and 360 degrees, got: 500.0"),
        ("360.0001", "'angle' must be between -360 and 360 degrees, got: 360.0001"),
        ("-361", "'angle' must be between -360 and 360 degrees, got: -361.0"),
    ],
)
def test_an_angle_that_is_none(text: str, message: str) -> None:
    assert problem_of(angle=text) == message


@pytest.mark.parametrize(
    ("text", "output_format"),
    [
        ("PNG", OutputFormat.PNG),
        ("jpeg", OutputFormat.JPEG),
        ("JpG", OutputFormat.JPEG),
        (" WebP ", OutputFormat.WEBP),
        ("bmp", OutputFormat.BMP),
    ],
)
def test_formats_in_any_case(text: str, output_format: OutputFormat) -> None:
    assert options_of(format=text).format is output_format


@pytest.mark.parametrize("text", ["gif", "image/png", ".png", "png;"])
def test_other_formats(text: str) -> None:
    assert problem_of(format=text) == f"Invalid format '{text}'. Allowed formats: PNG, JPEG, WEBP, BMP"


def test_colors() -> None:
    assert options_of(bg_color="#fff").bg_color == RGBA(255, 255, 255, 255)
    assert options_of(bg_color="#12aB").bg_color == RGBA(0x11, 0x22, 0xAA, 0xBB)
    assert options_of(bg_color=" #FFFFFFFF ").bg_color == RGBA(255, 255, 255, 255)
    assert options_of(bg_color="RebeccaPurple").bg_color == RGBA(0x66, 0x33, 0x99, 255)


@pytest.mark.parametrize("text", ["#12345", "fff", "transparent", "rgb(1,2,3)", "#ggg", "currentcolor", "# fff", "#"])
def test_other_colors(text: str) -> None:
    message = f"Invalid color format '{text}'. Use hex format: #RGB, #RGBA, #RRGGBB, or #RRGGBBAA"
    assert problem_of(bg_color=text) == message


@pytest.mark.parametrize("text", ["true", "1", "YES", " on "])
def test_true(text: str) -> None:
    options = options_of(mask=text, exact_resize=text, expand=text)
    assert (options.mask, options.exact_resize, options.expand) == (True, True, True)


@pytest.mark.parametrize("text", ["false", "0", "No", "off"])
def test_false(text: str) -> None:
    options = options_of(mask=text, exact_resize=text, expand=text)
    assert (options.mask, options.exact_resize, options.expand) == (False, False, False)


@pytest.mark.parametrize("name", ["mask", "exact_resize", "expand"])
def test_neither_true_nor_false(name: str) -> None:
    assert problem_of(**{name: "maybe"}) == f"'{name}' must be a boolean, got: 'maybe'"


def test_return_base64_is_ignored_whatever_it_holds() -> None:
    assert options_of(return_base64="maybe", unknown="field") == Options()


def test_mask_conflicts_with_a_color() -> None:
    message = "Cannot use 'mask=true' together with 'bg_color'. Choose one or the other."
    assert parse_options({"mask": "true", "bg_color": "red"})[1] == [FieldProblem("mask", message)]
    assert options_of(mask="false", bg_color="red").bg_color == RGBA(255, 0, 0)


def test_the_conflict_is_told_only_when_both_are_valid() -> None:
    _, problems = parse_options({"mask": "true", "bg_color": "nope"})
    assert [problem.field for problem in problems] == ["bg_color"]


def test_problems_come_in_the_contract_s_order() -> None:
    names = ("expand", "exact_resize", "mask", "bg_color", "format", "angle", "h", "w")
    _, problems = parse_options(dict.fromkeys(names, "?"))
    order = ["w", "h", "angle", "format", "bg_color", "mask", "exact_resize", "expand"]
    assert [problem.field for problem in problems] == order
    _, problems = parse_options({"expand": "?", "exact_resize": "?", "mask": "1", "bg_color": "red", "w": "?"})
    assert [problem.field for problem in problems] == ["w", "mask", "exact_resize", "expand"]


def test_an_endless_number_is_refused_at_once() -> None:
    """64 KiB of digits kept a regular expression busy for a minute; what is quadratic would never end here."""
    _, problems = parse_options({"angle": "1" * 10_000_000 + "x"})
    assert [problem.field for problem in problems] == ["angle"]
