"""multipart/form-data (RFC 7578) from untrusted clients, on top of requests-toolbelt's decoder.

The toolbelt's decoder splits wherever the boundary's bytes occur, accepts a body without an end, has no limits, and
answers bad input with whatever exception it runs into. Here delimiters are recognised as RFC 2046 (5.1.1) writes
them, everything is bounded, and every defect is one exception, `MalformedMultipart`.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final
from urllib.parse import unquote_to_bytes

from requests_toolbelt.multipart.decoder import BodyPart, MultipartDecoder

MAX_PARTS: Final = 1000
MAX_PART_HEADER_BYTES: Final = 16 * 1024
MAX_PART_HEADER_LINES: Final = 100
MAX_TEXT_FIELD_BYTES: Final = 64 * 1024
MAX_BOUNDARY_CHARACTERS: Final = 256  # RFC 2046 says 70; some clients are more generous

_BOUNDARY: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,%d}[\x21-\x7e])?" % (MAX_BOUNDARY_CHARACTERS - 2))  # noqa: UP031
_DELIMITER_END: Final = re.compile(rb"[ \t]{0,256}\r\n|--")
# A header line, or the continuation of one: no lone CR or LF, a token before the colon (RFC 5322, 2.2).
_HEADER_LINE: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:|[ \t])[^\r\n]*")
# A quote that never closes runs to the end: a pattern that looked for the end and gave up would do so once a `;`.
_PARAMETER: Final = re.compile(r';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.?)*)(?:"|\Z)|([^;]*))', re.DOTALL)
_RFC_8187_CHARSETS: Final = frozenset({"utf-8", "iso-8859-1"})
_WHATWG_ESCAPES: Final = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))


class MalformedMultipart(Exception):
    """The body is no multipart form, is cut short, or goes beyond a limit."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; `filename` is None for a text field."""

    name: str
    data: bytes
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form's parts in their order; of several with one name the first counts."""

    parts: tuple[Part, ...]

    def first(self, name: str) -> Part | None:
        return next((part for part in self.parts if part.name == name), None)

    @property
    def fields(self) -> dict[str, str]:
        """The text fields; invalid UTF-8 reads as U+FFFD."""
        fields: dict[str, str] = {}
        for part in self.parts:
            if part.filename is None:
                fields.setdefault(part.name, part.data.decode("utf-8", errors="replace"))
        return fields


def parse_form(body: bytes, content_type: str) -> Form:
    """Parse a form's body by the boundary of its Content-Type header.

    Raises MalformedMultipart, and nothing else, whatever the input.
    """
    decoder = _Decoder(body, content_type)
    parts = (_read_part(part) for part in decoder.parts)
    return Form(tuple(part for part in parts if part is not None))


class _Decoder(MultipartDecoder):  # type: ignore[misc]  # the toolbelt has no types
    """The toolbelt's decoder with its two weak steps, finding the boundary and splitting, done strictly."""

    parts: tuple[BodyPart, ...]

    def _find_boundary(self) -> None:
        header = Message()
        header["content-type"] = re.sub(r"[\r\n]+", " ", self.content_type)
        if header.get_content_type() != "multipart/form-data":
            raise MalformedMultipart("not multipart/form-data")
        try:
            boundary = header.get_boundary("")
        except (ValueError, LookupError) as error:  # RFC 2231 continuations that make no sense
            raise MalformedMultipart("unreadable boundary") from error
        if not isinstance(boundary, str) or not _BOUNDARY.fullmatch(boundary):
            raise MalformedMultipart("missing or invalid boundary")
        self.boundary = boundary.encode("ascii")

    def _parse_body(self, content: bytes) -> None:
        parts: list[BodyPart] = []
        for start, end in _part_spans(content, b"--" + self.boundary):
            if len(parts) == MAX_PARTS:
                raise MalformedMultipart("too many parts")
            parts.append(_body_part(content, start, end))
        self.parts = tuple(parts)


def _part_spans(content: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each part starts and ends; raise MalformedMultipart if the closing delimiter never comes.

    A delimiter stands at the start of a line and has nothing but blanks after it, or `--` in the closing one: the
    same bytes elsewhere, or with more behind them, belong to the data. Preamble and epilogue are ignored.
    """
    line_start = b"\r\n" + delimiter
    part_start: int | None = None
    at = 0 if content.startswith(delimiter) else content.find(line_start)
    while at != -1:
        after = at + (len(delimiter) if at == 0 and content.startswith(delimiter) else len(line_start))
        end = _DELIMITER_END.match(content, after)
        if end is None:
            at = content.find(line_start, at + 1)
            continue
        if part_start is not None:
            yield part_start, at
        if end.group() == b"--":
            return
        part_start = end.end()
        at = content.find(line_start, part_start)
    raise MalformedMultipart("no closing delimiter")


def _body_part(content: bytes, start: int, end: int) -> BodyPart:
    """Make the toolbelt's BodyPart of a part, with its content as bytes and its header values as Latin-1 bytes."""
    if content.startswith(b"\r\n", start):  # no headers at all
        part = BodyPart(b"\r\n\r\n", "latin-1")
        part.content = content[start + len(b"\r\n") : end]
        return part
    header_end = content.find(b"\r\n\r\n", start, min(end, start + MAX_PART_HEADER_BYTES + len(b"\r\n\r\n")))
    if header_end == -1:
        raise MalformedMultipart("part headers unfinished or too long")
    lines = content[start:header_end].split(b"\r\n")
    if len(lines) > MAX_PART_HEADER_LINES or not all(map(_HEADER_LINE.fullmatch, lines)):
        raise MalformedMultipart("invalid part header")
    try:
        # Only the header goes through the toolbelt, so that a file of 50 MB is not copied once more.
        part = BodyPart(content[start:header_end] + b"\r\n\r\n", "latin-1")
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise MalformedMultipart("unreadable part header") from error
    part.content = content[header_end + len(b"\r\n\r\n") : end]
    return part


def _read_part(part: BodyPart) -> Part | None:
    """Name, file name and decoded data of a part; None for one that is no form field."""
    kind, parameters = _disposition(part.headers.get(b"content-disposition", b""))
    if kind != "form-data" or "name" not in parameters:
        return None
    filename = _filename(parameters)
    data = _transfer_decoded(part.content, part.headers.get(b"content-transfer-encoding", b""))
    if filename is None and len(data) > MAX_TEXT_FIELD_BYTES:
        raise MalformedMultipart("text field too long")
    return Part(_unescaped(parameters["name"]), data, filename)


def _disposition(header: bytes) -> tuple[str, dict[str, str]]:
    """Split a Content-Disposition into its type and parameters, of repeated ones the first.

    UTF-8 as browsers send it, else Latin-1. A backslash escapes only a quote or a backslash: browsers and old clients
    send Windows paths as they are.
    """
    header = re.sub(rb"\r\n[ \t]+", b" ", header)  # unfold (RFC 5322, 2.2.3)
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError:
        text = header.decode("latin-1")
    kind, semicolon, rest = text.partition(";")
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(semicolon + rest):
        name, quoted, bare = match.groups()
        value = re.sub(r'\\(["\\])', r"\1", quoted) if quoted is not None else bare.strip()
        parameters.setdefault(name.lower(), value)
    return kind.strip().lower(), parameters


def _filename(parameters: dict[str, str]) -> str | None:
    """`filename*` (RFC 8187) where it is readable, else `filename`; None if the part names no file."""
    extended = parameters.get("filename*")
    plain = parameters.get("filename")
    if extended is not None:
        charset, quote, rest = extended.partition("'")
        _language, second_quote, encoded = rest.partition("'")
        if quote and second_quote and charset.lower() in _RFC_8187_CHARSETS:
            try:
                decoded = unquote_to_bytes(encoded).decode(charset)
            except UnicodeDecodeError:
                pass
            else:
                return decoded or _unescaped(plain or "")
        if plain is None:
            return extended  # unreadable, but the client did name a file
    return None if plain is None else _unescaped(plain)


def _unescaped(text: str) -> str:
    """Undo what browsers do to quotes and line ends in names (WHATWG HTML, multipart/form-data encoding)."""
    for escape, character in _WHATWG_ESCAPES:
        text = text.replace(escape, character).replace(escape.lower(), character)
    return text


def _transfer_decoded(data: bytes, encoding: bytes) -> bytes:
    """Undo a Content-Transfer-Encoding: deprecated by RFC 7578 (4.7), still sent by mail-minded clients."""
    match encoding.strip().lower():
        case b"base64":
            try:
                return binascii.a2b_base64(data)
            except binascii.Error as error:
                raise MalformedMultipart("invalid base64") from error
        case b"quoted-printable":
            return quopri.decodestring(data)
    return data
