"""What template.yaml promises of Stripe's events: none is lost, none is hidden, and whoever must look is told."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.conftest import ROOT
from tests.infrastructure.graph import dependencies
from tests.infrastructure.test_template import attribute, of_type, only
from tools.local_gateway.template import Deployment

QUEUE, DEAD_LETTERS, WORKER = "StripeEvents", "StripeEventsDeadLetters", "BillingSyncFunction"
LONGEST_RETENTION_SECONDS = 14 * 24 * 3600
# What no delivery must wait for: pictures, the SDK (imported on the first event), user tokens, Stripe's own package.
LATE_OR_NEVER = {"numpy", "PIL", "onnxruntime", "stripe", "boto3", "jwt", "cryptography", "requests", "urllib3"}


@pytest.fixture
def queues(transformed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = of_type(transformed, "AWS::SQS::Queue")
    assert found.keys() == {QUEUE, DEAD_LETTERS}
    return found


@pytest.fixture
def alarms(transformed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = of_type(transformed, "AWS::CloudWatch::Alarm")
    assert found.keys() == {"StripeEventsDeadLettersAlarm", "StripeEventParkedAlarm", "RenewalOverdueAlarm"}
    return found


def test_queues_keep_all_they_can_and_are_encrypted(queues: dict[str, dict[str, Any]]) -> None:
    for name, queue in queues.items():
        assert queue["MessageRetentionPeriod"] == LONGEST_RETENTION_SECONDS, name
        assert queue["SqsManagedSseEnabled"] is True, name
        assert "FifoQueue" not in queue, name


def test_what_fails_again_and_again_is_put_aside(queues: dict[str, dict[str, Any]]) -> None:
    policy = queues[QUEUE]["RedrivePolicy"]
    assert attribute(policy["deadLetterTargetArn"], "Arn") == DEAD_LETTERS
    assert 5 <= policy["maxReceiveCount"] <= 1000  # Lambda's guide: five at least, as throttling counts too
    assert "RedrivePolicy" not in queues[DEAD_LETTERS]


def test_nothing_is_delivered_again_while_it_is_being_applied(
    transformed: dict[str, Any], queues: dict[str, dict[str, Any]]
) -> None:
    worker = of_type(transformed, "AWS::Lambda::Function")[WORKER]
    mapping = only(transformed, "AWS::Lambda::EventSourceMapping")
    window = mapping.get("MaximumBatchingWindowInSeconds", 0)
    # Lambda's guide: six times the function's timeout, and the batching window
    assert queues[QUEUE]["VisibilityTimeout"] >= 6 * worker["Timeout"] + window


def test_one_event_that_fails_fails_no_other(transformed: dict[str, Any], served: Deployment) -> None:
    mapping = only(transformed, "AWS::Lambda::EventSourceMapping")
    assert attribute(mapping["EventSourceArn"], "Arn") == QUEUE
    assert mapping["FunctionName"] == {"Ref": WORKER}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping.get("Enabled", True) is True
    assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 10  # what a new account has for everything
    (source,) = served.queue_sources
    assert (source.queue, source.function, source.reports_item_failures) == (QUEUE, WORKER, True)


def test_events_go_one_way(transformed: dict[str, Any]) -> None:
    """The receiver knows the queue, the queue knows what it puts aside, and none of them knows who is before it."""
    graph = dependencies(transformed)
    assert QUEUE in graph["StripeWebhookFunction"]
    assert graph[QUEUE] == [DEAD_LETTERS]
    assert graph[DEAD_LETTERS] == []
    assert {QUEUE, WORKER} <= set(graph[f"{WORKER}{QUEUE}"])


def test_an_alarm_tells_of_the_first_and_is_silent_while_nothing_is_counted(alarms: dict[str, dict[str, Any]]) -> None:
    for name, alarm in alarms.items():
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0), name
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["EvaluationPeriods"] == 1, name
        assert alarm["Statistic"] in ("Sum", "Maximum"), name
        assert alarm["Period"] % 60 == 0, name
        assert len(alarm["AlarmDescription"]) > 20, name


def test_the_dead_letters_have_an_alarm(alarms: dict[str, dict[str, Any]]) -> None:
    alarm = alarms["StripeEventsDeadLettersAlarm"]
    # SQS counts what lies there, every minute
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    (dimension,) = alarm["Dimensions"]
    assert (dimension["Name"], attribute(dimension["Value"], "QueueName")) == ("QueueName", DEAD_LETTERS)


def test_an_alarm_hears_what_every_function_counts(source: dict[str, Any], alarms: dict[str, dict[str, Any]]) -> None:
    """An alarm is for one metric with exactly its dimensions: with one more, or one less, it would never sound."""
    heard = {
        (alarm["Namespace"], alarm["MetricName"], json.dumps(alarm.get("Dimensions", [])))
        for alarm in alarms.values()
        if alarm["Namespace"] == "rmbg"
    }
    assert {metric for _, metric, _ in heard} == {"StripeEventParked", "RenewalOverdue"}
    for name, function in of_type(source, "AWS::Serverless::Function").items():
        settings = function["Environment"]["Variables"]
        variables = {key: value for key, value in settings.items() if isinstance(value, str)}
        code = "import sys\nfrom rmbg.observability import count_metric\nfor name in sys.argv[1:]: count_metric(name)"
        lines = python(code, *sorted(metric for _, metric, _ in heard), **variables).splitlines()
        assert {counted(json.loads(line)) for line in lines} == heard, name


def counted(line: dict[str, Any]) -> tuple[str, str, str]:
    """Namespace, metric and dimensions, as an alarm has them, of a line of the embedded metric format."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    (names,) = directive["Dimensions"]
    dimensions = [{"Name": name, "Value": line[name]} for name in names]
    return directive["Namespace"], directive["Metrics"][0]["Name"], json.dumps(dimensions)


def test_every_alarm_s_metric_is_counted_somewhere(alarms: dict[str, dict[str, Any]]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "layers" / "core" / "rmbg").rglob("*.py"))
    for alarm in alarms.values():
        if alarm["Namespace"] == "rmbg":
            assert f'count_metric("{alarm["MetricName"]}")' in code


def test_the_receiver_imports_only_what_it_needs_to_receive() -> None:
    code = "import sys, functions.stripe_webhook.handler\nprint(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(python(code, STRIPE_EVENTS_QUEUE_URL="https://sqs.example.com/1/queue").split())
    assert {"rmbg", "aws_lambda_powertools"} <= loaded
    assert loaded & LATE_OR_NEVER == set()


def python(code: str, *arguments: str, **variables: str) -> str:
    """What a process of its own prints, with the layer and these variables and none of whoever runs this."""
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "layers" / "core"))
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": paths, "PATH": os.environ.get("PATH", ""), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_no_secret_is_in_the_template(source: dict[str, Any]) -> None:
    text = Path(ROOT / "template.yaml").read_text(encoding="utf-8")
    assert not re.search(r"(whsec|sk_live|sk_test|rk_live|rk_test)_", text)
    webhook = source["Resources"]["StripeWebhookFunction"]["Properties"]["Environment"]["Variables"]
    worker = source["Resources"][WORKER]["Properties"]["Environment"]["Variables"]
    assert webhook["STRIPE_WEBHOOK_SECRETS"] == {"Ref": "StripeWebhookSecrets"}
    assert webhook["STRIPE_EVENTS_QUEUE_URL"] == {"Ref": QUEUE}
    assert worker["STRIPE_API_KEY"] == {"Ref": "StripeApiKey"}
