"""What the tests of billing share: services over one store and one clock, events to tell, a look at what is kept."""

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from rmbg.config import load_catalogue
from rmbg.domain.credits import Account, Channel, Window, WindowKind
from rmbg.domain.plans import Catalogue
from rmbg.domain.usage_query import UsageQuery
from rmbg.domain.windows import standing
from rmbg.services.apply_stripe_event import ApplyStripeEvent, Outcome
from rmbg.services.credits import Charge, Credits, CreditsExhausted
from rmbg.services.report_usage import Cycle, ReportUsage, Usage
from rmbg.storage import accounts, credits, schema
from rmbg.storage.database import Row
from rmbg.storage.expressions import get, query
from rmbg.storage.store import Store
from tests.integration.accounts.books import LEASE_SECONDS, Clock, instant, new_id
from tests.support.stripe_world import StripeWorld
from tools.stripe_events import make
from tools.stripe_events.make import Shape

Object = dict[str, Any]

PREMIUM: Final = "price_premium_20000_month"
DEMO: Final = "price_demo_month"
DAY: Final = 86_400
START: Final = instant("2026-11-10T12:00:00")
NOVEMBER: Final = (START, instant("2026-12-10T12:00:00"))
DECEMBER: Final = (NOVEMBER[1], instant("2027-01-10T12:00:00"))

CATALOGUE: Final = load_catalogue("")
_USERS = itertools.count(1)
_WORD: Final = new_id()[:8]  # an emulator is shared by a session's tests


class Objects:
    """Stripe's objects as they are now: those that were put there. `on_fetch` is called before each answer."""

    def __init__(self, on_fetch: Callable[[str, str], None] = lambda kind, identifier: None) -> None:
        self.held: dict[tuple[str, str], Object] = {}
        self._on_fetch = on_fetch

    def put(self, subject: Object) -> None:
        self.held[(subject["object"], subject["id"])] = subject

    def fetch(self, kind: str, identifier: str) -> Mapping[str, Any] | None:
        self._on_fetch(kind, identifier)
        return self.held.get((kind, identifier))


class Fetched:
    """The objects of a world of Stripe's as they are now."""

    def __init__(self, world: StripeWorld) -> None:
        self._kinds: dict[str, Callable[[str], Object | None]] = {
            "subscription": world.subscription,
            "invoice": world.invoice,
            "charge": world.charge,
            "refund": world.refund,
            "dispute": world.dispute,
            "customer": world.customer,
            "checkout.session": world.checkout_session,
        }

    def fetch(self, kind: str, identifier: str) -> Mapping[str, Any] | None:
        return self._kinds[kind](identifier)


class Ticking:
    """A clock that never says the same millisecond twice, as long as nobody asks a thousand times a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ticks = itertools.count()
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._clock() + next(self._ticks) * 0.002


class Desk:
    """One store's billing, in payload mode without `objects`, else in fetch mode.

    Each desk has a user and a customer of its own.
    """

    def __init__(
        self,
        store: Store,
        *,
        objects: Any = None,
        shape: Shape = Shape.CURRENT,
        catalogue: Catalogue = CATALOGUE,
        livemode: bool | None = None,
        clock: Clock | None = None,
    ) -> None:
        number = next(_USERS)
        self.store = store
        self.clock = clock or Clock(START)
        self.shape = shape
        self.catalogue = catalogue
        self.objects = objects
        self.uid = f"usr_{_WORD}{number}"
        self.word = f"{_WORD}{number}"
        self.customer = f"cus_{self.word}"
        self.credits = Credits(store, catalogue, self.clock)
        self.reports = ReportUsage(store, catalogue, self.credits, self.clock)
        self.worker = self.new_worker(store, livemode=livemode)
        self._events = itertools.count(1)

    def new_worker(self, store: Store, *, livemode: bool | None = None) -> ApplyStripeEvent:
        """Another worker of the same billing, over a store or a client of its own."""
        ticking = Ticking(self.clock) if self.objects is not None else self.clock
        return ApplyStripeEvent(store, self.catalogue, self.objects, livemode=livemode, clock=ticking)

    # --- events

    def event(self, event_type: str, subject: Object, *, created: int | None = None, **more: Any) -> Object:
        """An event of the desk's shape, now; in fetch mode its object is what Stripe says from now on."""
        if isinstance(self.objects, Objects):
            self.objects.put(subject)
        at = int(self.clock()) if created is None else created
        event_id = more.pop("event_id", f"evt_{self.word}_{next(self._events)}")
        return make.event(event_id, event_type, subject, created=at, shape=self.shape, **more)

    def tell(self, event_type: str, subject: Object, **more: Any) -> Outcome:
        return self.worker.apply(self.event(event_type, subject, **more))

    def subscription(self, **facts: Any) -> Object:
        given = {"price": PREMIUM, "period": NOVEMBER, "user": self.uid, "customer": self.customer, **facts}
        name = given.pop("name", "sub")
        return make.subscription(f"{name}_{self.word}", shape=self.shape, **given)

    def invoice(self, **facts: Any) -> Object:
        given = {"price": PREMIUM, "period": NOVEMBER, "user": self.uid, "customer": self.customer, **facts}
        given.setdefault("subscription", f"sub_{self.word}")
        name = given.pop("name", "in")
        return make.invoice(f"{name}_{self.word}", shape=self.shape, **given)

    def session(self, **facts: Any) -> Object:
        given = {"customer": self.customer, "reference": self.uid, "created": int(self.clock()), **facts}
        if given.get("mode", "payment") == "payment":
            given = {"pack": "pack_2000", "amount": 1000, "payment_intent": f"pi_{self.word}", **given}
        name = given.pop("name", "cs")
        return make.checkout_session(f"{name}_{self.word}", shape=self.shape, **given)

    def charge(self, refunded: int = 0, **facts: Any) -> Object:
        given = {"customer": self.customer, "amount": 1000, "payment_intent": f"pi_{self.word}", **facts}
        given.setdefault("created", int(self.clock()))
        name = given.pop("name", "ch")
        return make.charge(f"{name}_{self.word}", amount_refunded=refunded, shape=self.shape, **given)

    def refund(self, name: str, amount: int, **facts: Any) -> Object:
        given = {"charge": f"ch_{self.word}", "payment_intent": f"pi_{self.word}", "created": START, **facts}
        return make.refund(f"{name}_{self.word}", amount=amount, shape=self.shape, **given)

    def dispute(self, name: str = "dp", **facts: Any) -> Object:
        given = {"charge": f"ch_{self.word}", "payment_intent": f"pi_{self.word}", "created": START, **facts}
        return make.dispute(f"{name}_{self.word}", amount=1000, shape=self.shape, **given)

    # --- stories

    def buy(self, **facts: Any) -> Outcome:
        """A pack, paid: 2000 credits for 1000 cents. Its charge is there as well."""
        if isinstance(self.objects, Objects):
            self.objects.put(self.charge())
        return self.tell("checkout.session.completed", self.session(**facts))

    def subscribe(self, **facts: Any) -> Outcome:
        return self.tell("customer.subscription.created", self.subscription(**facts))

    def update(self, **facts: Any) -> Outcome:
        return self.tell("customer.subscription.updated", self.subscription(**facts))

    def use(self, pictures: int = 1, channel: Channel = Channel.API) -> Charge:
        """So many pictures, reserved and committed; the last one's charge."""
        for _ in range(pictures):
            charge = self.reserve(channel)
            assert self.credits.commit(charge, deadline=lambda: 5.0)
        return charge

    def reserve(self, channel: Channel = Channel.API) -> Charge:
        return self.credits.reserve(self.account, channel, new_id(), lease_seconds=LEASE_SECONDS, capped=False)

    # --- what is kept

    def open_account(self, plan: str = "Free") -> None:
        """An account that an operator made."""
        found = self.catalogue.plan(plan)
        assert found is not None
        account = Account(self.uid, "somebody@example.com", email_verified=True, plan=plan, included=found.included)
        self.store.database.put(accounts.create(self.store.core, account))

    @property
    def account(self) -> Account:
        row = self.account_row
        assert row is not None, "there is no account"
        return accounts.read_account(row)

    @property
    def account_row(self) -> Row | None:
        return self.store.database.get(get(self.store.core, schema.account(self.uid)))

    @property
    def prepaid(self) -> int:
        return self.account.prepaid

    @property
    def window(self) -> Window:
        """The window that the next picture is paid from; it must be there."""
        state = standing(self.account, self.catalogue, int(self.clock()))
        key = schema.window(self.uid, state.kind, state.period.start)
        row = self.store.database.get(get(self.store.core, key))
        assert row is not None, "there is no window"
        return credits.read_window(row)

    def rows(self, prefix: str = "") -> list[Row]:
        pk = schema.account(self.uid).pk
        return self.store.database.query(query(self.store.core, pk, prefix or "!", prefix + "~"))

    @property
    def windows(self) -> list[Window]:
        return [credits.read_window(row) for row in self.rows(schema.WINDOW_PREFIX)]

    @property
    def ledger(self) -> list[Row]:
        return self.rows("L#")

    @property
    def usage(self) -> Usage:
        return self.reports.report(self.account, UsageQuery(billing_cycle=True))

    @property
    def cycle(self) -> Cycle:
        cycle = self.usage.cycle
        assert cycle is not None
        return cycle

    def event_row(self, event_id: str) -> Row | None:
        return self.store.database.get(get(self.store.core, schema.stripe_event(event_id)))

    def parked(self, customer: str) -> list[Row]:
        pk = schema.customer(customer).pk
        return self.store.database.query(query(self.store.core, pk, schema.PARKED_PREFIX, schema.PARKED_PREFIX + "~"))

    def state(self, *, uids: tuple[str, ...] = ()) -> dict[str, Any]:
        """What must not depend on the order of events: see `state_of`."""
        return {uid: state_of(self.store, uid) for uid in uids or (self.uid,)}


def state_of(store: Store, uid: str) -> dict[str, Any]:
    """An account without the count of its facts, its current window without its version, and its purchases' worth.

    Left out: windows that are over or were never used, which are there or not as events came, and instants of writing.
    """
    key = schema.account(uid)
    rows = store.database.query(query(store.core, key.pk, "!", "~"))
    account: Row = next((row for row in rows if row["sk"] == "ACCT"), {})
    window = f"W#{account.get('bps', 0):010d}#S"
    kept: dict[str, Any] = {"account": {name: it for name, it in account.items() if name not in ("srev", "at")}}
    for row in rows:
        name = str(row["sk"])
        if name.startswith("L#"):
            kept[name] = {field: row[field] for field in ("credits", "applied")}
        elif name == window:
            kept[name] = {field: it for field, it in row.items() if field != "sv"}
        elif name.startswith("W#") and row.get("used"):
            kept[name] = row["used"]
    return kept


def assert_truth(desk: Desk) -> None:
    """What the usage endpoint says is what the next picture meets: the same window, with as much left."""
    cycle, report = desk.cycle, desk.usage
    account = desk.account
    state = standing(account, desk.catalogue, int(desk.clock()))
    assert cycle.synced is (state.kind is WindowKind.STRIPE)
    assert cycle.start == state.period.start
    try:
        charge = desk.reserve()
    except CreditsExhausted:
        assert cycle.remaining == 0
        assert report.prepaid == 0
        return
    if charge.bucket.value == "included":
        assert charge.key == schema.window(desk.uid, state.kind, cycle.start)
        assert cycle.remaining >= 1
        assert desk.cycle.remaining == cycle.remaining - 1
        assert desk.window.remaining == cycle.remaining - 1
        assert desk.window.period.end == (cycle.end if cycle.synced else cycle.end + 1)
        assert desk.window.included == cycle.included
    else:
        assert cycle.remaining == 0
        assert desk.usage.prepaid == report.prepaid - 1
    desk.credits.refund(charge)
    assert (desk.cycle.remaining, desk.usage.prepaid) == (cycle.remaining, report.prepaid)
    for window in desk.windows:
        assert window.remaining == window.included - window.used
        assert window.used == window.app + window.api
