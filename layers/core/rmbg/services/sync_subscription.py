"""From a fact about a subscription or an invoice to the account and its window, in one transaction.

The account's revision counts the facts of its user. Whoever reads facts, derives the state and writes both does so
under that revision; who was overtaken reads again. So the state always is what follows from all facts.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rmbg.domain.calendar import Period, month_period
from rmbg.domain.credits import COST, Account, Channel, Subscription, Window, WindowKind
from rmbg.domain.plans import Catalogue
from rmbg.domain.stripe_objects import SubscriptionFacts
from rmbg.domain.subscriptions import BillingState, InvoiceFacts, derive, newer
from rmbg.storage import accounts, credits, schema, stripe
from rmbg.storage.credits import integer
from rmbg.storage.database import ConditionFailed, Row, StoreUnavailable, TransactionFailed
from rmbg.storage.expressions import Write, get, query
from rmbg.storage.schema import Key
from rmbg.storage.store import Store

_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class HeardSubscription:
    """A subscription as it was told or fetched; `follows` decides a tie of payloads."""

    facts: SubscriptionFacts
    fetched: bool
    follows: Callable[[SubscriptionFacts], bool] = lambda _: False


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything that a state follows from, as it was read."""

    row: Row
    account: Account
    revision: int
    subscriptions: dict[str, SubscriptionFacts]
    invoices: dict[str, InvoiceFacts]
    windows: list[tuple[Row, Window]]


class SyncSubscriptions:
    """Facts of subscriptions and invoices, and what follows from them. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    def hear(
        self, uid: str, subscriptions: Sequence[HeardSubscription] = (), invoices: Sequence[InvoiceFacts] = ()
    ) -> None:
        """Merge facts into those that are known of a user. Raises StoreUnavailable."""
        for _ in range(_TRIES):
            known = self._read(uid)
            writes: list[Write] = []
            subs, invs = dict(known.subscriptions), dict(known.invoices)
            for heard in subscriptions:
                before = subs.get(heard.facts.id)
                follows = before is not None and heard.follows(before)
                after = newer(before, heard.facts, fetched=heard.fetched, follows=follows)
                if after != before:
                    subs[after.id] = after
                    writes.append({"Put": stripe.put_subscription(self._store.core, uid, after)})
            for invoice in invoices:
                merged = invs[invoice.id].merged(invoice) if invoice.id in invs else invoice
                if merged != invs.get(invoice.id):
                    invs[merged.id] = merged
                    writes.append({"Put": stripe.put_invoice(self._store.core, uid, merged, int(self._clock()))})
            state = derive(list(subs.values()), list(invs.values()))
            writes += self._windows(uid, known, state)
            if not writes and not _differs(known.account, state):
                return
            free = self._catalogue.free
            if known.account.subscription is None:  # without Stripe's dates the plan is the operator's
                free = replace(free, name=known.account.plan, included=known.account.included)
            billing = stripe.set_billing(self._store.core, uid, state, free, known.revision)
            try:
                self._store.database.transact([{"Update": billing}, *writes])
            except TransactionFailed:
                continue  # overtaken: by another fact, or by a window that was made meanwhile
            return
        raise StoreUnavailable

    def subscriptions(self, uid: str) -> list[SubscriptionFacts]:
        """All that are known of a user. Raises StoreUnavailable."""
        return list(self._read(uid).subscriptions.values())

    def _read(self, uid: str) -> _Known:
        database, core = self._store.database, self._store.core
        key = schema.account(uid)
        row = database.get(get(core, key)) or self._create(uid)

        def rows(prefix: str) -> list[Row]:
            return database.query(query(core, key.pk, prefix, prefix + "~"))

        subscriptions = [stripe.read_subscription(found) for found in rows(schema.SUBSCRIPTION_PREFIX)]
        invoices = [stripe.read_invoice(found) for found in rows(schema.INVOICE_PREFIX)]
        return _Known(
            row=row,
            account=accounts.read_account(row),
            revision=integer(row, "srev"),
            subscriptions={facts.id: facts for facts in subscriptions},
            invoices={facts.id: facts for facts in invoices},
            windows=[(found, credits.read_window(found)) for found in rows(schema.WINDOW_PREFIX)],
        )

    def _create(self, uid: str) -> Row:
        """The account of a user who paid before their first request."""
        free = self._catalogue.free
        account = Account(uid, "", email_verified=False, plan=free.name, included=free.included)
        try:
            self._store.database.put(accounts.create(self._store.core, replace(account, created_at=int(self._clock()))))
        except ConditionFailed as failure:
            if failure.row is not None:
                return failure.row
        row = self._store.database.get(get(self._store.core, schema.account(uid)))
        if row is None:
            raise StoreUnavailable
        return row

    def _windows(self, uid: str, known: _Known, state: BillingState) -> list[Write]:
        """The writes to windows that follow from a state."""
        facts = state.subscription
        if facts is None:
            return []
        key = schema.window(uid, WindowKind.STRIPE, facts.period.start)
        row, window = next(((row, window) for row, window in known.windows if _key(row) == key), ({}, None))
        writes: list[Write] = []
        app = api = 0
        for other_row, other in self._replaced(known, facts):
            open_app, open_api = _open(other, Channel.APP), _open(other, Channel.API)
            app, api = app + other.app - open_app, api + other.api - open_api
            other_key = _key(other_row)
            if other.kind is WindowKind.MONTH:  # it goes on for whoever falls back to the free plan
                free = self._catalogue.free
                request = stripe.merge_month(self._store.core, other_key, other, free, app=open_app, api=open_api)
            else:
                request = stripe.merge_provisional(self._store.core, other_key, other)
            writes.append({"Update": request})
        for other_row, other in known.windows:
            reaches = other.period.start < facts.period.start < other.period.end
            if other.kind is WindowKind.STRIPE and other.sync_version and reaches:
                writes.append({"Update": stripe.end_window(self._store.core, _key(other_row), facts.period.start)})
        wanted = (facts.included, facts.period, state.hold, state.paid)
        if writes or window is None or not window.sync_version or wanted != _marks(row, window):
            version = max(facts.version, (window.sync_version if window else 0) + 1)
            request = stripe.sync_stripe_window(
                self._store.core,
                key,
                period=facts.period,
                included=facts.included,
                version=version,
                paid=state.paid,
                hold=state.hold,
                app=app,
                api=api,
            )
            writes.append({"Update": request})
        return writes

    def _replaced(self, known: _Known, facts: SubscriptionFacts) -> list[tuple[Row, Window]]:
        """Windows whose use counts in Stripe's from now on: provisional ones that overlap it, and the operator's month.

        The month counts only for an account that had this very plan before its first dates of Stripe.
        """
        account = known.account
        begun = any(each.has_begun for each in known.subscriptions.values())
        had_the_plan = account.subscription is None and not begun and account.plan == facts.plan
        month = month_period(int(self._clock()))
        found = []
        for row, window in known.windows:
            if window.kind is WindowKind.STRIPE:
                other_start = window.period.start != facts.period.start
                counts = not window.sync_version and other_start and window.period.overlaps(facts.period)
            else:
                counts = had_the_plan and window.period == month
            if counts and "merged" not in row:
                found.append((row, window))
        return found


def _differs(account: Account, state: BillingState) -> bool:
    """Whether an account is not yet what a state says."""
    facts, now = state.subscription, account.subscription
    if facts is None or now is None:
        return (facts is None) != (now is None)
    is_now = Subscription(
        id=facts.id,
        status=facts.status,
        period=facts.period,
        anchor=facts.anchor,
        interval=facts.interval,
        interval_count=facts.interval_count,
        cancel_at_end=facts.cancel_at_end,
        grace_until=state.grace_until,
    )
    return now != is_now or (account.plan, account.included) != (facts.plan, facts.included)


def _marks(row: Row, window: Window) -> tuple[int, Period, bool, bool]:
    return window.included, window.period, window.hold, row.get("paid") is True


def _key(row: Row) -> Key:
    return Key(str(row["pk"]), str(row["sk"]))


def _open(window: Window, channel: Channel) -> int:
    """Credits of reservations that are not committed: they stay with their window."""
    return sum(COST for reservation in window.reservations if reservation.channel is channel)
