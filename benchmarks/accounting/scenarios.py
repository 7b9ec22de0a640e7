"""Requests whose units are counted: what each is, what it should be answered, and what it may cost."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.accounting.service import NoImaging, Service, imaging, operation
from benchmarks.accounting.units import Units
from rmbg.domain.calendar import month_name, month_period
from rmbg.domain.credits import Channel, Reservation, WindowKind
from rmbg.storage import credits, schema

IN_FLIGHT = 13  # beside the measured one: as many as a plan allows by default


@dataclass(frozen=True)
class Row:
    """A counted request; `target` is (write, read) units, None where none is set."""

    what: str
    units: Units
    target: tuple[int, int] | None = None

    @property
    def met(self) -> bool:
        return self.target is None or (self.units.write <= self.target[0] and self.units.read <= self.target[1])


def count(service: Service, picture: bytes) -> list[Row]:
    """All rows. Raises AssertionError where an answer is not what the row is about."""
    with imaging(service, NoImaging(service.image.PIPELINE)):
        return _count(service, picture)


def _count(service: Service, picture: bytes) -> list[Row]:
    rows = []

    def note(what: str, call: Callable[[], int], status: int, target: tuple[int, int] | None = None) -> None:
        time.sleep(0.05)  # under the sustained rate of the plan: 100 requests a second
        answered = call()
        assert answered == status, f"{what}: {answered}"
        rows.append(Row(what, replace(service.client.units), target))

    def post(headers: dict[str, str] | None = None, data: bytes = picture) -> int:
        return int(service.post(data, headers)["statusCode"])

    uid, key = service.new_key("Demo")
    post(key)  # the key's day is noted, the window made
    service.image.SERVICES.authenticator._owners.clear()
    note("charged, key not yet known to the function", lambda: post(key), 200, (3, 2))
    note("charged, key known", lambda: post(key), 200, (3, 2))
    _fill(service, uid)
    note(f"charged, {IN_FLIGHT} others in flight", lambda: post(key), 200, (3, 2))
    note("charged, with Idempotency-Key", lambda: post({**key, "Idempotency-Key": "1"}), 200)
    note("repeated, with Idempotency-Key", lambda: post({**key, "Idempotency-Key": "1"}), 200)
    note("bad picture (row 10)", lambda: post(key, b"no picture"), 400)
    note("unknown key (row 2)", lambda: post({"x-api-key": "rmbg_live_x"}), 401)
    note("failed after the reservation", lambda: _failing(service, lambda: post(key)), 500)
    note("usage with billing cycle", lambda: int(service.usage(key)["statusCode"]), 200)

    uid, key = service.new_key("Demo")
    note("charged, first picture of the month and the key", lambda: post(key), 200)
    _exhaust(service, uid)
    note("out of credits (row 14)", lambda: post(key), 429)
    service.operate.add_credits(operation(), uid, 5)
    note("charged to prepaid credits", lambda: post(key), 200)
    _, key = service.new_key("Free")
    while post(key) != 429:  # far quicker than its one a second
        pass
    note("too quick (row 4)", lambda: post(key), 429)
    post()
    note("anonymous", post, 200)
    return rows


def _failing(service: Service, call: Callable[[], int]) -> int:
    with imaging(service, _Broken(service.image.PIPELINE)):
        return call()


class _Broken(NoImaging):
    def segment(self, _picture: object) -> None:
        raise RuntimeError


def _fill(service: Service, uid: str) -> None:
    """Others in flight, as their reservations would be stored."""
    now = int(time.time())
    key = schema.window(uid, WindowKind.MONTH, month_period(now).start)
    store = service.image.SERVICES.store
    for index in range(IN_FLIGHT):
        reservation = Reservation(f"{index:022d}", now + 60, Channel.API, month_name(now))
        store.database.update(credits.reserve_included(store.core, key, reservation, now=now, max_in_flight=None))


def _exhaust(service: Service, uid: str) -> None:
    """An allowance that is used up."""
    now = int(time.time())
    period = month_period(now)
    key = schema.window(uid, WindowKind.MONTH, period.start)
    store = service.image.SERVICES.store
    version = int(time.time() * 1000)
    store.database.update(
        credits.sync_window(store.core, key, period=period, included=0, version=version, source="bench")
    )
