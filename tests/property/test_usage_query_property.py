"""The usage report's query: any text gives a value within its limits or a message, never an exception."""

import string

from hypothesis import given
from hypothesis import strategies as st

from rmbg.domain.usage_query import UsageQuery, parse_usage_query

NAMES = ("year", "month", "periodStartUnix", "expand", "includeBillingCycle", "listBillingCycles")
LIMITS = {"year": (1, 9999), "month": (1, 12), "periodStartUnix": (0, 9_999_999_999)}
BLANKS = " \t\n\r\v\f"
values = st.one_of(
    st.text(),
    st.integers().map(str),
    st.integers(0, 13).map(str),
    st.sampled_from(("1", "true", "TRUE", "billing_cycle", "a,billing_cycle", " 7 ", "٣", "１", "1_0", "-0", "+1")),
)


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(values, max_size=3)))
def test_any_query_is_within_its_limits_or_a_problem(parameters: dict[str, list[str]]) -> None:
    query, problems = parse_usage_query(parameters)
    if query.list_cycles:
        assert (query, problems) == (UsageQuery(list_cycles=True), [])
        return
    for value, (minimum, maximum) in zip((query.year, query.month, query.period_start), LIMITS.values(), strict=True):
        assert value is None or minimum <= value <= maximum
    assert [problem.field for problem in problems] == sorted(
        (problem.field for problem in problems), key=list(LIMITS).index
    )
    if not problems:
        assert query.period_start is None or (query.year, query.month) == (None, None)


@given(st.sampled_from(sorted(LIMITS)), values)
def test_one_number_is_exactly_what_the_grammar_says(name: str, text: str) -> None:
    query, problems = parse_usage_query({name: [text]})
    value = {"year": query.year, "month": query.month, "periodStartUnix": query.period_start}[name]
    trimmed = text.strip(BLANKS)
    digits = trimmed[1:] if trimmed[:1] in ("+", "-") else trimmed
    is_integer = 1 <= len(digits) <= 18 and set(digits) <= set(string.digits)
    minimum, maximum = LIMITS[name]
    shown = text if len(text) <= 100 else text[:100] + "…"
    if not trimmed:
        assert (value, problems) == (None, [])
    elif not is_integer:
        assert [problem.message for problem in problems] == [f"'{name}' must be an integer, got: '{shown}'"]
    elif minimum <= int(trimmed) <= maximum:
        assert (value, problems) == (int(trimmed), [])
    else:
        message = f"'{name}' must be between {minimum} and {maximum}, got: {int(trimmed)}"
        assert [problem.message for problem in problems] == [message]


@given(st.lists(values, max_size=3))
def test_expand_knows_one_flag(flags: list[str]) -> None:
    expected = "billing_cycle" in [flag.strip(BLANKS) for flag in ",".join(flags).split(",")]
    query, problems = parse_usage_query({"expand": flags})
    assert (query.billing_cycle, problems) == (expected, [])
