"""Requests that move credits, and reading the items that hold them.

One item a user and window, one conditional UpdateItem a step: the condition checks the quota and the update counts,
caps what is in flight and stores the reservation as an attribute of that same item, so that no crash between two
writes can lose a credit. `rem` (= inc - used) is stored because a condition has no arithmetic. A reservation is a
top-level attribute because a nested SET fails without its parent.
"""

from collections.abc import Mapping

from rmbg.domain.calendar import Period
from rmbg.domain.credits import COST, Bucket, Channel, Reservation, Window, WindowKind
from rmbg.storage import schema
from rmbg.storage.database import Row
from rmbg.storage.expressions import Request, Value, aliases, update
from rmbg.storage.schema import Key

MONTH_SOURCE = "month"
RENEWAL_SOURCE = "renewal"


def reserve_included(table: str, key: Key, reservation: Reservation, *, now: int, max_in_flight: int | None) -> Request:
    """RESERVE: take a credit of a window. `max_in_flight` None sets no cap (work from a queue has its own)."""
    condition = "#rem >= :c AND attribute_not_exists(#r) AND attribute_not_exists(#hold) AND :now < #wend"
    names = aliases("rem", "used", "infl", "hold", "wend", ch=reservation.channel.value)
    names |= aliases(m=reservation.month_counter, r=_reservation_name(reservation))
    values: dict[str, Value] = {":c": COST, ":zero": 0, ":one": 1, ":resv": reservation.text, ":now": now}
    if max_in_flight is not None:
        condition += " AND #infl < :max"
        values[":max"] = max_in_flight
    return update(
        table,
        key,
        "SET #rem = #rem - :c, #used = #used + :c, #ch = #ch + :c, #m = if_not_exists(#m, :zero) + :c, "
        "#infl = #infl + :one, #r = :resv",
        condition=condition,
        names=names,
        values=values,
    )


def reserve_prepaid(table: str, key: Key, reservation: Reservation, *, max_in_flight: int | None) -> Request:
    """PREPAID: take a credit of the account's purchased balance, which may be negative: then there is none."""
    condition = "#prepaid >= :c AND attribute_not_exists(#r)"
    values: dict[str, Value] = {":c": COST, ":one": 1, ":resv": reservation.text}
    if max_in_flight is not None:
        condition += " AND #infl < :max"
        values[":max"] = max_in_flight
    return update(
        table,
        key,
        "SET #prepaid = #prepaid - :c, #infl = #infl + :one, #r = :resv",
        condition=condition,
        names=aliases("prepaid", "infl", r=_reservation_name(reservation)),
        values=values,
    )


def commit(table: str, key: Key, reservation: Reservation) -> Request:
    """COMMIT: the picture is made; the credit stays taken. Of either item."""
    return update(
        table,
        key,
        "SET #infl = #infl - :one REMOVE #r",
        condition="attribute_exists(#r)",
        names=aliases("infl", r=_reservation_name(reservation)),
        values={":one": 1},
    )


def refund(table: str, key: Key, reservation: Reservation, bucket: Bucket, *, sweep: bool = False) -> Request:
    """REFUND: give the credit back to the item that holds the reservation, and lower the counters that it raised.

    `sweep` is for a lease that is over: then only the very reservation that was seen is given back.
    """
    values: dict[str, Value] = {":c": COST, ":one": 1}
    condition = "attribute_exists(#r)"
    if sweep:
        condition = "#r = :seen"
        values[":seen"] = reservation.text
    names = aliases("infl", r=_reservation_name(reservation))
    if bucket is Bucket.PREPAID:
        expression = "SET #prepaid = #prepaid + :c, #infl = #infl - :one REMOVE #r"
        names |= aliases("prepaid")
    else:
        expression = (
            "SET #rem = #rem + :c, #used = #used - :c, #ch = #ch - :c, #m = #m - :c, #infl = #infl - :one REMOVE #r"
        )
        names |= aliases("rem", "used", ch=reservation.channel.value, m=reservation.month_counter)
    return update(table, key, expression, condition=condition, names=names, values=values)


def sync_window(table: str, key: Key, *, period: Period, included: int, version: int, source: str) -> Request:
    """SYNC: make a window, or give it a new allowance and end; what was used stays used.

    `version` in milliseconds; only a newer one writes. 0 makes a window that is not there, and any webhook wins
    over it.
    """
    return update(
        table,
        key,
        "SET #inc = :n, #wstart = :s, #wend = :e, #sv = :v, #src = :src, #rem = :n - if_not_exists(#used, :zero), "
        "#used = if_not_exists(#used, :zero), #app = if_not_exists(#app, :zero), "
        "#api = if_not_exists(#api, :zero), #infl = if_not_exists(#infl, :zero)",
        condition="attribute_not_exists(#sv) OR #sv < :v",
        names=aliases("inc", "wstart", "wend", "sv", "src", "rem", "used", "app", "api", "infl"),
        values={":n": included, ":s": period.start, ":e": period.end, ":v": version, ":src": source, ":zero": 0},
    )


def add_prepaid(table: str, key: Key, amount: int) -> Request:
    """Add to an account's purchased balance; a negative amount takes away, below zero too."""
    return update(
        table,
        key,
        "SET #prepaid = #prepaid + :n",
        condition="attribute_exists(#pk)",
        names=aliases("prepaid", "pk"),
        values={":n": amount},
    )


def read_window(row: Row) -> Window:
    """A window's item."""
    _, kind = schema.window_of(text(row, "sk"))
    return Window(
        kind=WindowKind(kind),
        period=Period(integer(row, "wstart"), integer(row, "wend")),
        included=integer(row, "inc"),
        used=integer(row, "used"),
        remaining=integer(row, "rem"),
        app=integer(row, Channel.APP.value),
        api=integer(row, Channel.API.value),
        months={
            name: value
            for name, value in row.items()
            if isinstance(value, int) and name.startswith("m2") and name.endswith(("_app", "_api"))
        },
        in_flight=integer(row, "infl"),
        sync_version=integer(row, "sv"),
        hold="hold" in row,
        merged="merged" in row,
        reservations=read_reservations(row),
    )


def read_reservations(row: Row) -> tuple[Reservation, ...]:
    """The open reservations of a window or an account."""
    prefix = schema.RESERVATION_PREFIX
    return tuple(
        Reservation.parse(name.removeprefix(prefix), str(value))
        for name, value in row.items()
        if name.startswith(prefix)
    )


def integer(row: Mapping[str, Value], name: str) -> int:
    """A number of an item, 0 if it has none."""
    value = row.get(name, 0)
    if not isinstance(value, int):
        raise TypeError(f"{name} is no number")
    return value


def text(row: Mapping[str, Value], name: str) -> str:
    """A text of an item, empty if it has none."""
    return str(row.get(name, ""))


def _reservation_name(reservation: Reservation) -> str:
    return schema.RESERVATION_PREFIX + reservation.id
