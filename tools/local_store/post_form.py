"""The form that a browser posts to a bucket, read strictly and written anew.

What the emulator gets is the second, so that two readers cannot understand one form in two ways. Rules: RFC 7578, and
Amazon S3 API reference, POST Object: the file comes last, and what follows it does not count. Only the standard library
is imported, as in `signatures`.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# S3's own bound for everything before the file is 20 KB.
MAX_HEAD_BYTES: Final = 20_480
_BOUNDARY: Final = re.compile(
    r"multipart/form-data;\s*boundary=\"?([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])\"?", re.I
)
_DISPOSITION: Final = re.compile(rb'form-data;\s*name="([^"\r\n]*)"(;\s*filename\*?=[^\r\n]*)?')
_NAME: Final = re.compile(rb"[A-Za-z0-9-]{1,128}")
_FILE: Final = b"file"


class MalformedForm(Exception):
    """No form that a client of ours would send."""


@dataclass(frozen=True, slots=True)
class Head:
    """The fields before the file, names in lower case, and where the file begins in the body."""

    fields: Mapping[str, str]
    file_start: int


def boundary_of(content_type: str) -> bytes:
    """Raises MalformedForm for anything but multipart/form-data with nothing but its boundary."""
    if not (match := _BOUNDARY.fullmatch(content_type.strip())):
        raise MalformedForm
    return match[1].encode("ascii")


def read_head(body: bytes | bytearray, boundary: bytes) -> Head | None:
    """Everything before the file; None when the body does not yet go so far. Raises MalformedForm."""
    delimiter = b"--" + boundary + b"\r\n"
    if not body.startswith(delimiter[: len(body)]):
        raise MalformedForm
    fields: dict[str, str] = {}
    start = len(delimiter)
    while (headers_end := body.find(b"\r\n\r\n", start, MAX_HEAD_BYTES)) >= 0:
        name = _name(bytes(body[start:headers_end]))
        if name == _FILE:
            return Head(fields, headers_end + 4)
        end = body.find(b"\r\n" + delimiter, headers_end + 4, MAX_HEAD_BYTES)
        if end < 0:
            break
        key = name.decode("ascii").lower()
        if key in fields:
            raise MalformedForm
        try:
            fields[key] = bytes(body[headers_end + 4 : end]).decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedForm from error
        start = end + 2 + len(delimiter)
    if len(body) >= MAX_HEAD_BYTES:
        raise MalformedForm
    return None


def rewritten(
    fields: Mapping[str, str], body: bytes | bytearray, head: Head, boundary: bytes
) -> tuple[str, list[bytes]]:
    """The content type of a new form with these fields and the file of the old one, and its body in three parts.

    Raises MalformedForm when the file does not end.
    """
    file_end = body.find(b"\r\n--" + boundary, head.file_start - 2)  # an empty file ends where its headers do
    if file_end < 0:
        raise MalformedForm
    fresh = secrets.token_hex(32)  # so no file and no field can hold it
    before = "".join(
        f'--{fresh}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    before += f'--{fresh}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'
    file = bytes(memoryview(body)[head.file_start : max(head.file_start, file_end)])
    return f"multipart/form-data; boundary={fresh}", [before.encode(), file, f"\r\n--{fresh}--\r\n".encode()]


def _name(headers: bytes) -> bytes:
    """The field's name; the part's other headers do not count."""
    dispositions = [
        line.partition(b":")[2].strip()
        for line in headers.split(b"\r\n")
        if line.partition(b":")[0].lower() == b"content-disposition"
    ]
    match = _DISPOSITION.fullmatch(dispositions[0]) if len(dispositions) == 1 else None
    if match is None or not _NAME.fullmatch(match[1]):
        raise MalformedForm
    return match[1]
