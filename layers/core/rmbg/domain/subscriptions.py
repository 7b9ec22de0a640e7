"""An account's standing with Stripe, derived from the facts alone: its subscriptions and their invoices.

Facts are merged, the state follows from them: so it does not matter in which order they were heard.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from rmbg.domain.calendar import DAY_SECONDS
from rmbg.domain.stripe_objects import SubscriptionFacts, preferred

GRACE_SECONDS: Final = 3 * DAY_SECONDS
_FOR_A_PERIOD: Final = frozenset({"subscription_create", "subscription_cycle"})


class InvoiceState(StrEnum):
    """What became of an invoice; a later one in this list wins over an earlier."""

    OPEN = "open"
    WRITTEN_OFF = "written_off"  # voided or uncollectible
    PAID = "paid"


_RANKS: Final = {state: rank for rank, state in enumerate(InvoiceState)}


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """What was heard of an invoice of a subscription. `failed_at`: the first failure of a payment, 0 for none."""

    id: str
    subscription: str
    state: InvoiceState
    period_start: int = 0
    reason: str = ""
    failed_at: int = 0

    def merged(self, other: "InvoiceFacts") -> "InvoiceFacts":
        """Both together, whichever was first."""
        failures = [instant for instant in (self.failed_at, other.failed_at) if instant]
        return replace(
            self,
            state=max(self.state, other.state, key=lambda state: _RANKS[state]),
            period_start=self.period_start or other.period_start,
            reason=self.reason or other.reason,
            failed_at=min(failures, default=0),
        )


@dataclass(frozen=True, slots=True)
class BillingState:
    """What follows: the subscription that counts, until when a failed payment is borne, and its window's marks."""

    subscription: SubscriptionFacts | None
    grace_until: int | None = None
    paid: bool = False
    hold: bool = False


def newer(
    known: SubscriptionFacts | None, heard: SubscriptionFacts, *, fetched: bool, follows: bool = False
) -> SubscriptionFacts:
    """Of two states of one subscription the later.

    Fetched ones are ordered by the instant of the fetch. Payloads only by Stripe's seconds, many events in one: what is
    over stays over, a later period wins, then the later second; on a tie the one that says of itself that it `follows`
    the known one (its previous_attributes are those).
    """
    if known is None:
        return heard
    if known.is_over and not heard.is_over:
        return known
    if fetched:
        return heard if heard.version >= known.version else known
    if heard.is_over:
        return heard
    if heard.period.start != known.period.start:
        return heard if heard.period.start > known.period.start else known
    if heard.version == known.version:
        return heard if follows else known
    return heard if heard.version > known.version else known


def derive(subscriptions: Sequence[SubscriptionFacts], invoices: Sequence[InvoiceFacts]) -> BillingState:
    """The state that follows from all facts."""
    chosen = preferred(list(subscriptions))
    if chosen is None:
        return BillingState(None)
    own = [invoice for invoice in invoices if invoice.subscription == chosen.id]
    failures = [invoice.failed_at for invoice in own if invoice.state is InvoiceState.OPEN and invoice.failed_at]
    of_period = [invoice for invoice in own if invoice.period_start == chosen.period.start]
    paid = any(invoice.state is InvoiceState.PAID for invoice in of_period)
    written_off = any(
        invoice.state is InvoiceState.WRITTEN_OFF and invoice.reason in _FOR_A_PERIOD for invoice in of_period
    )
    return BillingState(
        chosen,
        grace_until=min(failures) + GRACE_SECONDS if failures else None,
        paid=paid,
        hold=written_off and not paid,
    )
