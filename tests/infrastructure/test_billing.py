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
from tests.infrastructure.test_template import of_type

QUEUE, DEAD_LETTERS, WORKER = "StripeEvents", "StripeEventsDeadLetters", "BillingSyncFunction"
# What no delivery must wait for: pictures, the SDK (imported on the first event), user tokens, Stripe's own package.
LATE_OR_NEVER = {"numpy", "PIL", "onnxruntime", "stripe", "boto3", "jwt", "cryptography", "requests", "urllib3"}


@pytest.fixture
def alarms(transformed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = of_type(transformed, "AWS::CloudWatch::Alarm")
    assert found.keys() == {
        "StripeEventsDeadLettersAlarm",
        "StripeEventParkedAlarm",
        "RenewalOverdueAlarm",
        "ImageObjectsDeadLettersAlarm",
    }
    return found


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
