"""A function's proxy answer → HTTP (API Gateway developer guide, "Output format of a Lambda function for proxy
integration"), and the little that API Gateway does to headers on the way.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_MEMBERS: Final = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
# RFC 9110, section 7.6.1: they describe one connection, and this one is not the function's.
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Renamed by REST APIs (developer guide, "Important notes"): a function that sets one of them is wrong on AWS.
_REMAPPED: Final = frozenset({"content-length", "date", "server", "www-authenticate"})
_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BASE64_CHUNK: Final = 1 << 20  # a multiple of 4


class MalformedAnswer(Exception):
    """API Gateway would log `Malformed Lambda proxy response` and answer 502. The message holds no header's value."""


class UndecodableBody(Exception):
    """isBase64Encoded, but the body is no base64: API Gateway's API_CONFIGURATION_ERROR."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes to the client. Headers in order, without Content-Length and Connection: those are the sender's."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | bytearray
    close: bool = False

    def has_header(self, name: str) -> bool:
        return any(own.lower() == name.lower() for own, _ in self.headers)


def map_answer(returned: Any, body: bytes | bytearray | None, *, decode_base64: bool) -> Answer:
    """The HTTP answer to what a function returned.

    `returned` is its JSON; when its body is a text, that comes apart, as UTF-8 in `body`. `decode_base64` says whether
    the API's binary media types cover the answer. Raises MalformedAnswer and UndecodableBody.
    """
    if not isinstance(returned, dict):
        raise MalformedAnswer(f"a mapping is expected, not {type(returned).__name__}")
    unknown = sorted(str(key) for key in set(returned) - _MEMBERS)
    if unknown:
        raise MalformedAnswer(f"unknown members: {', '.join(unknown)[:200]}")
    if returned.get("body") is not None:
        raise MalformedAnswer("the body is no text")
    encoded = returned.get("isBase64Encoded")
    if encoded not in (None, True, False):
        raise MalformedAnswer("isBase64Encoded is no boolean")
    status = _status(returned.get("statusCode"))
    headers = list(_headers(returned))
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("Content-Type", "application/json"))  # a REST API's default
    content: bytes | bytearray = body or b""
    if encoded and decode_base64:
        content = decode(content)
    return Answer(status=status, headers=headers, body=content)


def decode(text: bytes | bytearray) -> bytearray:
    """base64 → bytes, in steps: other threads get their turn between them. Raises UndecodableBody."""
    decoded = bytearray()
    view = memoryview(text)
    try:
        for start in range(0, len(view), _BASE64_CHUNK):
            decoded += base64.b64decode(view[start : start + _BASE64_CHUNK], validate=True)
    except (binascii.Error, ValueError) as error:
        raise UndecodableBody(str(error)) from error
    return decoded


def _status(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value[:4])
    if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:
        raise MalformedAnswer("statusCode must be from 200 to 599")
    return value


def _headers(returned: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """headers and multiValueHeaders as one list; a pair that is in both comes once."""
    multiple = _mapping(returned, "multiValueHeaders")
    seen: set[tuple[str, str]] = set()
    for name, values in multiple.items():
        if not isinstance(values, list):
            raise MalformedAnswer("multiValueHeaders holds a value that is no list")
        seen |= {(name.lower(), str(value)) for value in values}
        yield from _named(name, values)
    for name, value in _mapping(returned, "headers").items():
        if value is not None and (name.lower(), str(value)) not in seen:
            yield from _named(name, [value])


def _mapping(returned: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = returned.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedAnswer(f"{key} is no mapping")
    return value


def _named(name: str, values: Iterable[Any]) -> Iterator[tuple[str, str]]:
    if not _NAME.fullmatch(name):
        raise MalformedAnswer("a header's name holds a character that no name may hold")
    if name.lower() in _HOP_BY_HOP:
        return
    if name.lower() in _REMAPPED:
        name = f"x-amzn-Remapped-{name}"
    for value in values:
        if isinstance(value, bool):
            value = "true" if value else "false"  # noqa: PLW2901 - as JSON writes it
        if not isinstance(value, str | int | float):
            raise MalformedAnswer("a header's value is no text")
        text = str(value).strip(" \t")
        if _CONTROL.search(text):
            raise MalformedAnswer("a header's value holds a control character")
        yield name, text
