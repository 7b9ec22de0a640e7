"""The query of the usage report, in the contract's words."""

import pytest

from rmbg.domain.options import FieldProblem
from rmbg.domain.usage_query import UsageQuery, parse_usage_query

CONFLICT = FieldProblem("periodStartUnix", "Cannot use 'periodStartUnix' together with 'year' or 'month'.")


def query_of(**parameters: str | list[str]) -> UsageQuery:
    query, problems = parsed(**parameters)
    assert problems == []
    return query


def parsed(**parameters: str | list[str]) -> tuple[UsageQuery, list[FieldProblem]]:
    return parse_usage_query({name: [value] if isinstance(value, str) else value for name, value in parameters.items()})


def test_nothing_asked_is_the_current_month() -> None:
    assert query_of() == UsageQuery(year=None, month=None, period_start=None, billing_cycle=False, list_cycles=False)


@pytest.mark.parametrize(
    "name", ["year", "month", "periodStartUnix", "expand", "includeBillingCycle", "listBillingCycles"]
)
@pytest.mark.parametrize("value", ["", " ", "\t\r\n", []])
def test_an_empty_value_is_absent(name: str, value: str | list[str]) -> None:
    assert query_of(**{name: value}) == UsageQuery()


def test_an_empty_value_conflicts_with_nothing() -> None:
    assert query_of(year="2026", month="", periodStartUnix=" ") == UsageQuery(year=2026)
    assert query_of(year="", month="", periodStartUnix="0") == UsageQuery(period_start=0)


def test_year_and_month_each_default_by_themselves() -> None:
    assert query_of(year="2025") == UsageQuery(year=2025)
    assert query_of(month="2") == UsageQuery(month=2)
    assert query_of(year=" 2025 ", month="+02") == UsageQuery(year=2025, month=2)


def test_the_limits_themselves_are_good() -> None:
    assert query_of(year="1", month="1") == UsageQuery(year=1, month=1)
    assert query_of(year="9999", month="12") == UsageQuery(year=9999, month=12)
    assert query_of(periodStartUnix="0").period_start == 0
    assert query_of(periodStartUnix="-0").period_start == 0
    assert query_of(periodStartUnix="9999999999").period_start == 9_999_999_999


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("year", "abc", "'year' must be an integer, got: 'abc'"),
        ("year", "0", "'year' must be between 1 and 9999, got: 0"),
        ("year", "10000", "'year' must be between 1 and 9999, got: 10000"),
        ("year", "-2026", "'year' must be between 1 and 9999, got: -2026"),
        ("month", "13", "'month' must be between 1 and 12, got: 13"),
        ("month", "0", "'month' must be between 1 and 12, got: 0"),
        ("month", "Feb", "'month' must be an integer, got: 'Feb'"),
        ("month", "1.0", "'month' must be an integer, got: '1.0'"),
        ("periodStartUnix", "-1", "'periodStartUnix' must be between 0 and 9999999999, got: -1"),
        ("periodStartUnix", "10000000000", "'periodStartUnix' must be between 0 and 9999999999, got: 10000000000"),
        ("periodStartUnix", "1e9", "'periodStartUnix' must be an integer, got: '1e9'"),
        ("periodStartUnix", "9" * 18, "'periodStartUnix' must be between 0 and 9999999999, got: " + "9" * 18),
        ("periodStartUnix", "9" * 19, "'periodStartUnix' must be an integer, got: '" + "9" * 19 + "'"),
        ("year", " 20x ", "'year' must be an integer, got: ' 20x '"),
        ("year", "٢٠٢٦", "'year' must be an integer, got: '٢٠٢٦'"),
        ("year", "2_026", "'year' must be an integer, got: '2_026'"),
        ("year", "x" * 100, "'year' must be an integer, got: '" + "x" * 100 + "'"),
        ("year", "x" * 101, "'year' must be an integer, got: '" + "x" * 100 + "…'"),
    ],
)
def test_one_thing_wrong_in_the_contract_s_words(name: str, value: str, message: str) -> None:
    assert parsed(**{name: value})[1] == [FieldProblem(name, message)]


@pytest.mark.parametrize("others", [{"year": "2026"}, {"month": "1"}, {"year": "2026", "month": "1"}])
def test_a_window_s_start_conflicts_with_a_month(others: dict[str, str]) -> None:
    assert parsed(periodStartUnix="0", **others)[1] == [CONFLICT]


def test_several_things_wrong_come_in_order() -> None:
    _, problems = parsed(periodStartUnix="x", month="13", year="abc")
    assert problems == [
        FieldProblem("year", "'year' must be an integer, got: 'abc'"),
        FieldProblem("month", "'month' must be between 1 and 12, got: 13"),
        FieldProblem("periodStartUnix", "'periodStartUnix' must be an integer, got: 'x'"),
        CONFLICT,
    ]


def test_repeated_parameters_are_joined() -> None:
    assert parsed(year=["2026", "2026"])[1] == [FieldProblem("year", "'year' must be an integer, got: '2026,2026'")]
    assert query_of(expand=["x", "billing_cycle"]).billing_cycle
    assert query_of(expand=["billing_", "cycle"]).billing_cycle is False
    assert query_of(includeBillingCycle=["1", "1"]).billing_cycle is False


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "True", " true ", "\t1\n"])
def test_1_and_true_in_any_case_are_on(value: str) -> None:
    assert query_of(includeBillingCycle=value) == UsageQuery(billing_cycle=True)
    assert query_of(listBillingCycles=value) == UsageQuery(list_cycles=True)


@pytest.mark.parametrize("value", ["0", "false", "yes", "on", "2", "01", "t", "truе", "１"])
def test_anything_else_is_off(value: str) -> None:
    assert query_of(includeBillingCycle=value, listBillingCycles=value) == UsageQuery()


@pytest.mark.parametrize(
    "value", ["billing_cycle", " billing_cycle\t", "a,billing_cycle", "billing_cycle,,b", ",x , billing_cycle ,y"]
)
def test_expand_is_a_list_of_flags_and_unknown_ones_are_ignored(value: str) -> None:
    assert query_of(expand=value) == UsageQuery(billing_cycle=True)


@pytest.mark.parametrize("value", ["billing", "billing_cycles", "billing_cycle;x", "billing cycle", "1", "true"])
def test_other_flags_expand_nothing(value: str) -> None:
    assert query_of(expand=value) == UsageQuery()


def test_the_list_is_looked_at_first_and_ignores_everything_else() -> None:
    others = {"year": "abc", "month": "13", "periodStartUnix": "-1", "expand": "billing_cycle"}
    assert query_of(listBillingCycles="1", **others) == UsageQuery(list_cycles=True)
    assert len(parsed(listBillingCycles="no", **others)[1]) == 4


def test_names_of_parameters_have_one_case() -> None:
    assert query_of(Year="abc", listbillingcycles="1") == UsageQuery()
