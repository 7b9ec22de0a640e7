"""The queues of template.yaml, made on an emulator, and one of them as the gateway polls it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.local_gateway.batches import Message
from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS, Resolver, TemplateError, as_text, attribute_of
from tools.local_gateway.poller import QueueUnavailable
from tools.local_store.tables import REGION, emulator_client, resources_of

_QUEUE: Final = "AWS::SQS::Queue"
_ACCOUNT: Final = PSEUDO_PARAMETERS["AWS::AccountId"]
_REDRIVE: Final = "RedrivePolicy"
# SQS's own values for what a template leaves out: a queue that was kept may have others. An empty policy is none.
_DEFAULTS: Final = {
    "VisibilityTimeout": "30",
    "MessageRetentionPeriod": "345600",
    "MaximumMessageSize": "1048576",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    _REDRIVE: "",
}
_READ_SECONDS: Final = 4  # above a poll's wait


def declared_queues(template: Path) -> dict[str, dict[str, str]]:
    """The attributes of each queue of a template, by logical id, as CreateQueue takes them. Raises TemplateError."""
    resolver, resources = resources_of(template, _QUEUE)
    queues: dict[str, dict[str, str]] = {}
    for name, properties in resources.items():
        if properties.get("FifoQueue"):
            raise TemplateError(f"{name}.FifoQueue cannot be imitated on this machine")
        attributes = {
            key: as_text(resolver.resolve(properties[key], f"{name}.{key}"), f"{name}.{key}")
            for key in _DEFAULTS
            if key in properties and key != _REDRIVE
        }
        if _REDRIVE in properties:
            attributes[_REDRIVE] = _redrive(properties[_REDRIVE], resolver, resources, f"{name}.{_REDRIVE}")
        queues[name] = attributes
    return queues


def create_queues(client: Any, template: Path) -> dict[str, str]:
    """Make every queue of the template that is not there yet, give all of them its attributes, keep their messages.

    Returns their URLs by logical id, which is their name as well. `client` is one of `sqs_client`.
    Raises TemplateError, and botocore's BotoCoreError and ClientError.
    """
    declared = declared_queues(template)
    if not declared:
        return {}
    # not CreateQueue and its URL: with the state of an earlier run, which had another port, both go astray
    existing = {url.rpartition("/")[2] for url in client.list_queues().get("QueueUrls", ())}
    urls = {name: f"{client.meta.endpoint_url}/{_ACCOUNT}/{name}" for name in declared}
    for name in sorted(declared, key=lambda name: _REDRIVE in declared[name]):  # dead-letter queues must be there first
        if name in existing:
            client.set_queue_attributes(QueueUrl=urls[name], Attributes={**_DEFAULTS, **declared[name]})
        else:
            client.create_queue(QueueName=name, Attributes=declared[name])
    return urls


def sqs_client(endpoint_url: str) -> Any:
    """A boto3 client for an emulator's queues, as impatient as a poller must be; see `emulator_client`."""
    return emulator_client("sqs", endpoint_url, read_timeout=_READ_SECONDS)


class EmulatedQueue:
    """A queue of an emulator, for the gateway's poller. `client` is one of `sqs_client`."""

    def __init__(self, client: Any, name: str, url: str) -> None:
        self.arn: Final = queue_arn(name)
        self._client = client
        self._url = url

    def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        """Raises QueueUnavailable."""
        answer = self._call(
            "receive_message",
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def delete(self, messages: Sequence[Message]) -> None:
        """Raises QueueUnavailable."""
        self._call("delete_message_batch", Entries=_entries(messages))

    def give_back(self, messages: Sequence[Message], seconds: int) -> None:
        """Raises QueueUnavailable."""
        self._call("change_message_visibility_batch", Entries=_entries(messages, VisibilityTimeout=seconds))

    def _call(self, operation: str, **arguments: Any) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: Mapping[str, Any] = getattr(self._client, operation)(QueueUrl=self._url, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"{operation} failed: {error}") from error
        if failed := answer.get("Failed"):
            reasons = ", ".join(sorted({str(entry.get("Code")) for entry in failed}))
            raise QueueUnavailable(f"{operation} failed for {len(failed)} messages: {reasons}")
        return answer


def _entries(messages: Sequence[Message], **more: Any) -> list[dict[str, Any]]:
    return [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], **more}
        for number, message in enumerate(messages)
    ]


def _redrive(policy: Any, resolver: Resolver, resources: Mapping[str, Any], where: str) -> str:
    if not isinstance(policy, dict):
        raise TemplateError(f"{where}: a mapping is expected")
    target = attribute_of(policy.get("deadLetterTargetArn"), "Arn")
    if target is None or target not in resources:
        raise TemplateError(f"{where}.deadLetterTargetArn: !GetAtt of the Arn of a queue of the template is expected")
    receives = as_text(resolver.resolve(policy.get("maxReceiveCount"), where), f"{where}.maxReceiveCount")
    return json.dumps({"deadLetterTargetArn": queue_arn(target), "maxReceiveCount": receives})


def queue_arn(name: str) -> str:
    """Of the queue with that logical id."""
    return f"arn:aws:sqs:{REGION}:{_ACCOUNT}:{name}"
