"""Send an event to a running service, signed as Stripe signs it: billing without a Stripe account.

    make stripe-event TYPE=invoice.paid CUSTOMER=cus_x USER=usr_... SUBSCRIPTION=sub_x PRICE=price_premium_20000_month
    python -m tools.stripe_events TYPE=... [NAME=value ...] [--print]

Everything but TYPE has a default. What was sent is remembered in STATE_DIR/stripe-events.json, so that the next command
goes on from there: the same customer, subscription, period and purchase. A story, one command a step:

    make stripe-event TYPE=subscribe                  a subscription to the smallest plan with a price, paid for
    make stripe-event TYPE=renew                      its next period, which begins now
    make stripe-event TYPE=upgrade                    the largest plan, in the same period   (or PRICE=price_...)
    make stripe-event TYPE=fail                       a payment fails; the subscription is past due
    make stripe-event TYPE=pay                        the same invoice is paid after all
    make stripe-event TYPE=buy                        a pack                                 (or PACK=pack_...)
    make stripe-event TYPE=refund                     all of its price, or AMOUNT=300 (cents) of it
    make stripe-event TYPE=cancel                     at the end of the period
    make stripe-event TYPE=end                        it is over

These are what Stripe sends together on such an occasion; TYPE may also be any one of Stripe's types, such as

    make stripe-event TYPE=customer.subscription.updated STATUS=unpaid
    make stripe-event TYPE=customer.subscription.updated PERIOD_START=2026-11-01 INTERVAL=year
    make stripe-event TYPE=checkout.session.completed STATUS=unpaid
    make stripe-event TYPE=checkout.session.async_payment_succeeded
    make stripe-event TYPE=charge.dispute.closed STATUS=won
"""

import json
import os
import secrets
import shlex
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

from rmbg.config import InvalidSetting, load_catalogue
from rmbg.domain.plans import Catalogue
from tools.local_store.files import write_private
from tools.stripe_events.make import Price, Shape
from tools.stripe_events.scenario import (
    PACK_AMOUNT,
    TYPES,
    Bill,
    Purchase,
    Scenario,
    Subscribed,
    Wishes,
    new_purchase,
    new_subscription,
    tell,
)
from tools.stripe_events.sign import HEADER, signature_header

ROOT: Final = Path(__file__).resolve().parents[2]
PATH: Final = "/webhooks/stripe"
MEMORY: Final = "stripe-events.json"

OK: Final = 0
FAILED: Final = 1
MISUSED: Final = 2

NAMES: Final = {
    "TYPE": "a step of the story or a type, see below",
    "CUSTOMER": "Stripe's customer; one of the user's own by default",
    "USER": "whose it is: the demo user by default; - to leave it out, so that the customer must be known",
    "SUBSCRIPTION": "the one that was last sent, or a new one",
    "PRICE": "the one that was last sent, or the smallest plan's",
    "INTERVAL": "day, week, month or year",
    "STATUS": "of the object: active, past_due, unpaid, ...; of a session its payment's; of a dispute won or lost",
    "MODE": "of a Checkout session: payment or subscription",
    "PERIOD_START": "now, a date or time (UTC), or seconds since the epoch; begins another period",
    "PERIOD_END": "the same; one interval later by default",
    "CANCEL_AT_PERIOD_END": "true or false",
    "AMOUNT": "in cents: of the invoice, the purchase, this refund, the dispute",
    "PACK": "the first one of the catalogue by default",
    "REASON": "the invoice's billing_reason",
    "CREATED": "when it happened; now by default",
    "SHAPE": "an API version: 2024-06-20 is before subscriptions' periods moved to their items",
    "URL": "the service, BASE_URL of demo.env by default",
}
STEPS: Final = {
    "subscribe": "customer.subscription.created, checkout.session.completed, invoice.paid",
    "renew": "customer.subscription.updated, invoice.paid",
    "upgrade": "customer.subscription.updated",
    "fail": "invoice.payment_failed, customer.subscription.updated",
    "pay": "invoice.paid, customer.subscription.updated",
    "buy": "checkout.session.completed",
    "refund": "charge.refunded",
    "cancel": "customer.subscription.updated",
    "end": "customer.subscription.deleted",
}

_NOBODY: Final = "-"
_INTERVALS: Final = ("day", "week", "month", "year")
_MODES: Final = ("payment", "subscription")
_BOOLEANS: Final = {"true": True, "false": False}
_TIMEOUT_SECONDS: Final = 35  # longer than any gateway waits
_MAX_CENTS_DIGITS: Final = 9


class Misused(Exception):
    """The arguments do not say what to send; the message says what is wrong with them."""


class NotSent(Exception):
    """It could not be delivered, or was refused."""


def main(arguments: Sequence[str]) -> int:
    """Build the events of one command, sign and send them; the exit status."""
    try:
        if "--help" in arguments or "-h" in arguments:
            print(_help())
            return OK
        given = _given(arguments)
        if "TYPE" not in given:
            print(_help(), file=sys.stderr)
            return MISUSED
        _run(given, only_print="--print" in arguments)
    except Misused as error:
        return _fail(str(error), MISUSED)
    except (NotSent, InvalidSetting) as error:
        return _fail(str(error), FAILED)
    return OK


def _run(given: Mapping[str, str], *, only_print: bool) -> None:
    state = ROOT / (os.environ.get("STATE_DIR") or ".local")
    demo = _demo(state)
    target = None if only_print else _target(given, demo)
    catalogue = load_catalogue(_catalogue_path(state))
    memory = _Memory(state / MEMORY)
    scenario = _scenario(given, demo, catalogue, memory)
    secret = _setting("STRIPE_WEBHOOK_SECRET", demo)
    for event_type, wishes in _events(given, scenario, catalogue):
        event, scenario = tell(event_type, scenario, wishes)
        payload = (json.dumps(event, indent=2) + "\n").encode()
        header = signature_header(payload, secret, int(time.time())) if secret else None
        if target is None:
            print(payload.decode(), end="")
            print(f"{HEADER}: {header}" if header else "no STRIPE_WEBHOOK_SECRET: not signed", file=sys.stderr)
            continue
        if header is None:
            raise NotSent(
                f"STRIPE_WEBHOOK_SECRET is neither set nor in {state / 'demo.env'}: start `make run`, or set it"
            )
        print(f"{_send(target, payload, header)} {event_type} {event['id']}")
        memory.keep(scenario)


# What to send


def _events(given: Mapping[str, str], scenario: Scenario, catalogue: Catalogue) -> list[tuple[str, Wishes]]:
    """The types of a step, or the one that was asked for, each with what it is to say."""
    wishes = _wishes(given, scenario)
    updated = "customer.subscription.updated"
    match given["TYPE"]:
        case "subscribe":
            return [
                ("customer.subscription.created", wishes),
                ("checkout.session.completed", Wishes(mode="subscription")),
                ("invoice.paid", Wishes(amount=wishes.amount)),
            ]
        case "renew":
            # later than the period it follows, even within a second
            start = wishes.period_start or max(scenario.now, scenario.subscription.period[0] + 1)
            invoice = Wishes(amount=wishes.amount, billing_reason="subscription_cycle")
            return [(updated, replace(wishes, period_start=start)), ("invoice.paid", invoice)]
        case "upgrade":
            return [(updated, replace(wishes, price=wishes.price or _largest(scenario, catalogue)))]
        case "fail":
            return [
                ("invoice.payment_failed", Wishes(amount=wishes.amount)),
                (updated, _with_status(wishes, "past_due")),
            ]
        case "pay":
            return [("invoice.paid", Wishes(amount=wishes.amount)), (updated, _with_status(wishes, "active"))]
        case "buy":
            return [("checkout.session.completed", replace(wishes, mode="payment"))]
        case "refund":
            return [("charge.refunded", wishes)]
        case "cancel":
            return [(updated, replace(wishes, cancel_at_period_end=True))]
        case "end":
            return [("customer.subscription.deleted", wishes)]
        case event_type:
            return [(event_type, wishes)]


def _with_status(wishes: Wishes, status: str) -> Wishes:
    return replace(wishes, status=wishes.status or status)


def _largest(scenario: Scenario, catalogue: Catalogue) -> Price:
    sold = [plan for plan in catalogue.plans.values() if plan.stripe_price]
    if not sold:
        raise Misused("no plan of the catalogue has a Stripe price: give PRICE")
    largest = max(sold, key=lambda plan: plan.included)
    return replace(scenario.subscription.price, id=str(largest.stripe_price))


def _wishes(given: Mapping[str, str], scenario: Scenario) -> Wishes:
    price = None
    if "PRICE" in given or "INTERVAL" in given:
        price = replace(
            scenario.subscription.price,
            id=given.get("PRICE", scenario.subscription.price.id),
            interval=cast(Any, _one_of("INTERVAL", given, _INTERVALS)) or scenario.subscription.price.interval,
        )
    cancels = _one_of("CANCEL_AT_PERIOD_END", given, tuple(_BOOLEANS))
    start, end = (_instant(name, given, scenario.now) for name in ("PERIOD_START", "PERIOD_END"))
    if end is not None and end <= (scenario.subscription.period[0] if start is None else start):
        raise Misused("PERIOD_END must be after the period's start")
    return Wishes(
        mode=_one_of("MODE", given, _MODES) or "payment",
        status=given.get("STATUS"),
        price=price,
        period_start=start,
        period_end=end,
        amount=_cents(given),
        pack=given.get("PACK"),
        cancel_at_period_end=None if cancels is None else _BOOLEANS[cancels],
        billing_reason=given.get("REASON"),
    )


def _scenario(given: Mapping[str, str], demo: Mapping[str, str], catalogue: Catalogue, memory: "_Memory") -> Scenario:
    """The facts as they were left by the last command for this customer, or the first ones."""
    now = _instant("CREATED", given, int(time.time())) or int(time.time())
    customer, user = _who(given, demo, memory)
    known = memory.of(customer)
    subscribed = known.subscription
    asked = given.get("SUBSCRIPTION", "")
    begins = given["TYPE"] in ("subscribe", "customer.subscription.created")
    if subscribed is None or (asked and asked != subscribed.id) or (begins and not asked):
        subscribed = new_subscription(_first_price(catalogue), now, _new_id, asked)
    pack = next(iter(catalogue.packs), "")
    return Scenario(
        customer=customer,
        user=user,
        subscription=subscribed,
        purchase=known.purchase or new_purchase(pack, PACK_AMOUNT, now, _new_id),
        now=now,
        new_id=_new_id,
        shape=_shape(given),
    )


def _who(given: Mapping[str, str], demo: Mapping[str, str], memory: "_Memory") -> tuple[str, str | None]:
    """The customer and the user. A customer that was told of before keeps its user."""
    customer, user = given.get("CUSTOMER"), given.get("USER")
    user = user or (customer and memory.of(customer).user) or demo.get("USER_ID")
    if user == _NOBODY:
        if customer is None:
            raise Misused("USER=- needs a CUSTOMER")
        return customer, None
    if not user:
        raise Misused(
            "give USER: `make run` is not running here, so that there is no demo user (or set STATE_DIR as it has it)"
        )
    return customer or f"cus_{sha256(user.encode()).hexdigest()[:14]}", user


def _first_price(catalogue: Catalogue) -> Price:
    sold = [plan for plan in catalogue.plans.values() if plan.stripe_price]
    smallest = min(sold, key=lambda plan: plan.included, default=None)
    return Price(str(smallest.stripe_price) if smallest else "price_unknown")


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


# Arguments


def _given(arguments: Sequence[str]) -> dict[str, str]:
    """NAME=value → value; an empty one is not given."""
    given: dict[str, str] = {}
    for argument in arguments:
        if argument == "--print":
            continue
        name, equals, value = argument.partition("=")
        if not equals or name not in NAMES:
            raise Misused(f"unknown: {argument} (--help lists what there is)")
        if value:
            given[name] = value
    kind = given.get("TYPE")
    if kind is not None and kind not in (*STEPS, *TYPES):
        raise Misused(f"unknown: TYPE={kind} (--help lists what there is)")
    return given


def _one_of(name: str, given: Mapping[str, str], values: Sequence[str]) -> str | None:
    value = given.get(name)
    if value is not None and value not in values:
        raise Misused(f"{name} must be one of {', '.join(values)}, got: {value}")
    return value


def _cents(given: Mapping[str, str]) -> int | None:
    text = given.get("AMOUNT")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_CENTS_DIGITS):
        raise Misused(f"AMOUNT must be a number of cents, got: {text}")
    return int(text)


def _instant(name: str, given: Mapping[str, str], now: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if text == "now":
        return now
    try:
        if text.isascii() and text.isdecimal():
            return int(datetime.fromtimestamp(int(text), UTC).timestamp())
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, OSError):
        message = f"{name} must be now, a date such as 2026-11-01 or seconds since the epoch, got: {text}"
        raise Misused(message) from None


def _shape(given: Mapping[str, str]) -> Shape:
    text = given.get("SHAPE", Shape.CURRENT.value)
    try:
        return Shape.of(text)
    except ValueError:
        raise Misused(f"SHAPE must be an API version such as 2024-06-20, got: {text}") from None


def _help() -> str:
    names = "\n".join(f"  {name:21} {meaning}" for name, meaning in NAMES.items())
    steps = "\n".join(f"  {name:21} {types}" for name, types in STEPS.items())
    types = "\n".join(f"  {name}" for name in TYPES)
    return (
        "usage: make stripe-event TYPE=... [NAME=value ...] [ARGS=--print]\n"
        "       python -m tools.stripe_events TYPE=... [NAME=value ...] [--print]\n\n"
        "Signs an event as Stripe does, with STRIPE_WEBHOOK_SECRET, and sends it to a running service. --print only\n"
        "shows it, the header on standard error. Exit status: 0 accepted, 1 not sent or refused, 2 wrong arguments.\n\n"
        f"{names}\n\nSteps of a story, each with the events that it sends:\n{steps}\n\nTypes:\n{types}"
    )


def _fail(message: str, status: int) -> int:
    print(f"stripe-event: {message}", file=sys.stderr)
    return status


# The running service


def _demo(state: Path) -> dict[str, str]:
    """What demo.env sets; nothing if it is not there."""
    try:
        words = shlex.split((state / "demo.env").read_text(encoding="utf-8"), comments=True)
    except (OSError, ValueError):
        return {}
    return {name: value for name, equals, value in (word.partition("=") for word in words) if equals}


def _catalogue_path(state: Path) -> str:
    """The file of CATALOGUE, else that of the running service; empty for the one that ships."""
    try:
        names = json.loads((state / "store.json").read_text(encoding="utf-8"))
        running = str(names["catalogue"])
    except (OSError, ValueError, KeyError, TypeError):
        running = ""
    return os.environ.get("CATALOGUE") or running


def _setting(name: str, demo: Mapping[str, str]) -> str:
    return os.environ.get(name) or demo.get(name, "")


def _target(given: Mapping[str, str], demo: Mapping[str, str]) -> str:
    base = given.get("URL") or demo.get("BASE_URL", "")
    if not base:
        raise NotSent("`make run` is not running here: start it, set STATE_DIR as it has it, or give URL")
    if not base.startswith(("http://", "https://")):
        raise Misused(f"URL must begin with http:// or https://, got: {base}")
    return base.rstrip("/").removesuffix(PATH) + PATH


def _send(url: str, payload: bytes, header: str) -> int:
    """The status of the answer, 2xx. Raises NotSent."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0", HEADER: header}
    try:
        request = urllib.request.Request(url, payload, headers)  # noqa: S310 - http or https, see _target
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode(errors="replace").strip()
        raise NotSent(f"{url} answers {error.code}: {text}") from None
    except (OSError, ValueError) as error:
        raise NotSent(f"{url} does not answer: {getattr(error, 'reason', error)}") from None


# What was sent


@dataclass(frozen=True, slots=True)
class _Known:
    user: str | None = None
    subscription: Subscribed | None = None
    purchase: Purchase | None = None


class _Memory:
    """The facts of each customer after what was last sent. What cannot be read is forgotten."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            document = {}
        self._customers: dict[str, Any] = document if isinstance(document, dict) else {}

    def of(self, customer: str) -> _Known:
        try:
            known = self._customers[customer]
            return _Known(
                user=known["user"],
                subscription=_read_subscribed(known["subscription"]),
                purchase=Purchase(**known["purchase"]),
            )
        except (KeyError, TypeError, ValueError):
            return _Known()

    def keep(self, scenario: Scenario) -> None:
        self._customers[scenario.customer] = {
            "user": scenario.user or _NOBODY,
            "subscription": asdict(scenario.subscription),
            "purchase": asdict(scenario.purchase),
        }
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_private(self._file, json.dumps(self._customers, indent=1) + "\n")
        except OSError as error:
            print(
                f"stripe-event: {self._file} cannot be written ({error}): the next command starts anew", file=sys.stderr
            )


def _read_subscribed(document: Any) -> Subscribed:
    """Raises KeyError, TypeError and ValueError."""
    bill = document["bill"]
    return Subscribed(
        **{
            **document,
            "price": Price(**document["price"]),
            "period": _read_period(document["period"]),
            "trial": document["trial"] and _read_period(document["trial"]),
            "bill": bill and Bill(**{**bill, "period": _read_period(bill["period"])}),
        }
    )


def _read_period(document: Any) -> tuple[int, int]:
    start, end = document
    return int(start), int(end)
