"""A purchase of prepaid credits, with everything that was heard of it, and what it is worth now.

Facts are only ever merged, never undone, and what it is worth follows from them alone: so events may come in any order,
and as often as they like.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Dispute(StrEnum):
    """Where a dispute stands. An inquiry (`warning_*`) is none."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Purchase:
    """Amounts in the currency's smallest unit. `applied` is what the account has got of it so far, in credits.

    `refunded` is cumulative, as it was at `refund_version`, without those refunds that had come back by then;
    `failed_refunds` are amounts that came back and when, by the refunds' ids. Instants in milliseconds.
    """

    credits: int = 0
    amount: int = 0
    refunded: int = 0
    refund_version: int = -1
    failed_refunds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    disputes: Mapping[str, Dispute] = field(default_factory=dict)
    applied: int = 0
    revision: int = 0

    @property
    def worth(self) -> int:
        """Credits that the account should have of it: none before it is paid, less what was clawed back."""
        return self.credits - self.clawed

    @property
    def clawed(self) -> int:
        """ceil(credits x refunded / amount), everything while a dispute is open or once it is lost; never more."""
        if any(state is not Dispute.WON for state in self.disputes.values()):
            return self.credits
        came_back = sum(amount for amount, at in self.failed_refunds.values() if at >= self.refund_version)
        refunded = max(0, self.refunded - came_back)
        if not refunded:
            return 0
        if self.amount <= 0:
            return self.credits
        return min(self.credits, -(-self.credits * refunded // self.amount))

    def paid(self, credits: int, amount: int) -> "Purchase":
        """The pack was paid."""
        return replace(self, credits=credits, amount=amount or self.amount)

    def with_refunded(self, refunded: int, amount: int, version: int, *, exact: bool) -> "Purchase":
        """What was refunded in all, at an instant; of one instant the most. `exact`: asked of Stripe just now."""
        known = replace(self, amount=self.amount or amount)
        if exact:
            if version < self.refund_version:
                return known
            return replace(known, refunded=refunded, refund_version=version, failed_refunds={})
        if version == self.refund_version:
            return replace(known, refunded=max(self.refunded, refunded))
        if version < self.refund_version:
            return known
        return replace(known, refunded=refunded, refund_version=version)

    def with_failed_refund(self, refund_id: str, amount: int, at: int) -> "Purchase":
        """A refund came back: once, however often it is told."""
        first = min(at, self.failed_refunds.get(refund_id, (amount, at))[1])
        return replace(self, failed_refunds={**self.failed_refunds, refund_id: (amount, first)})

    def with_dispute(self, dispute_id: str, state: Dispute) -> "Purchase":
        """A dispute that is closed stays closed."""
        if self.disputes.get(dispute_id, Dispute.OPEN) is not Dispute.OPEN:
            return self
        return replace(self, disputes={**self.disputes, dispute_id: state})
