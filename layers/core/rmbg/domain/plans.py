"""Plans, packs and the allowance of callers without an account: the catalogue.

A catalogue is a JSON document; the one that ships is rmbg/catalogue.json.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

MAX_IN_FLIGHT: Final = 14  # reservations of some 60 bytes that fit, with the rest of a window, into 1 KB
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAX_CREDITS: Final = 1_000_000_000
_MAX_BURST: Final = 100_000
MIN_PER_SECOND: Final = 0.001
MAX_PER_SECOND: Final = 1000


class InvalidCatalogue(Exception):
    """The catalogue is not what it should be; the message names the place."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A short-term limit: `burst` requests at once, and `per_second` of them for as long as one likes."""

    burst: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What an account may do: credits included in a billing window, request rate, pictures in flight at once."""

    name: str
    included: int
    rate: RateLimit
    max_in_flight: int
    stripe_price: str | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """Prepaid credits that can be bought."""

    id: str
    credits: int
    stripe_price: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All plans and packs. `free` is the plan of an account that has no other."""

    plans: Mapping[str, Plan]
    packs: Mapping[str, Pack]
    free: Plan
    demo: Plan

    def plan(self, name: str) -> Plan | None:
        """A plan by its name; None if the catalogue has dropped it."""
        return self.plans.get(name)

    def plan_of_price(self, price: str) -> Plan | None:
        """The plan that a Stripe price buys."""
        return next((plan for plan in self.plans.values() if plan.stripe_price == price), None)


def parse_catalogue(document: Any) -> Catalogue:
    """Check a catalogue. Raises InvalidCatalogue for anything that is missing, unknown, repeated or out of range."""
    document = _members(document, "catalogue", {"plans", "packs", "free_plan", "demo_plan"})
    plans: dict[str, Plan] = {}
    for index, entry in enumerate(_list(document, "plans", "catalogue")):
        plan = _plan(entry, f"plans[{index}]")
        if plan.name in plans:
            raise InvalidCatalogue(f"plans[{index}]: there are two plans called {plan.name}")
        plans[plan.name] = plan
    packs: dict[str, Pack] = {}
    for index, entry in enumerate(_list(document, "packs", "catalogue")):
        pack = _pack(entry, f"packs[{index}]")
        if pack.id in packs:
            raise InvalidCatalogue(f"packs[{index}]: there are two packs called {pack.id}")
        packs[pack.id] = pack
    prices = [plan.stripe_price for plan in plans.values() if plan.stripe_price]
    prices += [pack.stripe_price for pack in packs.values()]
    if len(prices) != len(set(prices)):
        raise InvalidCatalogue("two plans or packs have the same stripe_price")
    chosen = {}
    for key in ("free_plan", "demo_plan"):
        name = document.get(key)
        if not isinstance(name, str) or name not in plans:
            raise InvalidCatalogue(f"{key}: {name!r} is none of the plans")
        chosen[key] = plans[name]
    return Catalogue(MappingProxyType(plans), MappingProxyType(packs), chosen["free_plan"], chosen["demo_plan"])


def _plan(entry: Any, where: str) -> Plan:
    entry = _members(entry, where, {"name", "included", "stripe_price", "burst", "per_second", "max_in_flight"})
    return Plan(
        name=_name(entry, "name", where),
        included=_integer(entry, "included", where, 0, _MAX_CREDITS),
        rate=RateLimit(
            burst=_integer(entry, "burst", where, 1, _MAX_BURST),
            per_second=_number(entry, "per_second", where),
        ),
        max_in_flight=_integer(entry, "max_in_flight", where, 1, MAX_IN_FLIGHT),
        stripe_price=_name(entry, "stripe_price", where) if entry.get("stripe_price") is not None else None,
    )


def _pack(entry: Any, where: str) -> Pack:
    entry = _members(entry, where, {"id", "credits", "stripe_price"})
    return Pack(
        id=_name(entry, "id", where),
        credits=_integer(entry, "credits", where, 1, _MAX_CREDITS),
        stripe_price=_name(entry, "stripe_price", where),
    )


def _members(entry: Any, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InvalidCatalogue(f"{where}: an object is expected")
    unknown = sorted(set(entry) - known)
    if unknown:
        raise InvalidCatalogue(f"{where}: {unknown[0]!r} is not known; known are {', '.join(sorted(known))}")
    return entry


def _list(entry: dict[str, Any], key: str, where: str) -> list[Any]:
    value = entry.get(key)
    if not isinstance(value, list):
        raise InvalidCatalogue(f"{where}.{key}: a list is expected")
    return value


def _name(entry: dict[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidCatalogue(f"{where}.{key}: letters, digits, '_', '.' and '-' are expected, got: {value!r}")
    return value


def _integer(entry: dict[str, Any], key: str, where: str, minimum: int, maximum: int) -> int:
    value = entry.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise InvalidCatalogue(f"{where}.{key}: a whole number from {minimum} to {maximum} is expected, got: {value!r}")
    return value


def _number(entry: dict[str, Any], key: str, where: str) -> float:
    value = entry.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not MIN_PER_SECOND <= value <= MAX_PER_SECOND:
        raise InvalidCatalogue(
            f"{where}.{key}: a number from {MIN_PER_SECOND} to {MAX_PER_SECOND} is expected, got: {value!r}"
        )
    return float(value)
