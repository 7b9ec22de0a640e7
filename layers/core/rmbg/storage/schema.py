"""Every key of every item, and nothing else builds one.

core table (point-in-time recovery; `ttl` only where said):

    Account        U#uid          ACCT
    Window         U#uid          W#<start, 10 digits>#S (Stripe) or #M (month)
    Ledger         U#uid          L#<kind>#<source id>
    Subscription   U#uid          SUB#<id>
    Invoice        U#uid          INV#<id>                      ttl 400 days
    Customer       CUS#<id>       MAP
    Parked event   CUS#<id>       P#<event id>
    Stripe event   EV#<id>        EV                            ttl 40 days
    Job            U#uid          J#<job id>                    ttl 8 days, done: 7 days more
    Done           U#uid          DONE#<charge id>              ttl 40 days
    API key        KEY#<sha256>   KEY
    Key id         KID#<key id>   MAP

ephemeral table (`ttl` throughout):

    Short limit    RL#U#uid or RL#A#<address>   RL
    Daily limit    AN#<day>#<address> or ALL    AN
    Salt           AN#<day>                     SALT
    Idempotency    ID#uid#<sha256>              ID

The items' time to live only saves space: deletion is late by up to days, so no rule may depend on it.
"""

import hashlib
from typing import Final, NamedTuple

from rmbg.domain.calendar import DAY_SECONDS, Period
from rmbg.domain.credits import WindowKind

RESERVATION_PREFIX: Final = "r#"
KEY_PREFIX: Final = "k#"
KEY_USED_PREFIX: Final = "ku#"
WINDOW_PREFIX: Final = "W#"

SUBSCRIPTION_PREFIX: Final = "SUB#"
INVOICE_PREFIX: Final = "INV#"
PARKED_PREFIX: Final = "P#"
CUSTOMER_PREFIX: Final = "CUS#"

EVENT_DAYS: Final = 40
INVOICE_DAYS: Final = 400
DONE_DAYS: Final = 40
LONGEST_WINDOW_SECONDS: Final = 3 * 366 * DAY_SECONDS  # Stripe bills every three years at most


class Key(NamedTuple):
    """A primary key."""

    pk: str
    sk: str


def account(uid: str) -> Key:
    return Key(f"U#{uid}", "ACCT")


def window(uid: str, kind: WindowKind, start: int) -> Key:
    return Key(f"U#{uid}", f"{WINDOW_PREFIX}{start:010d}#{kind}")


def window_range(period: Period | None) -> tuple[str, str]:
    """The first and last sort key of all windows that may touch a period; None: of all there are."""
    if period is None:
        return WINDOW_PREFIX, f"{WINDOW_PREFIX}~"
    # before 1970 and after 2286 there are none: ten digits are enough for what is stored
    first = min(max(0, period.start - LONGEST_WINDOW_SECONDS), 9_999_999_999)
    last = min(max(0, period.end), 9_999_999_999)
    return f"{WINDOW_PREFIX}{first:010d}", f"{WINDOW_PREFIX}{last:010d}"


def window_of(sort_key: str) -> tuple[int, WindowKind]:
    """The start and the kind that a window's sort key says."""
    _, start, kind = sort_key.split("#")
    return int(start), WindowKind(kind)


def ledger(uid: str, kind: str, source_id: str) -> Key:
    return Key(f"U#{uid}", f"L#{kind}#{source_id}")


def subscription(uid: str, identifier: str) -> Key:
    return Key(f"U#{uid}", f"{SUBSCRIPTION_PREFIX}{identifier}")


def invoice(uid: str, identifier: str) -> Key:
    return Key(f"U#{uid}", f"{INVOICE_PREFIX}{identifier}")


def customer(identifier: str) -> Key:
    return Key(f"{CUSTOMER_PREFIX}{identifier}", "MAP")


def parked_event(customer_id: str, event_id: str) -> Key:
    return Key(f"{CUSTOMER_PREFIX}{customer_id}", f"{PARKED_PREFIX}{event_id}")


def stripe_event(identifier: str) -> Key:
    return Key(f"EV#{identifier}", "EV")


def job(uid: str, job_id: str) -> Key:
    return Key(f"U#{uid}", f"J#{job_id}")


def done(uid: str, charge_id: str) -> Key:
    return Key(f"U#{uid}", f"DONE#{charge_id}")


def api_key(key_hash: str) -> Key:
    return Key(f"KEY#{key_hash}", "KEY")


def key_id(identifier: str) -> Key:
    return Key(f"KID#{identifier}", "MAP")


def account_rate(uid: str) -> Key:
    return Key(f"RL#U#{uid}", "RL")


def anonymous_rate(address_hash: str) -> Key:
    return Key(f"RL#A#{address_hash}", "RL")


def anonymous_day(day: str, address_hash: str) -> Key:
    return Key(f"AN#{day}#{address_hash}", "AN")


def anonymous_day_total(day: str) -> Key:
    return Key(f"AN#{day}#ALL", "AN")


def salt(day: str) -> Key:
    return Key(f"AN#{day}", "SALT")


def idempotency(uid: str, key: str) -> Key:
    return Key(f"ID#{uid}#{hashlib.sha256(key.encode()).hexdigest()}", "ID")
