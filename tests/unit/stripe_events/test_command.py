"""`make stripe-event`: its arguments, where it sends to, what it remembers, and what it says when it cannot."""

import io
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, Self

import pytest

from tests.infrastructure.conftest import ROOT
from tools.stripe_events.command import NAMES, STEPS, main
from tools.stripe_events.scenario import TYPES
from tools.stripe_events.sign import signature_header

SECRET = "whsec_of a running service"
BASE = "http://127.0.0.1:3000"
UPDATED = "customer.subscription.updated"


class Answer(io.BytesIO):
    status = 200

    def __enter__(self) -> Self:
        return self


@dataclass
class Service:
    """What arrives at the webhook."""

    state: Path
    requests: list[urllib.request.Request] = field(default_factory=list)
    failure: Exception | None = None

    def open(self, request: urllib.request.Request, timeout: float) -> Answer:
        assert timeout > 29
        if self.failure:
            raise self.failure
        self.requests.append(request)
        return Answer()

    def events(self) -> list[Any]:
        """Those that arrived since the last call."""
        bodies = [request.data for request in self.requests]
        self.requests.clear()
        return [json.loads(body) for body in bodies if isinstance(body, bytes)]

    def send(self, *arguments: str) -> list[Any]:
        """The objects that one command sends."""
        assert main(arguments) == 0
        return [event["data"]["object"] for event in self.events()]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Service:
    for name in (*NAMES, "CATALOGUE", "STRIPE_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    (tmp_path / "demo.env").write_text(f"BASE_URL={BASE}\nUSER_ID=usr_demo\nSTRIPE_WEBHOOK_SECRET='{SECRET}'\n")
    made = Service(tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", made.open)
    return made


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(arguments)
    output = capsys.readouterr()
    return status, output.out, output.err


# What arrives


def test_an_event_arrives_signed(service: Service) -> None:
    before = int(time.time())
    assert main(["TYPE=invoice.paid"]) == 0
    [request] = service.requests
    assert (request.full_url, request.get_method()) == (f"{BASE}/webhooks/stripe", "POST")
    assert request.get_header("Content-type") == "application/json; charset=utf-8"
    signature = request.get_header("Stripe-signature") or ""
    timestamp = int(signature.partition(",")[0].removeprefix("t="))
    assert before <= timestamp <= time.time()
    assert isinstance(request.data, bytes)
    assert signature == signature_header(request.data, SECRET, timestamp)
    [event] = service.events()
    assert event["type"] == "invoice.paid"
    assert before <= event["created"] <= time.time()


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("shape", ["2024-06-20", "2026-10-28.endive"])
def test_each_type_without_anything_else(service: Service, event_type: str, shape: str) -> None:
    assert main([f"TYPE={event_type}", f"SHAPE={shape}"]) == 0
    [event] = service.events()
    assert event["type"] == event_type
    assert event.get("api_version") == (None if event_type.startswith("v1.") else shape)


@pytest.mark.parametrize("step", STEPS)
def test_each_step_sends_what_it_says(service: Service, step: str) -> None:
    assert main([f"TYPE={step}"]) == 0
    events = service.events()
    assert ", ".join(event["type"] for event in events) == STEPS[step]
    assert len({event["id"] for event in events}) == len(events)


def test_what_is_given_is_said(service: Service) -> None:
    [made] = service.send(
        f"TYPE={UPDATED}",
        "CUSTOMER=cus_x",
        "USER=usr_x",
        "SUBSCRIPTION=sub_x",
        "PRICE=price_premium_20000_month",
        "INTERVAL=year",
        "STATUS=unpaid",
        "PERIOD_START=2026-11-01",
        "CANCEL_AT_PERIOD_END=true",
        "CREATED=2026-11-02T12:00:00",
    )
    [item] = made["items"]["data"]
    assert (made["customer"], made["metadata"], made["id"]) == ("cus_x", {"rmbg_user_id": "usr_x"}, "sub_x")
    assert (item["price"]["id"], item["price"]["recurring"]["interval"]) == ("price_premium_20000_month", "year")
    assert (made["status"], made["cancel_at_period_end"]) == ("unpaid", True)
    assert (item["current_period_start"], item["current_period_end"]) == (1_793_491_200, 1_793_491_200 + 365 * 86_400)
    assert made["canceled_at"] == 1_793_620_800


def test_a_purchase_s_and_an_invoice_s_amount(service: Service) -> None:
    [bought] = service.send("TYPE=buy", "PACK=pack_2000", "AMOUNT=1234")
    assert (bought["amount_total"], bought["metadata"]["rmbg_pack"]) == (1234, "pack_2000")
    [failed] = service.send("TYPE=invoice.payment_failed", "AMOUNT=77", "REASON=subscription_update")
    assert (failed["amount_due"], failed["billing_reason"]) == (77, "subscription_update")


@pytest.mark.parametrize("text", ["1793491200", "2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00"])
def test_a_time(service: Service, text: str) -> None:
    [made] = service.send(f"TYPE={UPDATED}", f"PERIOD_START={text}", "PERIOD_END=2026-11-08")
    [item] = made["items"]["data"]
    assert (item["current_period_start"], item["current_period_end"]) == (1_793_491_200, 1_794_096_000)


# What is remembered


def test_the_story(service: Service) -> None:
    created, session, first = service.send("TYPE=subscribe")
    renewed, second = service.send("TYPE=renew")
    [upgraded] = service.send("TYPE=upgrade")
    failed, past_due = service.send("TYPE=fail")
    paid, active = service.send("TYPE=pay")
    [bought] = service.send("TYPE=buy")
    part, whole = (service.send("TYPE=refund", *more)[0] for more in (["AMOUNT=300"], []))
    [cancelling] = service.send("TYPE=cancel")
    [ended] = service.send("TYPE=end")

    subscriptions = [created, renewed, upgraded, past_due, active, cancelling, ended]
    assert {it["id"] for it in subscriptions} == {session["subscription"]}
    assert {it["customer"] for it in (*subscriptions, session, first, bought, whole)} == {created["customer"]}
    assert {it["metadata"]["rmbg_user_id"] for it in (*subscriptions, session, bought)} == {"usr_demo"}
    assert [it["status"] for it in subscriptions] == [*["active"] * 3, "past_due", "active", "active", "canceled"]
    prices = [it["items"]["data"][0]["price"]["id"] for it in subscriptions]
    assert prices == [*["price_demo_month"] * 2, *["price_premium_20000_month"] * 5]
    starts = [it["items"]["data"][0]["current_period_start"] for it in subscriptions]
    assert starts[0] < starts[1]
    assert len(set(starts[1:])) == 1
    assert [it["billing_reason"] for it in (first, second)] == ["subscription_create", "subscription_cycle"]
    assert first["id"] != second["id"]
    assert failed["id"] == paid["id"]
    assert part["payment_intent"] == whole["payment_intent"] == bought["payment_intent"]
    assert (part["amount_refunded"], whole["amount_refunded"]) == (300, bought["amount_total"])
    assert cancelling["cancel_at_period_end"]

    [again, *_] = service.send("TYPE=subscribe")
    assert again["id"] != created["id"]
    assert again["customer"] == created["customer"]


def test_each_customer_has_a_story_of_its_own(service: Service) -> None:
    [other, *_] = service.send("TYPE=subscribe", "CUSTOMER=cus_other", "USER=usr_other")
    [demo, *_] = service.send("TYPE=subscribe")
    assert demo["customer"] != "cus_other"
    [updated] = service.send(f"TYPE={UPDATED}", "CUSTOMER=cus_other")  # whose it is need not be said again
    assert (updated["id"], updated["metadata"]) == (other["id"], {"rmbg_user_id": "usr_other"})
    [updated] = service.send(f"TYPE={UPDATED}")
    assert (updated["id"], updated["metadata"]) == (demo["id"], {"rmbg_user_id": "usr_demo"})


def test_a_customer_of_nobody_known(service: Service) -> None:
    for more in (["USER=-"], []):
        [made] = service.send(f"TYPE={UPDATED}", "CUSTOMER=cus_x", *more)
        assert made["metadata"] == {}


def test_two_subscriptions_of_a_customer(service: Service) -> None:
    [first, *_] = service.send("TYPE=subscribe", "SUBSCRIPTION=sub_1")
    [second, *_] = service.send("TYPE=subscribe", "SUBSCRIPTION=sub_2", "PRICE=price_premium_20000_month")
    assert (first["id"], second["id"]) == ("sub_1", "sub_2")
    [ended] = service.send("TYPE=end", "SUBSCRIPTION=sub_1")
    assert ended["id"] == "sub_1"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"cus_x": {}}', '{"cus_x": {"user": 1, "subscription": {}}}'])
def test_a_memory_that_cannot_be_read_is_forgotten(service: Service, text: str) -> None:
    (service.state / "stripe-events.json").write_text(text)
    [made] = service.send(f"TYPE={UPDATED}", "CUSTOMER=cus_x")
    assert made["customer"] == "cus_x"
    [again] = service.send(f"TYPE={UPDATED}", "CUSTOMER=cus_x")
    assert again["id"] == made["id"]


def test_what_was_refused_is_not_remembered(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.failure = urllib.error.HTTPError(BASE, 400, "Bad", Message(), io.BytesIO(b'{"error": "No."}\n'))
    assert outcome(capsys, "TYPE=subscribe") == (
        1,
        "",
        f'stripe-event: {BASE}/webhooks/stripe answers 400: {{"error": "No."}}\n',
    )
    assert not (service.state / "stripe-events.json").exists()


# --print


def test_print_only_prints(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = outcome(capsys, "TYPE=invoice.paid", "--print")
    assert (status, service.requests) == (0, [])
    assert json.loads(out)["type"] == "invoice.paid"
    name, _, header = err.strip().partition(": ")
    timestamp = int(header.partition(",")[0].removeprefix("t="))
    assert (name, header) == ("Stripe-Signature", signature_header(out.encode(), SECRET, timestamp))
    assert [path.name for path in service.state.iterdir()] == ["demo.env"]


def test_print_needs_no_service(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    (service.state / "demo.env").unlink()
    status, out, err = outcome(capsys, "TYPE=invoice.paid", "USER=usr_x", "--print")
    assert (status, err) == (0, "no STRIPE_WEBHOOK_SECRET: not signed\n")
    assert json.loads(out)["type"] == "invoice.paid"


# Where it is sent


@pytest.mark.parametrize("url", ["https://x.example.com/v1", "https://x.example.com/v1/webhooks/stripe"])
def test_another_service(service: Service, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_other")
    assert main(["TYPE=invoice.paid", f"URL={url}"]) == 0
    [request] = service.requests
    assert request.full_url == "https://x.example.com/v1/webhooks/stripe"
    assert isinstance(request.data, bytes)
    signature = request.get_header("Stripe-signature") or ""
    timestamp = int(signature.partition(",")[0].removeprefix("t="))
    assert signature == signature_header(request.data, "whsec_other", timestamp)


def test_nothing_runs(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    (service.state / "demo.env").unlink()
    status, out, err = outcome(capsys, "TYPE=invoice.paid")
    assert (status, out) == (1, "")
    assert err == "stripe-event: `make run` is not running here: start it, set STATE_DIR as it has it, or give URL\n"
    status, out, err = outcome(capsys, "TYPE=invoice.paid", f"URL={BASE}")
    assert (status, out) == (2, "")
    assert err.startswith("stripe-event: give USER: ")
    status, out, err = outcome(capsys, "TYPE=invoice.paid", f"URL={BASE}", "USER=usr_x")
    assert (status, out) == (1, "")
    assert err.startswith("stripe-event: STRIPE_WEBHOOK_SECRET is neither set nor in ")


def test_nothing_answers(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.failure = urllib.error.URLError("connection refused")
    status, out, err = outcome(capsys, "TYPE=invoice.paid")
    assert (status, out) == (1, "")
    assert err.startswith(f"stripe-event: {BASE}/webhooks/stripe does not answer: ")


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["TYPE=invoice.payed"], "unknown: TYPE=invoice.payed"),
        (["TYPE=invoice.paid", "CUSTOMR=x"], "unknown: CUSTOMR=x"),
        (["TYPE=invoice.paid", "--prnit"], "unknown: --prnit"),
        (["invoice.paid"], "unknown: invoice.paid"),
        (["TYPE=refund", "AMOUNT=3.00"], "AMOUNT must be a number of cents, got: 3.00"),
        (["TYPE=refund", "AMOUNT=-3"], "AMOUNT must be"),
        (["TYPE=refund", "AMOUNT=1234567890"], "AMOUNT must be"),
        (["TYPE=refund", "AMOUNT=²"], "AMOUNT must be"),
        (["TYPE=renew", "PERIOD_START=tomorrow"], "PERIOD_START must be now, a date"),
        (["TYPE=renew", "PERIOD_START=99999999999999999999"], "PERIOD_START must be"),
        (["TYPE=renew", "CREATED=2026-13-01"], "CREATED must be"),
        (["TYPE=renew", "PERIOD_END=2020-01-01"], "PERIOD_END must be after the period's start"),
        (["TYPE=renew", "INTERVAL=months"], "INTERVAL must be one of day, week, month, year, got: months"),
        (["TYPE=buy", "MODE=setup"], "MODE must be one of payment, subscription"),
        (["TYPE=cancel", "CANCEL_AT_PERIOD_END=1"], "CANCEL_AT_PERIOD_END must be one of true, false"),
        (["TYPE=buy", "SHAPE=old"], "SHAPE must be an API version such as 2024-06-20, got: old"),
        (["TYPE=buy", "URL=ftp://x"], "URL must begin with http:// or https://"),
        (["TYPE=buy", "USER=-"], "USER=- needs a CUSTOMER"),
    ],
)
def test_a_mistake(service: Service, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    status, out, err = outcome(capsys, *arguments)
    assert (status, out, service.requests) == (2, "", [])
    assert err.startswith(f"stripe-event: {words}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["TYPE="], ["CUSTOMER=cus_x"], ["--print"]])
def test_without_a_type_it_lists_them(
    service: Service, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    status, out, err = outcome(capsys, *arguments)
    assert (status, out) == (2, "")
    for word in (*NAMES, *STEPS, *TYPES):
        assert f"\n  {word}" in err


def test_help_is_no_mistake(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = outcome(capsys, "TYPE=invoice.paid", "--help")
    assert (status, err, service.requests) == (0, "", [])
    assert out.startswith("usage: make stripe-event TYPE=")
    assert "Exit status: 0 accepted, 1 not sent or refused, 2 wrong arguments." in out


def test_the_makefile_hands_on_every_name() -> None:
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    [line] = [line for line in text.splitlines() if line.startswith("STRIPE_EVENT :=")]
    assert set(line.split()[2:]) == NAMES.keys()
