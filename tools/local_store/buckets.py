"""The buckets of template.yaml, made on an emulator: their rules for web pages, and what they tell which queue.

Policies, encryption and lifecycle rules are not imitated: the emulator checks no rights, and nothing expires there.
"""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError

from tools.local_gateway.intrinsics import PSEUDO_PARAMETERS, Resolver, TemplateError, as_text, attribute_of
from tools.local_store.bucket_documents import (
    QueueConfiguration,
    cors_document,
    notification_document,
    read_notifications,
)
from tools.local_store.errors import EmulatorFailed
from tools.local_store.queues import queue_arn
from tools.local_store.tables import ACCESS_KEY, REGION, emulator_client, resources_of

_BUCKET: Final = "AWS::S3::Bucket"
_QUEUE: Final = "AWS::SQS::Queue"
_READ_SECONDS: Final = 60  # for objects of 100 MB
_CALL_SECONDS: Final = 10
# Names in CloudFormation, and in the S3 API's documents.
_CORS: Final = {
    "Id": "ID",
    "AllowedOrigins": "AllowedOrigin",
    "AllowedMethods": "AllowedMethod",
    "AllowedHeaders": "AllowedHeader",
    "ExposedHeaders": "ExposeHeader",
    "MaxAge": "MaxAgeSeconds",
}


@dataclass(frozen=True, slots=True)
class DeclaredBucket:
    """A bucket's rules as the S3 API takes them."""

    cors_rules: list[dict[str, list[str]]]
    queue_configurations: list[QueueConfiguration]


def bucket_name(logical_id: str) -> str:
    """A name that S3 takes, as CloudFormation would make it, but for its random end."""
    return f"{PSEUDO_PARAMETERS['AWS::StackName']}-{logical_id}".lower()


def declared_buckets(template: Path) -> dict[str, DeclaredBucket]:
    """Each bucket of a template, by logical id. Raises TemplateError."""
    resolver, resources = resources_of(template, _BUCKET)
    _, queues = resources_of(template, _QUEUE)
    return {
        name: DeclaredBucket(
            _cors_rules(properties, resolver, name), _notifications(properties, resolver, queues, name)
        )
        for name, properties in resources.items()
    }


def create_buckets(endpoint_url: str, template: Path) -> dict[str, str]:
    """Make every bucket of the template that is not there yet, give all of them its rules, keep their objects.

    The template's queues must be there. Returns the buckets' names by logical id. Without boto3, whose model of S3
    alone would make a start half a second longer. Raises TemplateError, EmulatorFailed and OSError.
    """
    declared = declared_buckets(template)
    for logical_id, wanted in declared.items():
        path = f"{endpoint_url}/{bucket_name(logical_id)}"
        if _call("HEAD", path, missing=HTTPStatus.NOT_FOUND) is None:
            _call("PUT", path)
        if wanted.cors_rules:
            _call("PUT", f"{path}?cors", cors_document(wanted.cors_rules))
        else:
            _call("DELETE", f"{path}?cors")
        kept = read_notifications(_call("GET", f"{path}?notification") or b"")
        if kept != wanted.queue_configurations:  # each change sends the queue a test event
            _call("PUT", f"{path}?notification", notification_document(wanted.queue_configurations))
    return {logical_id: bucket_name(logical_id) for logical_id in declared}


def s3_client(endpoint_url: str, **settings: Any) -> Any:
    """A boto3 client for an emulator's buckets; see `emulator_client`."""
    return emulator_client(
        "s3", endpoint_url, **{"s3": {"addressing_style": "path"}, "read_timeout": _READ_SECONDS, **settings}
    )


def _call(method: str, url: str, body: bytes | None = None, missing: int | None = None) -> bytes | None:
    """The answer's body; None for the status `missing`. Raises EmulatorFailed and OSError."""
    # the emulator checks no signature, but it looks for the service in it
    credential = f"Credential={ACCESS_KEY}/20200101/{REGION}/s3/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"}
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_CALL_SECONDS) as answer:
            content: bytes = answer.read()
            return content
    except HTTPError as error:
        with error:
            if error.code == missing:
                return None
            raise EmulatorFailed(f"the store refused {method} {url} ({error.code})") from error


def _cors_rules(properties: Mapping[str, Any], resolver: Resolver, name: str) -> list[dict[str, list[str]]]:
    where = f"{name}.CorsConfiguration"
    rules = resolver.resolve((properties.get("CorsConfiguration") or {}).get("CorsRules") or [], where)
    for rule in rules:
        if unknown := sorted(rule.keys() - _CORS.keys()):
            raise TemplateError(f"{where}: {', '.join(unknown)} cannot be imitated on this machine")
    return [
        {
            _CORS[key]: [as_text(one, where) for one in (value if isinstance(value, list) else [value])]
            for key, value in rule.items()
        }
        for rule in rules
    ]


def _notifications(
    properties: Mapping[str, Any], resolver: Resolver, queues: Mapping[str, Any], name: str
) -> list[QueueConfiguration]:
    where = f"{name}.NotificationConfiguration"
    configuration = properties.get("NotificationConfiguration") or {}
    if unknown := sorted(configuration.keys() - {"QueueConfigurations"}):
        raise TemplateError(f"{where}: {', '.join(unknown)} cannot be imitated on this machine")
    made = []
    for number, entry in enumerate(configuration.get("QueueConfigurations") or []):
        queue = attribute_of(entry.get("Queue"), "Arn")
        if queue is None or queue not in queues:
            raise TemplateError(f"{where}[{number}].Queue: !GetAtt of the Arn of a queue of the template is expected")
        event = as_text(resolver.resolve(entry.get("Event"), where), f"{where}[{number}].Event")
        rules = resolver.resolve(((entry.get("Filter") or {}).get("S3Key") or {}).get("Rules") or [], where)
        filters = tuple((str(rule["Name"]), str(rule["Value"])) for rule in rules)
        made.append(QueueConfiguration(f"{name}-{number}", queue_arn(queue), event, filters))
    return made
