"""Keys of objects: where inputs lie, where what became of them goes, and names that are safe in both.

uploads/{uid}/{job_id}/{filename}            a job's file, by presigned POST
inbox/{uid}/{path...}/{name.ext}             the operator's own files
jobs/{uid}/{job_id}/{upload}/{NAME}-rmbg.{ext}   the result of one of a job's uploads
results/{uid}/{path...}/{name}.{ext}         an inbox file's, or {name.ext}.error.json
answers/{random}/{NAME}-rmbg.{ext}       an answer of POST /rmbg that is too large for Lambda
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rmbg.domain.filenames import base_name, extension, result_name
from rmbg.domain.identifiers import is_user_id

UPLOADS: Final = "uploads"
INBOX: Final = "inbox"
MAX_KEY_BYTES: Final = 1024  # Amazon S3 User Guide, Creating object key names
_MARK_CHARACTERS: Final = 16
_LONGEST_ADDITION_BYTES: Final = len("results") - len(INBOX) + _MARK_CHARACTERS + len("..webp")
_MAX_UPLOAD_NAME_CHARACTERS: Final = 100
_JOB_ID: Final = re.compile(r"job_[0-9A-Za-z]{22}")
# A presigned POST puts the file's own name in place of ${filename}, and not every client sends UTF-8.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class InputKey:
    """A key of an input: a job's upload, or, without `job_id`, a file of the inbox with its `path` in it."""

    uid: str
    job_id: str
    path: str

    @property
    def filename(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def is_job_id(text: str) -> bool:
    """The id of a job, as it is made here."""
    return _JOB_ID.fullmatch(text) is not None


def parse_input_key(key: str) -> InputKey | None:
    """What a key of the inputs' bucket says; None for one that is no input of ours, a folder's marker included."""
    area, _, rest = key.partition("/")
    uid, _, path = rest.partition("/")
    if not is_user_id(uid) or not path or path.endswith("/"):
        return None
    if area == INBOX:
        fits = len(key.encode("utf-8", errors="replace")) + _LONGEST_ADDITION_BYTES <= MAX_KEY_BYTES
        return InputKey(uid, "", path) if fits else None
    job_id, _, name = path.partition("/")
    if area != UPLOADS or not is_job_id(job_id) or not name or "/" in name:
        return None
    return InputKey(uid, job_id, name)


def upload_key(uid: str, job_id: str, filename: str) -> str:
    """Where a job's file goes: its name in ASCII letters, digits, dots, dashes and underscores."""
    base = base_name(filename)
    suffix = extension(base)
    stem = base[: -len(suffix) - 1] if suffix else base
    safe = _UNSAFE.sub("_", stem).strip("._")[:_MAX_UPLOAD_NAME_CHARACTERS] or "image"
    ending = _UNSAFE.sub("_", suffix)[:_MAX_UPLOAD_NAME_CHARACTERS]
    return f"{UPLOADS}/{uid}/{job_id}/{safe}{'.' + ending if ending else ''}"


def job_result_key(uid: str, job_id: str, version: str, filename: str, new_extension: str) -> str:
    """A key of its own for each upload: of two under one form one is paid, and only that one's result is told."""
    return f"jobs/{uid}/{job_id}/{mark(version)}/{result_name(filename, new_extension)}"


def mark(text: str) -> str:
    """Sixteen characters that stand for any text."""
    return hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:_MARK_CHARACTERS]


def answer_key(identifier: str, filename: str, new_extension: str) -> str:
    return f"answers/{identifier}/{result_name(filename, new_extension)}"


def inbox_result_key(source: InputKey, new_extension: str) -> str:
    """The same folder, the same name, the result's extension."""
    suffix = extension(source.filename)
    stem = source.path[: -len(suffix) - 1] if suffix else source.path
    return f"results/{source.uid}/{stem}.{new_extension}"


def inbox_second_result_key(source: InputKey, new_extension: str) -> str:
    """Where the result goes if that of a file with another extension has the name already: `a.jpg.webp`."""
    return f"results/{source.uid}/{source.path}.{new_extension}"


def inbox_third_result_key(source: InputKey, new_extension: str) -> str:
    """Where it goes if there is a file of that name, too: no other file's result can."""
    return f"results/{source.uid}/{source.path}.{mark(source.path)}.{new_extension}"


def inbox_error_key(source: InputKey) -> str:
    return f"results/{source.uid}/{source.path}.error.json"


def charge_id(source: InputKey, bucket: str, key: str, version: str, fields: Mapping[str, str]) -> str:
    """What is paid for once: a job, or these bytes with these options under this name.

    `version` is the object's version id or ETag: options are metadata, which no ETag tells apart.
    """
    if source.job_id:
        return source.job_id
    identity = json.dumps([bucket, key, version, sorted(fields.items())])
    return hashlib.sha256(identity.encode()).hexdigest()
