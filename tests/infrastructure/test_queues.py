"""What template.yaml promises of every queue: nothing is lost or worked on twice at once, and an alarm tells of it."""

from typing import Any

import pytest

from tests.infrastructure.test_template import attribute, of_type
from tools.local_gateway.template import Deployment

WORKERS = {"StripeEvents": "BillingSyncFunction", "ImageObjects": "ObjectProcessingFunction"}
LONGEST_RETENTION_SECONDS = 14 * 24 * 3600
NEW_ACCOUNT_CONCURRENCY = 10

of_each_queue = pytest.mark.parametrize(("queue", "worker"), WORKERS.items())


def dead_letters(queue: str) -> str:
    return f"{queue}DeadLetters"


@pytest.fixture
def queues(transformed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = of_type(transformed, "AWS::SQS::Queue")
    assert found.keys() == {name for queue in WORKERS for name in (queue, dead_letters(queue))}
    return found


@pytest.fixture
def mappings(transformed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What takes messages for a function, by the queue's logical id."""
    found = of_type(transformed, "AWS::Lambda::EventSourceMapping").values()
    return {attribute(mapping["EventSourceArn"], "Arn"): mapping for mapping in found}


def test_queues_keep_all_they_can_and_are_encrypted(queues: dict[str, dict[str, Any]]) -> None:
    for name, queue in queues.items():
        assert queue["MessageRetentionPeriod"] == LONGEST_RETENTION_SECONDS, name
        assert queue["SqsManagedSseEnabled"] is True, name
        assert "FifoQueue" not in queue, name


@of_each_queue
def test_what_fails_again_and_again_is_put_aside(queues: dict[str, dict[str, Any]], queue: str, worker: str) -> None:
    policy = queues[queue]["RedrivePolicy"]
    assert attribute(policy["deadLetterTargetArn"], "Arn") == dead_letters(queue)
    assert 5 <= policy["maxReceiveCount"] <= 1000  # Lambda's guide: five at least, as throttling counts too
    assert "RedrivePolicy" not in queues[dead_letters(queue)]


@of_each_queue
def test_nothing_is_delivered_again_while_it_is_being_worked_on(
    transformed: dict[str, Any],
    queues: dict[str, dict[str, Any]],
    mappings: dict[str, dict[str, Any]],
    queue: str,
    worker: str,
) -> None:
    timeout = of_type(transformed, "AWS::Lambda::Function")[worker]["Timeout"]
    window = mappings[queue].get("MaximumBatchingWindowInSeconds", 0)
    # Lambda's guide: six times the function's timeout, and the batching window
    assert queues[queue]["VisibilityTimeout"] >= 6 * timeout + window


@of_each_queue
def test_one_message_that_fails_fails_no_other(
    mappings: dict[str, dict[str, Any]], served: Deployment, queue: str, worker: str
) -> None:
    mapping = mappings[queue]
    assert mapping["FunctionName"] == {"Ref": worker}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping.get("Enabled", True) is True
    (source,) = [source for source in served.queue_sources if source.queue == queue]
    assert (source.function, source.reports_item_failures) == (worker, True)
    # what a new account has for everything
    assert source.maximum_concurrency is not None
    assert 2 <= source.maximum_concurrency < NEW_ACCOUNT_CONCURRENCY / 2


@of_each_queue
def test_the_dead_letters_have_an_alarm(transformed: dict[str, Any], queue: str, worker: str) -> None:
    alarm = of_type(transformed, "AWS::CloudWatch::Alarm")[f"{dead_letters(queue)}Alarm"]
    # SQS counts what lies there, every minute
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    (dimension,) = alarm["Dimensions"]
    assert (dimension["Name"], attribute(dimension["Value"], "QueueName")) == ("QueueName", dead_letters(queue))
