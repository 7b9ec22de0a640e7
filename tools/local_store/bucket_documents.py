"""What S3 is told of a bucket, as XML (Amazon S3 API reference, PutBucketCors, PutBucketNotificationConfiguration)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True, slots=True)
class QueueConfiguration:
    """Which queue is told of which events; `filters` are pairs of prefix or suffix and its value."""

    identifier: str
    queue_arn: str
    event: str
    filters: tuple[tuple[str, str], ...] = ()


def cors_document(rules: Iterable[Mapping[str, Sequence[str]]]) -> bytes:
    """Rules by the names of their elements."""
    root = ET.Element("CORSConfiguration", xmlns=_NAMESPACE)
    for rule in rules:
        element = ET.SubElement(root, "CORSRule")
        for name, values in rule.items():
            for value in values:
                ET.SubElement(element, name).text = value
    return ET.tostring(root)


def notification_document(configurations: Iterable[QueueConfiguration]) -> bytes:
    root = ET.Element("NotificationConfiguration", xmlns=_NAMESPACE)
    for configuration in configurations:
        element = ET.SubElement(root, "QueueConfiguration")
        ET.SubElement(element, "Id").text = configuration.identifier
        ET.SubElement(element, "Queue").text = configuration.queue_arn
        ET.SubElement(element, "Event").text = configuration.event
        if configuration.filters:
            key = ET.SubElement(ET.SubElement(element, "Filter"), "S3Key")
            for name, value in configuration.filters:
                rule = ET.SubElement(key, "FilterRule")
                ET.SubElement(rule, "Name").text = name
                ET.SubElement(rule, "Value").text = value
    return ET.tostring(root)


def read_notifications(document: bytes) -> list[QueueConfiguration]:
    """The other way round; a document of another shape says that nobody is told."""
    if not document:
        return []
    root = ET.fromstring(document)  # noqa: S314 - our own emulator's
    found = []
    for element in root.iter():
        if _name(element) == "QueueConfiguration":
            texts = {_name(child): child.text or "" for child in element}
            rules = [rule for rule in element.iter() if _name(rule) == "FilterRule"]
            pairs = [{_name(child): child.text or "" for child in rule} for rule in rules]
            filters = tuple((pair.get("Name", "").lower(), pair.get("Value", "")) for pair in pairs)
            found.append(
                QueueConfiguration(texts.get("Id", ""), texts.get("Queue", ""), texts.get("Event", ""), filters)
            )
    return found


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
