"""The catalogue: every kind of defect is named with its place, and the shipped one has the published numbers."""

import copy
import json
import math
from typing import Any

import pytest

from rmbg.config import DEFAULT_CATALOGUE
from rmbg.domain.plans import InvalidCatalogue, Pack, Plan, RateLimit, parse_catalogue

GOOD: dict[str, Any] = {
    "free_plan": "Free",
    "demo_plan": "Paid",
    "plans": [
        {"name": "Free", "included": 50, "burst": 10, "per_second": 1, "max_in_flight": 4},
        {
            "name": "Paid",
            "included": 20000,
            "stripe_price": "price_paid",
            "burst": 50,
            "per_second": 10.5,
            "max_in_flight": 14,
        },
    ],
    "packs": [{"id": "pack_2000", "credits": 2000, "stripe_price": "price_pack"}],
}
MISSING = object()


def changed(place: str, value: Any) -> Any:
    """The good catalogue with one place (`plans.0.name`) set, or left out."""
    document = copy.deepcopy(GOOD)
    *path, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    holder: Any = document
    for step in path:
        holder = holder[step]
    if value is MISSING:
        del holder[last]
    else:
        holder[last] = value
    return document


def defect(document: Any) -> str:
    with pytest.raises(InvalidCatalogue) as raised:
        parse_catalogue(document)
    return str(raised.value)


def test_a_good_catalogue() -> None:
    catalogue = parse_catalogue(GOOD)
    paid = Plan("Paid", 20000, RateLimit(50, 10.5), 14, "price_paid")
    assert dict(catalogue.plans) == {"Free": Plan("Free", 50, RateLimit(10, 1.0), 4), "Paid": paid}
    assert dict(catalogue.packs) == {"pack_2000": Pack("pack_2000", 2000, "price_pack")}
    assert catalogue.free.name == "Free"
    assert catalogue.demo is catalogue.plan("Paid")
    assert catalogue.plan("free") is None
    assert catalogue.plan_of_price("price_paid") == paid
    assert catalogue.plan_of_price("price_pack") is None  # a pack is no plan


def test_the_limits_themselves_are_good() -> None:
    limits: dict[str, tuple[Any, ...]] = {
        "plans.0.included": (0, 1_000_000_000),
        "plans.0.burst": (1, 100_000),
        "plans.0.per_second": (0.001, 1000, 1000.0),
        "plans.0.max_in_flight": (1, 14),
        "plans.0.name": ("a", "9", "a" * 64, "A.b_c-d"),
        "plans.0.stripe_price": (None, "price_1NYsz2"),
        "packs.0.credits": (1, 1_000_000_000),
        "packs": ([],),
    }
    for place, values in limits.items():
        for value in values:
            document = changed(place, value)
            if place == "plans.0.name":
                document["free_plan"] = value
            parse_catalogue(document)


@pytest.mark.parametrize("document", [None, [], "Free", 7, True])
def test_a_catalogue_is_an_object(document: Any) -> None:
    assert defect(document) == "catalogue: an object is expected"


@pytest.mark.parametrize("entry", [None, [], "Free", 7])
def test_a_plan_and_a_pack_are_objects(entry: Any) -> None:
    assert defect(changed("plans.1", entry)) == "plans[1]: an object is expected"
    assert defect(changed("packs.0", entry)) == "packs[0]: an object is expected"


@pytest.mark.parametrize("value", [MISSING, None, {}, "Free", 7])
def test_plans_and_packs_are_lists(value: Any) -> None:
    assert defect(changed("plans", value)) == "catalogue.plans: a list is expected"
    assert defect(changed("packs", value)) == "catalogue.packs: a list is expected"


def test_what_is_not_known_is_named_with_what_is() -> None:
    known = "burst, included, max_in_flight, name, per_second, stripe_price"
    assert defect(changed("plans.1.brust", 7)) == f"plans[1]: 'brust' is not known; known are {known}"
    assert defect(changed("packs.0.price", 7)) == "packs[0]: 'price' is not known; known are credits, id, stripe_price"
    message = "catalogue: 'anonymous' is not known; known are demo_plan, free_plan, packs, plans"
    assert defect(changed("anonymous", {})) == message


@pytest.mark.parametrize("value", [MISSING, None, "", " Free", "Free\n", "Ünïcode", "a/b", "-a", "a" * 65, 7, ["Free"]])
@pytest.mark.parametrize(
    ("place", "where"),
    [
        ("plans.0.name", "plans[0].name"),
        ("plans.1.stripe_price", "plans[1].stripe_price"),
        ("packs.0.id", "packs[0].id"),
        ("packs.0.stripe_price", "packs[0].stripe_price"),
    ],
)
def test_names_are_letters_digits_and_a_few_signs(place: str, where: str, value: Any) -> None:
    if place == "plans.1.stripe_price" and (value is MISSING or value is None):
        return  # a plan need not be sold
    shown = None if value is MISSING else value
    assert defect(changed(place, value)) == (f"{where}: letters, digits, '_', '.' and '-' are expected, got: {shown!r}")


@pytest.mark.parametrize(
    ("place", "where", "minimum", "maximum"),
    [
        ("plans.0.included", "plans[0].included", 0, 1_000_000_000),
        ("plans.1.burst", "plans[1].burst", 1, 100_000),
        ("plans.1.max_in_flight", "plans[1].max_in_flight", 1, 14),
        ("packs.0.credits", "packs[0].credits", 1, 1_000_000_000),
    ],
)
def test_counts_are_whole_numbers_within_their_limits(place: str, where: str, minimum: int, maximum: int) -> None:
    for value in (MISSING, None, "50", 50.0, True, [50], math.nan, minimum - 1, maximum + 1, 10**400):
        shown = None if value is MISSING else value
        message = f"{where}: a whole number from {minimum} to {maximum} is expected, got: {shown!r}"
        assert defect(changed(place, value)) == message


@pytest.mark.parametrize("value", [MISSING, None, "1", False, 0, 0.0009, 1000.1, -1, math.nan, math.inf, 10**400])
def test_a_rate_is_a_number_within_its_limits(value: Any) -> None:
    shown = None if value is MISSING else value
    message = f"plans[0].per_second: a number from 0.001 to 1000 is expected, got: {shown!r}"
    assert defect(changed("plans.0.per_second", value)) == message


def test_repeated_names_and_prices() -> None:
    twice = changed("plans.1.name", "Free")
    assert defect(twice) == "plans[1]: there are two plans called Free"
    document = copy.deepcopy(GOOD)
    document["packs"] *= 2
    assert defect(document) == "packs[1]: there are two packs called pack_2000"
    message = "two plans or packs have the same stripe_price"
    assert defect(changed("plans.0.stripe_price", "price_paid")) == message
    assert defect(changed("packs.0.stripe_price", "price_paid")) == message


@pytest.mark.parametrize("key", ["free_plan", "demo_plan"])
@pytest.mark.parametrize("value", [MISSING, None, "", "free", "pack_2000", 7, ["Free"], {}])
def test_the_free_and_the_demo_plan_are_plans(key: str, value: Any) -> None:
    shown = None if value is MISSING else value
    assert defect(changed(key, value)) == f"{key}: {shown!r} is none of the plans"


def test_a_catalogue_cannot_be_changed() -> None:
    catalogue = parse_catalogue(GOOD)
    with pytest.raises(TypeError):
        catalogue.plans["x"] = catalogue.free  # type: ignore[index]


def test_the_shipped_catalogue_has_the_published_numbers() -> None:
    catalogue = parse_catalogue(json.loads(DEFAULT_CATALOGUE.read_text(encoding="utf-8")))
    assert dict(catalogue.plans) == {
        "Free": Plan("Free", 50, RateLimit(10, 1.0), 4, None),
        "Premium-20000": Plan("Premium-20000", 20000, RateLimit(50, 10.0), 14, "price_premium_20000_month"),
        "Demo": Plan("Demo", 18500, RateLimit(500, 100.0), 14, "price_demo_month"),
    }
    assert dict(catalogue.packs) == {"pack_2000": Pack("pack_2000", 2000, "price_pack_2000")}
    assert (catalogue.free.name, catalogue.demo.name) == ("Free", "Demo")
