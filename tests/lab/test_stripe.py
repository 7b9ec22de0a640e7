"""Stripe's events through the deployed stack: the gateway, the queue, the worker that Lambda calls, the account."""

import json
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests

from tests.lab.conftest import (
    PREPAID_CREDITS,
    STACK,
    WEBHOOK_PARAMETER,
    WEBHOOK_SECRETS,
    Account,
    Api,
    Environment,
    aws,
    physical_name,
    variables_of,
    without,
)
from tests.lab.queues import Queue, eventually, refused
from tools.stripe_events.make import Object
from tools.stripe_events.scenario import (
    LARGE,
    NO_WISHES,
    PACK,
    PACK_AMOUNT,
    Scenario,
    Wishes,
    new_purchase,
    new_subscription,
    tell,
)
from tools.stripe_events.sign import HEADER, signature_header

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(900)]

PATH = "/webhooks/stripe"
WEBHOOK, WORKER = "StripeWebhookFunction", "BillingSyncFunction"
QUEUE, DEAD_LETTERS = "StripeEvents", "StripeEventsDeadLetters"
ALARMS = (
    "StripeEventParkedAlarm",
    "RenewalOverdueAlarm",
    "StripeEventsDeadLettersAlarm",
    "ImageObjectsDeadLettersAlarm",
)
PLAN, INCLUDED, PACK_CREDITS = "Premium-20000", 20_000, 2_000


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:20]}"


def scenario_of(user: str | None) -> Scenario:
    """A customer of whom Stripe has told nothing yet."""
    now = int(time.time())
    return Scenario(
        customer=new_id("cus"),
        user=user,
        subscription=new_subscription(LARGE, now, new_id),
        purchase=new_purchase(PACK, PACK_AMOUNT, now, new_id),
        now=now,
        new_id=new_id,
    )


def event_of(event_type: str, scenario: Scenario, wishes: Wishes = NO_WISHES) -> Object:
    return tell(event_type, scenario, wishes)[0]


def send(api: Api, event: Object | bytes, secret: str = WEBHOOK_SECRETS[0], *, age: int = 0) -> requests.Response:
    """A delivery as Stripe makes it: without a key, signed."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {HEADER: signature_header(body, secret, int(time.time()) - age), "Content-Type": "application/json"}
    return api.anonymous.send("POST", PATH, data=body, headers=headers)


def usage(api: Api, account: Account) -> dict[str, Any]:
    answer = api.as_(account).send("GET", "/api/membership-usage?expand=billing_cycle")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


@dataclass(frozen=True)
class Billing:
    """What an operator sees of the billing of the deployed stack."""

    environment: Environment

    def url(self, queue: str) -> str:
        return physical_name(self.environment, STACK, queue)

    def waiting(self, queue: str) -> int:
        """Messages on a queue, those under way included."""
        return Queue(self.environment, queue).waiting()

    @property
    def events(self) -> Queue:
        return Queue(self.environment, QUEUE)

    def item(self, pk: str, sk: str) -> dict[str, Any]:
        core = physical_name(self.environment, STACK, "CoreTable")
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        answer = aws(self.environment, "dynamodb").get_item(TableName=core, Key=key, ConsistentRead=True)
        item: dict[str, Any] = answer.get("Item", {})
        return item

    def outcome(self, event: Object) -> str:
        """What became of an event: nothing yet, done, ignored or parked."""
        state: str = self.item(f"EV#{event['id']}", "EV").get("state", {}).get("S", "")
        return state

    def parked(self, scenario: Scenario, event: Object) -> bool:
        return bool(self.item(f"CUS#{scenario.customer}", f"P#{event['id']}"))


@pytest.fixture
def billing(deployed: Api, cloud_environment: Environment) -> Billing:
    return Billing(cloud_environment)


def test_a_signed_event_changes_the_plan(deployed: Api, billing: Billing) -> None:
    account = deployed.new_account()
    assert usage(deployed, account)["membership"] != PLAN
    scenario = scenario_of(account.user_id)
    event, scenario = tell("customer.subscription.created", scenario)
    answer = send(deployed, event)
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    eventually(lambda: usage(deployed, account)["membership"] == PLAN, "the plan changes")
    cycle = usage(deployed, account)["billingCycle"]
    assert cycle["includedCredits"] == INCLUDED
    assert cycle["periodStartUnix"] == scenario.subscription.period[0]
    assert billing.outcome(event) == "done"
    over = event_of("customer.subscription.deleted", replace(scenario, now=scenario.now + 5))
    assert send(deployed, over).status_code == 200
    eventually(lambda: usage(deployed, account)["membership"] == "Free", "the subscription ends")


def test_a_pack_is_granted_once_however_often_it_is_delivered(deployed: Api, billing: Billing) -> None:
    account = deployed.new_account()
    event = event_of("checkout.session.completed", scenario_of(account.user_id))
    for secret in (*WEBHOOK_SECRETS, WEBHOOK_SECRETS[0]):
        assert send(deployed, event, secret).status_code == 200
    eventually(lambda: billing.waiting(QUEUE) == 0 and billing.outcome(event) == "done", "all three are applied")
    assert usage(deployed, account)["prepaidCredits"] == PREPAID_CREDITS + PACK_CREDITS


def test_what_stripe_did_not_sign_just_now_is_refused(deployed: Api, billing: Billing) -> None:
    event = event_of("customer.subscription.created", scenario_of("usr_of_nobody"))
    refused = [send(deployed, event, "whsec_other"), send(deployed, event, age=301), send(deployed, event, age=-301)]
    refused.append(deployed.send("POST", PATH, data=json.dumps(event)))
    for answer in refused:
        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid signature", "status": 400})
    for body in (b"\xff", b"[]", b'{"id": "evt_1"}'):
        answer = send(deployed, body)
        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid payload", "status": 400})
    assert billing.waiting(QUEUE) == 0
    assert billing.outcome(event) == ""


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_told_which_there_is(deployed: Api, method: str) -> None:
    answer = deployed.send(method, PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")
    assert answer.json() == {"error": "Method not allowed", "status": 405}


def test_an_event_of_no_known_customer_waits_for_it(deployed: Api, billing: Billing) -> None:
    account = deployed.new_account()
    unknown = scenario_of(None)
    early = event_of("customer.subscription.created", unknown)
    assert send(deployed, early).status_code == 200
    eventually(lambda: billing.outcome(early) == "parked", "the event is parked")
    assert billing.parked(unknown, early)
    assert usage(deployed, account)["membership"] != PLAN
    named = event_of("checkout.session.completed", replace(unknown, user=account.user_id), Wishes(mode="subscription"))
    assert send(deployed, named).status_code == 200
    eventually(lambda: usage(deployed, account)["membership"] == PLAN, "what was parked is applied")
    eventually(lambda: not billing.parked(unknown, early), "it is parked no more")
    assert billing.outcome(early) == "done"


def test_an_event_that_is_not_understood_is_kept_and_counted(deployed: Api, billing: Billing) -> None:
    event = event_of("checkout.session.completed", scenario_of("usr_of_nobody"), Wishes(pack="pack_of_nobody"))
    assert send(deployed, event).status_code == 200
    eventually(lambda: billing.outcome(event) == "parked", "the event is parked")
    assert billing.item("CUS#-", f"P#{event['id']}")
    logs = aws(billing.environment, "logs")
    group = physical_name(billing.environment, STACK, "BillingSyncLogs")

    def counted() -> bool:
        lines = [found["message"] for found in logs.filter_log_events(logGroupName=group)["events"]]
        return any('"CloudWatchMetrics"' in line and '"StripeEventParked"' in line for line in lines)

    eventually(counted, "CloudWatch's line for it is in the log")


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_sounds(deployed: Api, billing: Billing, alarm: str) -> None:
    """The emulator makes no metrics of log lines or queues, so one is put; the names are checked without it."""
    cloudwatch = aws(billing.environment, "cloudwatch")
    name = physical_name(billing.environment, STACK, alarm)

    def described() -> dict[str, Any]:
        (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return dict(found)

    before = described()
    metric = {"MetricName": before["MetricName"], "Dimensions": before.get("Dimensions", [])}
    if before["StateValue"] != "ALARM":  # the emulator ignores dimensions: one queue's dead letters sound both alarms
        cloudwatch.put_metric_data(Namespace=before["Namespace"], MetricData=[{**metric, "Value": 0}])
        assert described()["StateValue"] == "OK"
    cloudwatch.put_metric_data(Namespace=before["Namespace"], MetricData=[{**metric, "Value": 1}])
    assert described()["StateValue"] == "ALARM"


def test_what_cannot_be_applied_now_comes_again(deployed: Api, billing: Billing) -> None:
    account = deployed.new_account()
    event = event_of("checkout.session.completed", scenario_of(account.user_id))
    core = physical_name(billing.environment, STACK, "CoreTable")
    with billing.events.delivered_again_at_once(6):
        with without(billing.environment, WORKER, core, "dynamodb:UpdateItem"):
            assert send(deployed, event).status_code == 200
            time.sleep(3)
            assert billing.waiting(QUEUE) == 1
            assert usage(deployed, account)["prepaidCredits"] == PREPAID_CREDITS
        eventually(lambda: billing.outcome(event) == "done", "the event is applied after all")
    assert usage(deployed, account)["prepaidCredits"] == PREPAID_CREDITS + PACK_CREDITS


def test_what_fails_again_and_again_is_put_aside_and_can_be_brought_back(deployed: Api, billing: Billing) -> None:
    account = deployed.new_account()
    event = event_of("checkout.session.completed", scenario_of(account.user_id))
    other = event_of("customer.subscription.trial_will_end", scenario_of("usr_of_nobody"))
    core = physical_name(billing.environment, STACK, "CoreTable")
    sqs = aws(billing.environment, "sqs")
    with billing.events.delivered_again_at_once(6):
        with without(billing.environment, WORKER, core, "dynamodb:UpdateItem"):
            for sent in (event, other):
                assert send(deployed, sent).status_code == 200
            sqs.send_message(QueueUrl=billing.url(QUEUE), MessageBody="no event")
            eventually(lambda: billing.waiting(DEAD_LETTERS) == 2, "what fails is put aside", 60)
            assert billing.waiting(QUEUE) == 0
            assert billing.outcome(other) == "done"
            assert usage(deployed, account)["prepaidCredits"] == PREPAID_CREDITS
        billing.events.bring_back()
        eventually(lambda: billing.outcome(event) == "done", "what was put aside is applied")
        eventually(lambda: billing.waiting(DEAD_LETTERS) == 1, "what never can be is put aside again", 60)
    assert usage(deployed, account)["prepaidCredits"] == PREPAID_CREDITS + PACK_CREDITS
    sqs.purge_queue(QueueUrl=billing.url(DEAD_LETTERS))


def test_stripe_is_told_when_an_event_could_not_be_kept(deployed: Api, billing: Billing) -> None:
    event = event_of("customer.subscription.trial_will_end", scenario_of("usr_of_nobody"))
    queue = billing.url(QUEUE).rpartition("/")[2]
    with without(billing.environment, WEBHOOK, queue, "sqs:SendMessage"):
        answer = send(deployed, event)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert send(deployed, event).status_code == 200
    eventually(lambda: billing.outcome(event) == "done", "it is applied when Stripe sends it again")


def test_a_role_is_enough_for_its_function_and_for_nothing_else(deployed: Api, billing: Billing) -> None:
    event = event_of("customer.subscription.trial_will_end", scenario_of("usr_of_nobody"))
    assert send(deployed, event).status_code == 200
    eventually(lambda: billing.outcome(event) == "done", "both containers are there")
    other = "/other/secret"
    aws(billing.environment, "ssm").put_parameter(Name=other, Value="x", Type="SecureString")
    for name in ("rmbg/stripe", "other/stripe"):
        aws(billing.environment, "secretsmanager").create_secret(Name=name, SecretString="x")
    core, ephemeral = (physical_name(billing.environment, STACK, name) for name in ("CoreTable", "EphemeralTable"))
    queue, dead = billing.url(QUEUE), billing.url(DEAD_LETTERS)
    key = {"pk": {"S": "U#nobody"}, "sk": {"S": "ACCT"}}
    for function in (WEBHOOK, WORKER):
        is_worker = function == WORKER
        variables = variables_of(billing.environment, function)
        sqs, ssm, dynamodb = (aws(billing.environment, name, variables) for name in ("sqs", "ssm", "dynamodb"))
        manager = aws(billing.environment, "secretsmanager", variables)
        assert manager.get_secret_value(SecretId="rmbg/stripe")["SecretString"] == "x"
        assert refused(manager.get_secret_value, SecretId="other/stripe")
        read = ssm.get_parameter(Name=WEBHOOK_PARAMETER, WithDecryption=True)["Parameter"]["Value"]
        assert read == ", ".join(WEBHOOK_SECRETS)
        assert refused(ssm.get_parameter, Name=other, WithDecryption=True)
        assert refused(ssm.put_parameter, Name=WEBHOOK_PARAMETER, Value="x", Overwrite=True)
        assert refused(sqs.receive_message, QueueUrl=dead)
        assert refused(sqs.send_message, QueueUrl=dead, MessageBody="x")
        # each end of the queue has one of them
        assert refused(sqs.receive_message, QueueUrl=queue) is not is_worker
        assert not is_worker or refused(sqs.send_message, QueueUrl=queue, MessageBody="x")
        assert refused(sqs.get_queue_attributes, QueueUrl=queue) is not is_worker
        assert refused(dynamodb.get_item, TableName=core, Key=key) is not is_worker
        assert refused(dynamodb.get_item, TableName=ephemeral, Key=key)
        assert refused(dynamodb.scan, TableName=core)
