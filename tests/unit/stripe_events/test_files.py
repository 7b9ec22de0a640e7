"""events/stripe: what the script makes, one of each type, in both shapes."""

import json
from typing import Any

import pytest

from rmbg.config import load_catalogue
from tools.stripe_events.make import Object
from tools.stripe_events.scenario import FILES, TYPES, make_files

OLDER = "2024-06-20"
NAMES = {
    "checkout.session.completed",
    "checkout.session.completed.subscription",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.resumed",
    "customer.subscription.paused",
    "customer.subscription.deleted",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
    "customer.subscription.trial_will_end",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "charge.refunded",
    "refund.failed",
    "refund.updated",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
    "customer.deleted",
}
THIN = "v1.customer.subscription.updated"
SUBSCRIPTIONS = sorted(name for name in NAMES if name.startswith("customer.subscription."))
INVOICES = sorted(name for name in NAMES if name.startswith("invoice."))


def event(name: str) -> Object:
    document = json.loads((FILES / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def subject(name: str) -> Any:
    return event(name)["data"]["object"]


def strings(value: Any) -> list[str]:
    """Every text of a document, names included."""
    if isinstance(value, dict):
        return [text for name, it in value.items() for text in (name, *strings(it))]
    if isinstance(value, list):
        return [text for it in value for text in strings(it)]
    return [value] if isinstance(value, str) else []


def test_the_committed_events_are_what_the_script_makes() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FILES.iterdir()}
    assert committed == make_files(), "run: python -m tools.stripe_events.scenario"


def test_there_is_one_of_each_type_in_both_shapes() -> None:
    assert make_files().keys() == {
        f"{THIN}.json",
        *(f"{name}.json" for name in NAMES),
        *(f"{name}.{OLDER}.json" for name in NAMES),
    }
    assert set(TYPES) == {*NAMES, THIN} - {"checkout.session.completed.subscription"}


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize(("suffix", "version"), [("", "2026-10-28.endive"), (f".{OLDER}", OLDER)])
def test_an_event(name: str, suffix: str, version: str) -> None:
    document = event(f"{name}{suffix}")
    assert document["object"] == "event"
    assert document["type"] == name.removesuffix(".subscription")
    assert document["api_version"] == version
    assert document["livemode"] is False
    assert document["data"]["object"]["id"].endswith("_sample")


@pytest.mark.parametrize("name", sorted({*NAMES, *(f"{name}.{OLDER}" for name in NAMES), THIN}))
def test_nothing_in_them_is_anybodys(name: str) -> None:
    for text in strings(event(name)):
        assert "@" not in text or text == "demo@example.com"
        if "://" in text:
            assert text.split("/")[2].endswith("example.com")


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_the_period_of_a_subscription(name: str) -> None:
    current, older = subject(name), subject(f"{name}.{OLDER}")
    fields = ("current_period_start", "current_period_end")
    [item], [older_item] = current["items"]["data"], older["items"]["data"]
    assert [item[field] for field in fields] == [older[field] for field in fields]
    assert not any(field in current or field in older_item for field in fields)
    assert item["current_period_start"] < item["current_period_end"]


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_a_subscription_names_its_user_and_a_plan(name: str) -> None:
    catalogue = load_catalogue("")
    for document in (subject(name), subject(f"{name}.{OLDER}")):
        assert document["customer"] == "cus_sample"
        assert document["metadata"] == {"rmbg_user_id": "usr_sample"}
        [item] = document["items"]["data"]
        assert item["price"]["id"] == item["plan"]["id"]
        assert item["price"]["id"] in {plan.stripe_price for plan in catalogue.plans.values()}


def test_statuses_of_a_subscription() -> None:
    assert {name.rpartition(".")[2]: subject(name)["status"] for name in SUBSCRIPTIONS} == {
        "created": "active",
        "updated": "active",
        "resumed": "active",
        "paused": "paused",
        "deleted": "canceled",
        "pending_update_applied": "active",
        "pending_update_expired": "active",
        "trial_will_end": "trialing",
    }


@pytest.mark.parametrize("suffix", ["", f".{OLDER}"])
def test_what_an_update_changed(suffix: str) -> None:
    data = event(f"customer.subscription.updated{suffix}")["data"]
    [before], [after] = data["previous_attributes"]["items"]["data"], data["object"]["items"]["data"]
    assert data["previous_attributes"].keys() == {"items"}
    assert before.keys() == after.keys()  # of a list all is told
    assert (before["price"]["id"], after["price"]["id"]) == ("price_demo_month", "price_premium_20000_month")


@pytest.mark.parametrize("name", INVOICES)
def test_an_invoice(name: str) -> None:
    current, older = subject(name), subject(f"{name}.{OLDER}")
    details = current["parent"]["subscription_details"]
    assert details == {"metadata": {"rmbg_user_id": "usr_sample"}, "subscription": "sub_sample"}
    assert older["subscription"] == "sub_sample"
    assert older["subscription_details"]["metadata"] == details["metadata"]
    assert "parent" not in older
    assert not {"subscription", "subscription_details", "payment_intent", "charge", "paid"} & current.keys()
    [line], [older_line] = current["lines"]["data"], older["lines"]["data"]
    assert line["period"] == older_line["period"]
    assert line["period"]["start"] == current["period_end"] == older["period_end"]  # its own is the month before
    assert line["parent"]["subscription_item_details"]["subscription"] == "sub_sample"
    assert line["pricing"]["price_details"]["price"] == older_line["price"]["id"] == "price_premium_20000_month"
    assert not {"price", "plan", "proration", "type"} & line.keys()
    assert not {"parent", "pricing"} & older_line.keys()
    assert (older_line["proration"], older_line["type"]) == (False, "subscription")


def test_statuses_of_an_invoice() -> None:
    assert {name: (subject(name)["status"], subject(name)["amount_paid"] > 0) for name in INVOICES} == {
        "invoice.paid": ("paid", True),
        "invoice.payment_succeeded": ("paid", True),
        "invoice.payment_failed": ("open", False),
        "invoice.voided": ("void", False),
        "invoice.marked_uncollectible": ("uncollectible", False),
    }
    assert {subject(name)["billing_reason"] for name in INVOICES} == {"subscription_cycle"}


def test_sessions() -> None:
    prefix = "checkout.session."
    found = {
        name.removeprefix(prefix): tuple(subject(name)[field] for field in ("mode", "status", "payment_status"))
        for name in NAMES
        if name.startswith(prefix)
    }
    assert found == {
        "completed": ("payment", "complete", "paid"),
        "completed.subscription": ("subscription", "complete", "paid"),
        "async_payment_succeeded": ("payment", "complete", "paid"),
        "async_payment_failed": ("payment", "complete", "unpaid"),
        "expired": ("payment", "expired", "unpaid"),
    }
    bought, subscribed = subject(f"{prefix}completed"), subject(f"{prefix}completed.subscription")
    assert bought["metadata"] == {"rmbg_user_id": "usr_sample", "rmbg_pack": "pack_2000"}
    assert bought["metadata"]["rmbg_pack"] in load_catalogue("").packs
    assert (bought["payment_intent"], bought["subscription"]) == ("pi_sample", None)
    assert subscribed["metadata"] == {"rmbg_user_id": "usr_sample"}
    assert (subscribed["payment_intent"], subscribed["subscription"]) == (None, "sub_sample")
    assert {it["client_reference_id"] for it in (bought, subscribed)} == {"usr_sample"}
    assert "line_items" not in bought  # a webhook never has them


def test_what_is_refunded_and_disputed_is_the_pack() -> None:
    bought = subject("checkout.session.completed")
    refunded = event("charge.refunded")["data"]
    charge = refunded["object"]
    assert charge["payment_intent"] == bought["payment_intent"]
    assert (charge["amount"], charge["amount_refunded"]) == (bought["amount_total"], bought["amount_total"] // 3)
    assert refunded["previous_attributes"] == {"amount_refunded": 0}
    for name in ("refund.failed", "refund.updated"):
        refund = subject(name)
        assert (refund["charge"], refund["payment_intent"]) == (charge["id"], charge["payment_intent"])
        assert (refund["status"], refund["amount"]) == ("failed", charge["amount_refunded"])
    assert event("refund.updated")["data"]["previous_attributes"]["status"] == "pending"
    for name, status, moved in (
        ("created", "needs_response", []),
        ("funds_withdrawn", "needs_response", [-charge["amount"]]),
        ("closed", "lost", [-charge["amount"]]),
    ):
        dispute = subject(f"charge.dispute.{name}")
        assert (dispute["charge"], dispute["payment_intent"]) == (charge["id"], charge["payment_intent"])
        assert dispute["status"] == status
        assert [it["amount"] for it in dispute["balance_transactions"]] == moved


def test_a_thin_event_holds_no_object() -> None:
    document = event(THIN)
    assert document["object"] == "v2.core.event"
    assert document["created"].endswith("Z")
    assert "data" not in document
    assert document["related_object"] == {
        "id": "sub_sample",
        "type": "subscription",
        "url": "/v1/subscriptions/sub_sample",
    }
