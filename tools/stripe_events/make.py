"""Stripe's objects and events: pure functions, in the two shapes that matter here.

Only what a reader of an event could look at is filled in; what would be null for everybody is there where Stripe's own
objects have it. A field that one shape has not is absent in it.

    subscription("sub_1", customer="cus_1", price="price_1", period=(start, end), user="usr_1")
    event("evt_1", "customer.subscription.updated", after, created=now, previous_attributes=changes(before, after))
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, Literal, Self

Object = dict[str, Any]
Period = tuple[int, int]  # [start, end) in seconds since the epoch

USER_METADATA: Final = "rmbg_user_id"
PACK_METADATA: Final = "rmbg_pack"

_PERIODS_ON_ITEMS_SINCE: Final = "2025-03-31"
_EMPTY: Final[Mapping[str, str]] = {}


class Shape(Enum):
    """How objects are laid out; the value is an API version that does it so."""

    CURRENT = "2026-10-28.endive"
    BEFORE_2025_03_31 = "2024-06-20"

    @classmethod
    def of(cls, api_version: str) -> Self:
        """The shape of an API version, `yyyy-mm-dd` with or without a name. Raises ValueError."""
        datetime.strptime(api_version[:10], "%Y-%m-%d").replace(tzinfo=UTC)
        return cls.CURRENT if api_version[:10] >= _PERIODS_ON_ITEMS_SINCE else cls.BEFORE_2025_03_31

    @property
    def is_current(self) -> bool:
        return self is Shape.CURRENT


@dataclass(frozen=True, slots=True)
class Price:
    """A price of a plan, or of a pack (`interval` is None). `amount` is in cents."""

    id: str
    amount: int = 4900
    interval: Literal["day", "week", "month", "year"] | None = "month"
    interval_count: int = 1
    currency: str = "usd"
    created: int = 1_767_225_600

    @property
    def product(self) -> str:
        return f"prod_{self.id.removeprefix('price_')}"


def event(
    event_id: str,
    event_type: str,
    subject: Object,
    *,
    created: int,
    previous_attributes: Object | None = None,
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
    api_version: str | None = None,
    request_id: str | None = None,
) -> Object:
    """An event about an object, which it holds (and does not copy)."""
    data: Object = {"object": subject}
    if previous_attributes is not None:
        data["previous_attributes"] = previous_attributes
    return {
        "id": event_id,
        "object": "event",
        "api_version": api_version or shape.value,
        "created": created,
        "data": data,
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": request_id, "idempotency_key": None},
        "type": event_type,
    }


def thin_event(
    event_id: str,
    event_type: str,
    *,
    created: int,
    related: tuple[str, str],
    livemode: bool = False,
    snapshot_event: str | None = None,
) -> Object:
    """An event of API v2, which names its object and does not hold it. `related` is the object's type and id."""
    kind, object_id = related
    return {
        "id": event_id,
        "object": "v2.core.event",
        "type": event_type,
        "livemode": livemode,
        "created": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "context": None,
        "reason": None,
        "related_object": {"id": object_id, "type": kind, "url": f"/v1/{_COLLECTIONS[kind]}/{object_id}"},
        "snapshot_event": snapshot_event,
    }


def subscription(  # noqa: PLR0913 - its fields, given by name
    subscription_id: str,
    *,
    customer: str,
    price: Price | str,
    period: Period,
    user: str | None = None,
    status: str = "active",
    created: int | None = None,
    anchor: int | None = None,
    trial: Period | None = None,
    cancel_at_period_end: bool = False,
    cancel_at: int | None = None,
    canceled_at: int | None = None,
    ended_at: int | None = None,
    paused_at: int | None = None,
    pending_update: Object | None = None,
    items: Sequence[Object] | None = None,
    latest_invoice: str | None = None,
    quantity: int = 1,
    metadata: Mapping[str, str] = _EMPTY,
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """A subscription to one price, or to those of `items` (see `subscription_item`).

    `created` and `anchor` are the period's start if they are not given; `user` goes into the metadata.
    """
    start, end = period
    born = start if created is None else created
    price = _price(price)
    if items is None:
        items = [
            subscription_item(
                f"si_{subscription_id.removeprefix('sub_')}",
                subscription=subscription_id,
                price=price,
                period=period,
                created=born,
                quantity=quantity,
                livemode=livemode,
                shape=shape,
            )
        ]
    subject: Object = {
        "id": subscription_id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": _automatic_tax(shape),
        "billing_cycle_anchor": start if anchor is None else anchor,
        "billing_cycle_anchor_config": None,
        "billing_thresholds": None,
        "cancel_at": end if cancel_at_period_end and cancel_at is None else cancel_at,
        "cancel_at_period_end": cancel_at_period_end,
        "canceled_at": canceled_at,
        "cancellation_details": {
            "comment": None,
            "feedback": None,
            "reason": None if canceled_at is None else "cancellation_requested",
        },
        "collection_method": "charge_automatically",
        "created": born,
        "currency": price.currency,
        "customer": customer,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": ended_at,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": _list(items, f"/v1/subscription_items?subscription={subscription_id}", total=True),
        "latest_invoice": latest_invoice,
        "livemode": livemode,
        "metadata": _metadata(user, metadata),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "on_subscription",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": pending_update,
        "schedule": None,
        "start_date": born,
        "status": status,
        "test_clock": None,
        "transfer_data": None,
        "trial_end": trial[1] if trial else None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": trial[0] if trial else None,
    }
    if shape.is_current:
        subject["billing_mode"] = {"flexible": {"proration_discounts": "included"}, "type": "flexible"}
        subject["billing_schedules"] = []
        subject["customer_account"] = None
        subject["status_details"] = None if paused_at is None else _paused(paused_at)
    else:
        subject["current_period_end"] = end
        subject["current_period_start"] = start
        subject["discount"] = None
    return subject


def subscription_item(
    item_id: str,
    *,
    subscription: str,
    price: Price | str,
    period: Period,
    created: int | None = None,
    quantity: int = 1,
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """One of a subscription's items."""
    start, end = period
    price = _price(price)
    item: Object = {
        "id": item_id,
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": start if created is None else created,
        "discounts": [],
        "metadata": {},
        "plan": _plan_object(price, livemode),
        "price": price_object(price, livemode=livemode),
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }
    if shape.is_current:
        item["current_period_end"] = end
        item["current_period_start"] = start
    return item


def pending_update(items: Sequence[Object], *, expires_at: int) -> Object:
    """A change of a subscription that waits for its payment."""
    return {
        "billing_cycle_anchor": None,
        "expires_at": expires_at,
        "subscription_items": list(items),
        "trial_end": None,
        "trial_from_plan": None,
    }


def invoice(  # noqa: PLR0913 - its fields, given by name
    invoice_id: str,
    *,
    customer: str,
    subscription: str | None,
    price: Price | str,
    period: Period,
    user: str | None = None,
    status: str = "paid",
    billing_reason: str = "subscription_cycle",
    created: int | None = None,
    amount: int | None = None,
    invoice_period: Period | None = None,
    attempt_count: int = 1,
    next_payment_attempt: int | None = None,
    changed_at: int | None = None,
    lines: Sequence[Object] | None = None,
    payment_intent: str | None = None,
    charge: str | None = None,
    metadata: Mapping[str, str] = _EMPTY,
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """An invoice of a subscription for one period of a price, or for `lines` (see `invoice_line`).

    `period` is the line's: the period that is paid for. The invoice's own `period_start` and `period_end` are those of
    `invoice_period`, for a renewal the period before. `changed_at` is when it came to its status. `payment_intent` and
    `charge` stand on an invoice in the older shape alone.
    """
    born = period[0] if created is None else created
    changed = born if changed_at is None else changed_at
    price = _price(price)
    due = price.amount if amount is None else amount
    paid = due if status == "paid" else 0
    if lines is None:
        lines = [
            invoice_line(
                f"il_{invoice_id.removeprefix('in_')}",
                invoice=invoice_id,
                subscription=subscription,
                price=price,
                period=period,
                amount=due,
                user=user,
                livemode=livemode,
                shape=shape,
            )
        ]
    own_start, own_end = invoice_period or (born, born)
    subject: Object = {
        "id": invoice_id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Example",
        "account_tax_ids": None,
        "amount_due": due,
        "amount_paid": paid,
        "amount_remaining": due - paid,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": attempt_count,
        "attempted": attempt_count > 0,
        "auto_advance": status == "open",
        "automatic_tax": {**_automatic_tax(shape), "status": None},
        "billing_reason": billing_reason,
        "collection_method": "charge_automatically",
        "created": born,
        "currency": price.currency,
        "custom_fields": None,
        "customer": customer,
        "customer_address": None,
        "customer_email": "demo@example.com",
        "customer_name": None,
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": born,
        "ending_balance": 0,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": f"https://invoice.example.com/{invoice_id}",
        "invoice_pdf": f"https://invoice.example.com/{invoice_id}/pdf",
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": _list(lines, f"/v1/invoices/{invoice_id}/lines", total=True),
        "livemode": livemode,
        "metadata": dict(metadata),
        "next_payment_attempt": next_payment_attempt,
        "number": f"SAMPLE-{invoice_id.removeprefix('in_').upper()}",
        "on_behalf_of": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": own_end,
        "period_start": own_start,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": status,
        "status_transitions": {
            "finalized_at": born,
            "marked_uncollectible_at": changed if status == "uncollectible" else None,
            "paid_at": changed if status == "paid" else None,
            "voided_at": changed if status == "void" else None,
        },
        "subtotal": due,
        "subtotal_excluding_tax": due,
        "test_clock": None,
        "total": due,
        "total_discount_amounts": [],
        "total_excluding_tax": due,
        "webhooks_delivered_at": born,
    }
    details = {"metadata": _metadata(user, _EMPTY)}
    if shape.is_current:
        subject["amount_overpaid"] = 0
        subject["customer_account"] = None
        subject["parent"] = subscription and {
            "quote_details": None,
            "subscription_details": {**details, "subscription": subscription},
            "type": "subscription_details",
        }
        subject["total_pretax_credit_amounts"] = []
        subject["total_taxes"] = []
    else:
        subject["application_fee_amount"] = None
        subject["charge"] = charge
        subject["discount"] = None
        subject["paid"] = status == "paid"
        subject["paid_out_of_band"] = False
        subject["payment_intent"] = payment_intent
        subject["quote"] = None
        subject["subscription"] = subscription
        subject["subscription_details"] = details if subscription else None
        subject["tax"] = None
        subject["total_tax_amounts"] = []
        subject["transfer_data"] = None
    return subject


def invoice_line(
    line_id: str,
    *,
    invoice: str,
    subscription: str | None,
    price: Price | str,
    period: Period,
    amount: int | None = None,
    proration: bool = False,
    user: str | None = None,
    subscription_item: str | None = None,
    quantity: int = 1,
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """A line for a subscription's item: its period, or with `proration` what a change within it costs or gives back."""
    price = _price(price)
    cost = price.amount * quantity if amount is None else amount
    item = subscription_item or (subscription and f"si_{subscription.removeprefix('sub_')}")
    invoice_item = f"ii_{line_id.removeprefix('il_')}" if proration or not subscription else None
    line: Object = {
        "id": line_id,
        "object": "line_item",
        "amount": cost,
        "currency": price.currency,
        "description": f"{quantity} x {price.id}",
        "discount_amounts": [],
        "discountable": not proration,
        "discounts": [],
        "invoice": invoice,
        "livemode": livemode,
        "metadata": _metadata(user, _EMPTY),
        "period": {"end": period[1], "start": period[0]},
        "quantity": quantity,
    }
    if shape.is_current:
        line["parent"] = _line_parent(subscription, item, invoice_item, proration=proration)
        line["pretax_credit_amounts"] = []
        line["pricing"] = {
            "price_details": {"price": price.id, "product": price.product},
            "type": "price_details",
            "unit_amount_decimal": str(price.amount),
        }
        line["subscription"] = subscription
        line["subtotal"] = cost
        line["taxes"] = []
    else:
        line["amount_excluding_tax"] = cost
        if invoice_item:
            line["invoice_item"] = invoice_item
        line["plan"] = _plan_object(price, livemode) if price.interval else None
        line["price"] = price_object(price, livemode=livemode)
        line["proration"] = proration
        line["proration_details"] = {"credited_items": None}
        line["subscription"] = subscription
        if item:
            line["subscription_item"] = item
        line["tax_amounts"] = []
        line["tax_rates"] = []
        line["type"] = "invoiceitem" if invoice_item else "subscription"
        line["unit_amount_excluding_tax"] = str(price.amount)
    return line


def checkout_session(  # noqa: PLR0913 - its fields, given by name
    session_id: str,
    *,
    customer: str | None,
    mode: str = "payment",
    user: str | None = None,
    reference: str | None = None,
    pack: str | None = None,
    amount: int | None = None,
    status: str = "complete",
    payment_status: str = "paid",
    payment_intent: str | None = None,
    subscription: str | None = None,
    invoice: str | None = None,
    created: int,
    line_items: Sequence[Price | str] | None = None,
    metadata: Mapping[str, str] = _EMPTY,
    currency: str = "usd",
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """A Checkout session. `user` and `pack` go into the metadata, `reference` into `client_reference_id`.

    Line items are not in a webhook: give them for what a request with `expand[]=line_items` would get.
    """
    given = _metadata(user, metadata)
    if pack is not None:
        given[PACK_METADATA] = pack
    subject: Object = {
        "id": session_id,
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": "https://example.com/cancelled",
        "client_reference_id": reference,
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": customer,
        "customer_creation": "if_required" if mode == "payment" and customer is None else None,
        "customer_details": {
            "address": None,
            "email": "demo@example.com",
            "name": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": None,
        "expires_at": created + 86_400,
        "invoice": invoice,
        "invoice_creation": None,
        "livemode": livemode,
        "locale": None,
        "metadata": given,
        "mode": mode,
        "payment_intent": payment_intent,
        "payment_link": None,
        "payment_method_collection": "if_required" if mode == "payment" else "always",
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": status,
        "submit_type": None,
        "subscription": subscription,
        "success_url": "https://example.com/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page" if shape.is_current else "hosted",
        "url": None,
    }
    if shape.is_current:
        subject["adaptive_pricing"] = {"enabled": False}
        subject["collected_information"] = None
        subject["customer_account"] = None
        subject["discounts"] = []
        subject["origin_context"] = None
        subject["permissions"] = None
        subject["wallet_options"] = None
    else:
        subject["shipping_details"] = None
    if line_items is not None:
        bought = [_session_line(session_id, number, _price(it), livemode) for number, it in enumerate(line_items, 1)]
        subject["line_items"] = _list(bought, f"/v1/checkout/sessions/{session_id}/line_items")
    return subject


def charge(  # noqa: PLR0913 - its fields, given by name
    charge_id: str,
    *,
    customer: str | None,
    amount: int,
    created: int,
    amount_refunded: int = 0,
    payment_intent: str | None = None,
    invoice: str | None = None,
    disputed: bool = False,
    status: str = "succeeded",
    user: str | None = None,
    pack: str | None = None,
    metadata: Mapping[str, str] = _EMPTY,
    currency: str = "usd",
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """A charge. `amount_refunded` is cumulative; `invoice` stands on a charge in the older shape alone.

    A charge's metadata are those of its payment intent: a Checkout session's are not copied there.
    """
    given = _metadata(user, metadata)
    if pack is not None:
        given[PACK_METADATA] = pack
    subject: Object = {
        "id": charge_id,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": amount_refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": f"txn_{charge_id.removeprefix('ch_')}",
        "billing_details": {"address": None, "email": "demo@example.com", "name": None, "phone": None},
        "calculated_statement_descriptor": "EXAMPLE",
        "captured": True,
        "created": created,
        "currency": currency,
        "customer": customer,
        "description": None,
        "disputed": disputed,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": livemode,
        "metadata": given,
        "on_behalf_of": None,
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": status == "succeeded",
        "payment_intent": payment_intent,
        "payment_method": f"pm_{charge_id.removeprefix('ch_')}",
        "payment_method_details": {
            "card": {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2030, "last4": "4242"},
            "type": "card",
        },
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": f"https://receipt.example.com/{charge_id}",
        "refunded": amount_refunded >= amount,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }
    if not shape.is_current:
        subject["invoice"] = invoice
    return subject


def refund(
    refund_id: str,
    *,
    charge: str,
    amount: int,
    created: int,
    payment_intent: str | None = None,
    customer: str | None = None,
    status: str = "succeeded",
    failure_reason: str | None = None,
    reason: str | None = "requested_by_customer",
    metadata: Mapping[str, str] = _EMPTY,
    currency: str = "usd",
    shape: Shape = Shape.CURRENT,
) -> Object:
    """One refund of a charge. A failed one has a reason, `unknown` if none is given."""
    failed = status == "failed"
    subject: Object = {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": f"txn_{refund_id}",
        "charge": charge,
        "created": created,
        "currency": currency,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": dict(metadata),
        "payment_intent": payment_intent,
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if failed:
        subject["failure_balance_transaction"] = f"txn_{refund_id}_failed"
        subject["failure_reason"] = failure_reason or "unknown"
    if shape.is_current:
        subject["customer"] = customer
    return subject


def dispute(
    dispute_id: str,
    *,
    charge: str,
    amount: int,
    created: int,
    payment_intent: str | None = None,
    status: str = "needs_response",
    reason: str = "fraudulent",
    funds_withdrawn: bool = True,
    metadata: Mapping[str, str] = _EMPTY,
    currency: str = "usd",
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """A dispute, or an inquiry (status `warning_*`), which withdraws nothing. When it is `won` the money is back."""
    inquiry = status.startswith("warning_")
    movements = [] if inquiry or not funds_withdrawn else [-amount, amount] if status == "won" else [-amount]
    moved = [_dispute_movement(dispute_id, charge, it, created, currency) for it in movements]
    subject: Object = {
        "id": dispute_id,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": moved,
        "charge": charge,
        "created": created,
        "currency": currency,
        "evidence": {},
        "evidence_details": {
            "due_by": created + 9 * 86_400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": livemode,
        "metadata": dict(metadata),
        "network_reason_code": "10.4",
        "payment_intent": payment_intent,
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
    }
    if shape.is_current:
        subject["enhanced_eligibility_types"] = []
    return subject


def customer(
    customer_id: str,
    *,
    created: int,
    user: str | None = None,
    email: str | None = "demo@example.com",
    metadata: Mapping[str, str] = _EMPTY,
    livemode: bool = False,
    shape: Shape = Shape.CURRENT,
) -> Object:
    """A customer. The event of its deletion holds it as it was."""
    subject: Object = {
        "id": customer_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": "usd",
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": email,
        "invoice_prefix": "SAMPLE",
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": livemode,
        "metadata": _metadata(user, metadata),
        "name": None,
        "next_invoice_sequence": 2,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    if shape.is_current:
        subject["customer_account"] = None
    return subject


def price_object(price: Price | str, *, livemode: bool = False) -> Object:
    """A price as the API answers it, and as it stands on items."""
    price = _price(price)
    return {
        "id": price.id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": price.created,
        "currency": price.currency,
        "custom_unit_amount": None,
        "livemode": livemode,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": price.product,
        "recurring": price.interval
        and {
            "interval": price.interval,
            "interval_count": price.interval_count,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if price.interval else "one_time",
        "unit_amount": price.amount,
        "unit_amount_decimal": str(price.amount),
    }


def changes(before: Object, after: Object) -> Object:
    """`previous_attributes`: what was otherwise before; of an object its changed fields, of a list all of it."""
    previous: Object = {}
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        previous[name] = changes(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return previous


_COLLECTIONS: Final = {
    "charge": "charges",
    "checkout.session": "checkout/sessions",
    "customer": "customers",
    "dispute": "disputes",
    "invoice": "invoices",
    "refund": "refunds",
    "subscription": "subscriptions",
}


def _price(price: Price | str) -> Price:
    return price if isinstance(price, Price) else Price(price)


def _plan_object(price: Price, livemode: bool) -> Object:
    """The price as Stripe still shows it on items, under the name that it had before prices."""
    return {
        "id": price.id,
        "object": "plan",
        "active": True,
        "amount": price.amount,
        "amount_decimal": str(price.amount),
        "billing_scheme": "per_unit",
        "created": price.created,
        "currency": price.currency,
        "interval": price.interval,
        "interval_count": price.interval_count,
        "livemode": livemode,
        "metadata": {},
        "meter": None,
        "nickname": None,
        "product": price.product,
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _line_parent(subscription: str | None, item: str | None, invoice_item: str | None, *, proration: bool) -> Object:
    details: Object = {
        "invoice_item": invoice_item,
        "proration": proration,
        "proration_details": {"credited_items": None},
        "subscription": subscription,
    }
    if subscription is None:
        return {
            "invoice_item_details": details,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return {
        "invoice_item_details": None,
        "subscription_item_details": {**details, "subscription_item": item},
        "type": "subscription_item_details",
    }


def _session_line(session_id: str, number: int, price: Price, livemode: bool) -> Object:
    return {
        "id": f"li_{session_id.removeprefix('cs_')}_{number}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": price.amount,
        "amount_tax": 0,
        "amount_total": price.amount,
        "currency": price.currency,
        "description": price.id,
        "price": price_object(price, livemode=livemode),
        "quantity": 1,
    }


def _dispute_movement(dispute_id: str, charge: str, amount: int, created: int, currency: str) -> Object:
    return {
        "id": f"txn_{dispute_id}_{'withdrawn' if amount < 0 else 'back'}",
        "object": "balance_transaction",
        "amount": amount,
        "created": created,
        "currency": currency,
        "net": amount,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": dispute_id,
        "status": "pending",
        "type": "adjustment",
        "description": f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {charge}",
    }


def _paused(paused_at: int) -> Object:
    return {
        "paused": {
            "subscription": {"type": "trial_end_without_payment_method"},
            "transitioned_at": paused_at,
            "type": "subscription",
        }
    }


def _automatic_tax(shape: Shape) -> Object:
    tax: Object = {"enabled": False, "liability": None}
    if shape.is_current:
        tax["disabled_reason"] = None
    return tax


def _metadata(user: str | None, more: Mapping[str, str]) -> dict[str, str]:
    return dict(more) if user is None else {USER_METADATA: user, **more}


def _list(data: Iterable[Object], url: str, *, total: bool = False) -> Object:
    items = list(data)
    listed: Object = {"object": "list", "data": items, "has_more": False, "url": url}
    if total:
        listed["total_count"] = len(items)
    return listed
