"""Credits: reservations, windows and accounts as they are stored, without the storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from rmbg.domain.calendar import Interval, Period

COST: Final = 1  # credits a picture


class Channel(StrEnum):
    """How a caller identified itself, and so which counter its pictures raise."""

    APP = "app"  # user token
    API = "api"  # API key


class Bucket(StrEnum):
    """Where the credit of a picture comes from."""

    INCLUDED = "included"
    PREPAID = "prepaid"


@dataclass(frozen=True, slots=True)
class Reservation:
    """A credit taken for a picture that is not finished: a lease, void once `expires_at` (epoch seconds) is past."""

    id: str
    expires_at: int
    channel: Channel
    month: str  # yyyymm

    @property
    def text(self) -> str:
        """As stored: `expires|channel|yyyymm`."""
        return f"{self.expires_at}|{self.channel}|{self.month}"

    @property
    def month_counter(self) -> str:
        """The name of the month's counter that it raised."""
        return f"m{self.month}_{self.channel}"

    @classmethod
    def parse(cls, reservation_id: str, text: str) -> "Reservation":
        expires_at, channel, month = text.split("|")
        return cls(reservation_id, int(expires_at), Channel(channel), month)


class WindowKind(StrEnum):
    """What a billing window follows: Stripe's period or the UTC calendar month."""

    STRIPE = "S"
    MONTH = "M"


@dataclass(frozen=True, slots=True)
class Window:
    """The included credits of one account in one billing period."""

    kind: WindowKind
    period: Period
    included: int
    used: int = 0
    remaining: int = 0
    app: int = 0
    api: int = 0
    months: Mapping[str, int] = field(default_factory=dict)  # m202611_app and the like
    in_flight: int = 0
    sync_version: int = 0
    hold: bool = False
    merged: bool = False  # what was used in it counts in another one
    reservations: tuple[Reservation, ...] = ()

    def without(self, expired: Reservation) -> "Window":
        """As it will be once a reservation is given back."""
        months = dict(self.months)
        months[expired.month_counter] = months.get(expired.month_counter, 0) - COST
        return replace(
            self,
            used=self.used - COST,
            remaining=self.remaining + COST,
            app=self.app - (COST if expired.channel is Channel.APP else 0),
            api=self.api - (COST if expired.channel is Channel.API else 0),
            months=months,
            in_flight=self.in_flight - 1,
            reservations=tuple(kept for kept in self.reservations if kept.id != expired.id),
        )


class SubscriptionStatus(StrEnum):
    """Stripe's states of a subscription."""

    TRIALING = "trialing"
    ACTIVE = "active"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    UNPAID = "unpaid"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the account knows of its subscription: Stripe's current period, and how it will go on."""

    id: str
    status: SubscriptionStatus
    period: Period
    anchor: int
    interval: Interval
    interval_count: int
    cancel_at_end: bool = False
    grace_until: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A live key, as its owner sees it. `last_used_on` is a UTC day, `yyyy-mm-dd`, or empty."""

    id: str
    start: str
    created_at: int
    last_used_on: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the service."""

    uid: str
    email: str
    email_verified: bool
    plan: str
    included: int
    suspended: bool = False
    prepaid: int = 0  # signed: below 0 is a debt
    in_flight: int = 0  # pictures paid by prepaid credits
    sync_version: int = 0
    subscription: Subscription | None = None
    keys: tuple[ApiKey, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    created_at: int = 0

    def key(self, key_id: str) -> ApiKey | None:
        """A live key; None once it is revoked."""
        return next((key for key in self.keys if key.id == key_id), None)


def expired(reservations: tuple[Reservation, ...], now: int) -> tuple[Reservation, ...]:
    """The leases that are over at `now`."""
    return tuple(reservation for reservation in reservations if reservation.expires_at <= now)
