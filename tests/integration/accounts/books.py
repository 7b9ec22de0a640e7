"""What the tests of the accounts share: a clock to turn, accounts to open, races, and what the books must say."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

from rmbg.domain.credits import Account, Channel, Subscription, Window
from rmbg.domain.geometry import Geometry, Size
from rmbg.domain.keys import base62
from rmbg.domain.options import Options
from rmbg.domain.pictures import Cutout, ImageHeader, SourceFormat
from rmbg.domain.plans import Catalogue, Plan, RateLimit
from rmbg.domain.windows import standing
from rmbg.observability import StageTimer
from rmbg.services.authenticate import Identity
from rmbg.services.credits import Charge, Credits
from rmbg.services.deadline import Deadline
from rmbg.services.idempotency import IdempotencyKeys
from rmbg.services.payments import AccountPayment, Payment
from rmbg.services.remove_background import remove_background
from rmbg.services.report_usage import ReportUsage
from rmbg.services.uploads import Upload
from rmbg.storage import accounts, credits, schema
from rmbg.storage.database import Database, Row
from rmbg.storage.expressions import Value, aliases, get, query, update
from rmbg.storage.schema import Key
from rmbg.storage.store import Store
from tests.support.store import Store as Tables

ResultT = TypeVar("ResultT")

LEASE_SECONDS = 56.0  # 26 seconds of a function and 30 more
LEASE_IS_OVER = 58  # the lease, rounded up, and one second


def instant(text: str) -> int:
    """Epoch seconds of an ISO date and time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NOW = instant("2026-11-10T12:00:00")


class Clock:
    """Seconds since the epoch, as the test has them."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def catalogue_of(included: int, max_in_flight: int = 14) -> Catalogue:
    """A catalogue of two plans: Free with 50, and Team with as many as asked for."""
    free = Plan("Free", 50, RateLimit(10, 1.0), 4)
    team = Plan("Team", included, RateLimit(50, 10.0), max_in_flight)
    return Catalogue(MappingProxyType({"Free": free, "Team": team}), MappingProxyType({}), free, team)


class Books:
    """The services over one store and one clock, and a look into the items behind them."""

    def __init__(self, store: Store, clock: Callable[[], float], included: int = 100, max_in_flight: int = 14) -> None:
        self.store = store
        self.clock = clock
        self.catalogue = catalogue_of(included, max_in_flight)
        self.credits = Credits(store, self.catalogue, clock)
        self.keys = IdempotencyKeys(store, clock)
        self.reports = ReportUsage(store, self.catalogue, self.credits, clock)

    def open_account(
        self, *, plan: str = "Team", prepaid: int = 0, subscription: Subscription | None = None, verified: bool = True
    ) -> Account:
        """A new account that nobody else has."""
        uid = f"u-{uuid.uuid4().hex}"
        account = Account(uid, "somebody@example.com", verified, plan, self._included(plan), created_at=NOW)
        self.store.database.put(accounts.create(self.store.core, account))
        if prepaid:
            self.add_prepaid(uid, prepaid)
        if subscription is not None:
            self.subscribe(uid, subscription)
        return self.account(uid)

    def add_prepaid(self, uid: str, amount: int) -> None:
        self.store.database.update(credits.add_prepaid(self.store.core, schema.account(uid), amount))

    def subscribe(self, uid: str, subscription: Subscription) -> None:
        """Write Stripe's dates into an account, as a synchronisation does."""
        values: dict[str, Value] = {
            "sub_id": subscription.id,
            "sub_status": subscription.status.value,
            "bps": subscription.period.start,
            "bpe": subscription.period.end,
            "anchor": subscription.anchor,
            "interval": subscription.interval.value,
            "interval_count": subscription.interval_count,
            "cancel_at_end": subscription.cancel_at_end,
        }
        if subscription.grace_until is not None:
            values["grace_until"] = subscription.grace_until
        self.set(schema.account(uid), **values)

    def set(self, key: Key, **values: Value) -> None:
        """Set attributes of an item that exists."""
        self.store.database.update(
            update(
                self.store.core,
                key,
                "SET " + ", ".join(f"#{name} = :{name}" for name in values),
                condition="attribute_exists(#pk)",
                names=aliases("pk", *values),
                values={f":{name}": value for name, value in values.items()},
            )
        )

    def account(self, uid: str) -> Account:
        row = self.row(schema.account(uid))
        assert row is not None
        return accounts.read_account(row)

    def row(self, key: Key, *, table: str = "") -> Row | None:
        return self.store.database.get(get(table or self.store.core, key))

    def window_key(self, account: Account) -> Key:
        """The key of the window that an account uses now."""
        state = standing(account, self.catalogue, int(self.clock()))
        return schema.window(account.uid, state.kind, state.period.start)

    def window(self, account: Account) -> Window:
        """The window that an account uses now; it must be there."""
        row = self.row(self.window_key(account))
        assert row is not None, "there is no window"
        return credits.read_window(row)

    def windows(self, uid: str) -> list[Window]:
        first, last = schema.window_range(None)
        rows = self.store.database.query(query(self.store.core, schema.account(uid).pk, first, last))
        return [credits.read_window(row) for row in rows]

    def reserve(
        self, account: Account, channel: Channel = Channel.API, *, capped: bool = True, lease: float = LEASE_SECONDS
    ) -> Charge:
        return self.credits.reserve(account, channel, new_id(), lease_seconds=lease, capped=capped)

    def commit(self, charge: Charge) -> bool:
        return self.credits.commit(charge, deadline=lambda: 5.0)

    def spend(self, account: Account, channel: Channel = Channel.API) -> Charge:
        """One picture, reserved and committed."""
        charge = self.reserve(account, channel, capped=False)
        assert self.commit(charge)
        return charge

    def payment(self, account: Account, channel: Channel = Channel.API, *, key: str = "") -> AccountPayment:
        return AccountPayment(
            self.store,
            self.credits,
            self.keys,
            Identity(account, channel),
            idempotency_key=key,
            lease_seconds=LEASE_SECONDS - 30,
        )

    def _included(self, plan: str) -> int:
        found = self.catalogue.plan(plan)
        return found.included if found else 0


def new_id() -> str:
    """A reservation's id."""
    return base62(uuid.uuid4().int, 22)


def assert_consistent(window: Window) -> None:
    """What holds of every window at any time."""
    assert window.remaining == window.included - window.used
    assert window.used == window.app + window.api == sum(window.months.values())
    assert window.in_flight == len(window.reservations)
    assert min(window.used, window.app, window.api, *window.months.values(), 0) == 0
    assert window.used >= window.in_flight >= 0


def race(
    count: int, action: Callable[[int], ResultT], refusals: type[BaseException] | tuple[type[BaseException], ...] = ()
) -> tuple[list[ResultT], list[BaseException]]:
    """Run an action in so many threads, all released at once: what they returned, and which of them were refused."""
    barrier = threading.Barrier(count)
    results: list[ResultT] = []
    refused: list[BaseException] = []

    def run(index: int) -> None:
        barrier.wait()
        try:
            results.append(action(index))
        except refusals as refusal:
            refused.append(refusal)

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(run, index) for index in range(count)]:
            future.result()
    return results, refused


class TrivialImaging:
    """Imaging of one grey pixel a file; `on` names what to do in a stage before it is done."""

    def __init__(self, **on: Callable[[], None]) -> None:
        self._on = on
        self.segmented = 0

    def inspect(self, data: bytes) -> ImageHeader:
        return ImageHeader(SourceFormat.PNG, Size(1, 1))

    def decode(self, data: bytes, header: ImageHeader, geometry: object) -> bytes:
        self._at("decode")
        return data

    def segment(self, picture: bytes) -> bytes:
        self._at("segment")
        self.segmented += 1
        return picture

    def render(self, picture: bytes, matte: bytes, geometry: Geometry, options: Options) -> bytes:
        self._at("render")
        return picture

    def encode(self, result: bytes, options: Options) -> Cutout:
        self._at("encode")
        return Cutout(b"cut out of " + result, options.format, Size(1, 1))

    def _at(self, stage: str) -> None:
        self._on.get(stage, lambda: None)()


def picture(
    payment: Payment,
    imaging: TrivialImaging | None = None,
    *,
    data: bytes = b"a picture",
    fields: dict[str, str] | None = None,
    deadline: Deadline | None = None,
    deliver: Callable[[Cutout], None] = lambda _: None,
) -> Cutout:
    """Have a picture made and paid."""
    return remove_background(
        Upload("picture.png", data, fields or {}),
        imaging or TrivialImaging(),
        payment,
        deadline=deadline or Deadline(20.0, lambda: 0.0),
        timer=StageTimer(),
        deliver=deliver,
    )


@contextmanager
def opened(tables: Tables, **settings: Any) -> Iterator[Store]:
    """The services' store over a client of its own."""
    client = tables.client(**settings)
    try:
        yield Store(Database(client), tables.core_table, tables.ephemeral_table)
    finally:
        client.close()
