"""The query of GET /api/membership-usage (CONTRACT: its table of parameters, and their messages)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rmbg.domain.options import ASCII_BLANKS, INTEGER, FieldProblem, quote

MAX_PERIOD_START: Final = 9_999_999_999
_ON: Final = frozenset({"1", "true"})
_BILLING_CYCLE: Final = "billing_cycle"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """What to report: a UTC month (None: the current year or month), or the window that starts at `period_start`."""

    year: int | None = None
    month: int | None = None
    period_start: int | None = None
    billing_cycle: bool = False
    list_cycles: bool = False


def parse_usage_query(parameters: Mapping[str, Sequence[str]]) -> tuple[UsageQuery, list[FieldProblem]]:
    """Read the query; every parameter may be repeated.

    `listBillingCycles` is looked at first, and where it is on nothing else is.
    """
    if _is_on(parameters, "listBillingCycles"):
        return UsageQuery(list_cycles=True), []
    problems: list[FieldProblem] = []
    year = _integer(parameters, "year", 1, 9999, problems)
    month = _integer(parameters, "month", 1, 12, problems)
    period_start = _integer(parameters, "periodStartUnix", 0, MAX_PERIOD_START, problems)
    if _given(parameters, "periodStartUnix") and (_given(parameters, "year") or _given(parameters, "month")):
        problems.append(
            FieldProblem("periodStartUnix", "Cannot use 'periodStartUnix' together with 'year' or 'month'.")
        )
    flags = {flag.strip(ASCII_BLANKS) for value in parameters.get("expand", ()) for flag in value.split(",")}
    return (
        UsageQuery(
            year=year,
            month=month,
            period_start=period_start,
            billing_cycle=_BILLING_CYCLE in flags or _is_on(parameters, "includeBillingCycle"),
        ),
        problems,
    )


def _given(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    """The value of a parameter without blanks, the empty text if it is absent; repeated ones joined by commas."""
    return _joined(parameters, name).strip(ASCII_BLANKS)


def _joined(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    return ",".join(parameters.get(name, ()))


def _is_on(parameters: Mapping[str, Sequence[str]], name: str) -> bool:
    return _given(parameters, name).lower() in _ON


def _integer(
    parameters: Mapping[str, Sequence[str]], name: str, minimum: int, maximum: int, problems: list[FieldProblem]
) -> int | None:
    text = _given(parameters, name)
    if not text:
        return None
    if not INTEGER.fullmatch(text):
        problems.append(FieldProblem(name, f"'{name}' must be an integer, got: '{quote(_joined(parameters, name))}'"))
        return None
    value = int(text)
    if not minimum <= value <= maximum:
        problems.append(FieldProblem(name, f"'{name}' must be between {minimum} and {maximum}, got: {value}"))
        return None
    return value
