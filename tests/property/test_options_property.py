"""Option parsing: any text gives a value within its limits or a message that quotes it, never an exception."""

import math
from decimal import Decimal, InvalidOperation

from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.options import MAX_QUOTED_CHARACTERS, parse_options

FIELDS = ("w", "h", "angle", "format", "bg_color", "mask", "exact_resize", "expand", "return_base64")
awkward = st.sampled_from(
    ["NaN", "1e9999", "0x1F", "1_000", "٣", "１２", "−5", "1,5", "+", "1e", "  ", "\x00", "#", "TRUE"]
)
values = st.one_of(
    st.text(), awkward, st.integers().map(str), st.floats().map(str), st.from_regex(r"#?[0-9a-fA-F]{0,9}")
)


@given(st.dictionaries(st.sampled_from(FIELDS), values))
def test_any_text_is_within_limits_or_a_problem(fields: dict[str, str]) -> None:
    options, problems = parse_options(fields)
    for side_px in (options.width, options.height):
        assert side_px is None or 1 <= side_px <= 10_000
    assert math.isfinite(options.angle_degrees)
    assert abs(options.angle_degrees) <= 360
    assert {problem.field for problem in problems} <= set(FIELDS) - {"return_base64"}
    assert len({problem.field for problem in problems}) == len(problems)


@given(values.filter(lambda value: value.strip(" \t\n\r\v\f") != ""))
def test_a_side_is_exactly_what_the_grammar_says(text: str) -> None:
    options, problems = parse_options({"w": text})
    trimmed = text.strip(" \t\n\r\v\f")
    digits = trimmed[1:] if trimmed[0] in "+-" else trimmed
    is_integer = digits.isascii() and digits.isdigit() and len(digits) <= 18
    if is_integer and 0 <= int(trimmed) <= 10_000:
        assert options.width == (int(trimmed) or None)
        assert problems == []
    else:
        assert options.width is None
        shown = text if len(text) <= MAX_QUOTED_CHARACTERS else text[:MAX_QUOTED_CHARACTERS] + "…"
        if not is_integer:
            assert problems[0].message == f"'w' must be an integer, got: '{shown}'"


@given(st.one_of(values, st.decimals(allow_nan=True).map(str)))
def test_an_angle_is_what_decimal_reads_too(text: str) -> None:
    options, problems = parse_options({"angle": text})
    if problems or not text.strip(" \t\n\r\v\f"):
        return
    try:
        expected = Decimal(text.strip(" \t\n\r\v\f"))
    except InvalidOperation:
        raise AssertionError(f"{text!r} is no number to decimal") from None
    assert math.isclose(options.angle_degrees, float(expected), rel_tol=1e-15, abs_tol=1e-300)
