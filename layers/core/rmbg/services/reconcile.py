"""Compare every customer with Stripe, and repair what differs: for events that never came."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rmbg.domain.identifiers import is_user_id
from rmbg.domain.plans import Catalogue
from rmbg.domain.stripe_objects import NotUnderstood, metadata_user, read_subscription
from rmbg.services.sync_subscription import HeardSubscription, SyncSubscriptions
from rmbg.storage import accounts, schema, stripe
from rmbg.storage.credits import text
from rmbg.storage.expressions import get
from rmbg.storage.store import Store


class StripeCustomers(Protocol):
    """Stripe's subscriptions as they are now."""

    def subscriptions(self, customer: str) -> list[Mapping[str, Any]]:
        """All of a customer, those that are over included."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Users that were looked at, those whose account was not what Stripe says, and what was not understood."""

    checked: int
    repaired: tuple[str, ...]
    not_understood: tuple[str, ...]


class Reconcile:
    """`clock` gives seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        customers: StripeCustomers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._customers = customers
        self._clock = clock
        self._sync = SyncSubscriptions(store, catalogue, clock)

    def run(self) -> Reconciled:
        """Look at all customers. Raises StoreUnavailable and StripeUnavailable; what was repaired stays repaired."""
        repaired, not_understood = [], []
        rows = self._store.database.scan(stripe.all_customers(self._store.core))
        for row in rows:
            customer, uid = text(row, "pk").removeprefix(schema.CUSTOMER_PREFIX), text(row, "uid")
            heard: dict[str, list[HeardSubscription]] = {}
            version = int(self._clock() * 1000)
            for subscription in self._customers.subscriptions(customer):
                try:
                    facts = read_subscription(subscription, self._catalogue, version)
                except NotUnderstood as error:
                    not_understood.append(f"{subscription.get('id')}: {error}")
                else:
                    own = metadata_user(subscription)  # whose it says that it is, as events are understood
                    heard.setdefault(own if is_user_id(own) else uid, []).append(HeardSubscription(facts, fetched=True))
            for user, subscriptions in heard.items():
                before = self._account(user)
                self._sync.hear(user, subscriptions)
                if self._account(user) != before:
                    repaired.append(user)
        return Reconciled(len(rows), tuple(repaired), tuple(not_understood))

    def _account(self, uid: str) -> object:
        """What Stripe decides of an account."""
        row = self._store.database.get(get(self._store.core, schema.account(uid)))
        if row is None:
            return None
        account = accounts.read_account(row)
        return account.plan, account.included, account.subscription
