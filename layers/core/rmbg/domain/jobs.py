"""Jobs: pictures that are uploaded to storage and asked for later."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from rmbg.domain.calendar import DAY_SECONDS
from rmbg.domain.credits import Channel
from rmbg.domain.options import Options

UPLOAD_SECONDS: Final = 900
LINK_SECONDS: Final = 900  # of a presigned GET
JOB_SECONDS: Final = 8 * DAY_SECONDS
RESULT_SECONDS: Final = 7 * DAY_SECONDS
UPLOAD_GRACE_SECONDS: Final = 3600  # an upload begins before its form expires, and events may be late
STALLED_SECONDS: Final = 2 * 3600  # five receives of the queue, and an hour
SERVER_ERROR: Final = 500

METADATA_PREFIX: Final = "rmbg-"
_OPTION_FIELDS: Final = ("w", "h", "angle", "format", "bg_color", "mask", "exact_resize", "expand")


class JobStatus(StrEnum):
    """The contract's states of a job."""

    WAITING = "waiting_for_upload"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobResult:
    """A result object: its key, and what is said of the picture in it."""

    key: str
    media_type: str
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to be made. Instants are seconds since the epoch; `fields` are the options as text.

    `expires_at` is the upload form's, `ends_at` that of the job itself. `error` is the public document of a failure.
    """

    id: str
    uid: str
    status: JobStatus
    fields: Mapping[str, str]
    filename: str
    channel: Channel
    created_at: int
    expires_at: int
    ends_at: int
    started_at: int = 0
    result: JobResult | None = None
    error: Mapping[str, Any] | None = None


def as_seen(job: Job, now: int) -> Job | None:
    """A job as its owner sees it at `now`: what waits for too long has failed. None once it is over.

    Only derived, never stored: an upload or a delivery that is later still may yet make it done.
    """
    if now >= job.ends_at:
        return None
    if job.status is JobStatus.WAITING and now >= job.expires_at + UPLOAD_GRACE_SECONDS:
        return _failed(job, 410, "The upload did not arrive in time.")
    if job.status is JobStatus.PROCESSING and now >= job.started_at + STALLED_SECONDS:
        return _failed(job, SERVER_ERROR, "Internal server error")
    return job


def canonical_fields(options: Options) -> dict[str, str]:
    """The options as text, without those that are the default: `parse_options` reads the same ones back."""
    fields: dict[str, str] = {}
    default = Options()
    if options.width is not None:
        fields["w"] = str(options.width)
    if options.height is not None:
        fields["h"] = str(options.height)
    if options.angle_degrees:
        fields["angle"] = repr(options.angle_degrees)
    if options.format is not default.format:
        fields["format"] = options.format.value
    if options.bg_color is not None:
        fields["bg_color"] = "#" + bytes(options.bg_color).hex()
    for name in ("mask", "exact_resize", "expand"):
        value = getattr(options, name)
        if value is not getattr(default, name):
            fields[name] = "true" if value else "false"
    return fields


def fields_of_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """The options in an object's user metadata: `rmbg-format`, `rmbg-bg-color` (or `rmbg-bg_color`), in any case."""
    given = {
        name.lower().removeprefix(METADATA_PREFIX).replace("-", "_"): value
        for name, value in metadata.items()
        if name.lower().startswith(METADATA_PREFIX)
    }
    return {name: given[name] for name in _OPTION_FIELDS if name in given}


def fields_of_document(document: Mapping[str, Any]) -> dict[str, str]:
    """The members of a JSON document as a form's text fields; null is unset."""
    return {name: as_text(document[name]) for name in _OPTION_FIELDS if document.get(name) is not None}


def as_text(value: Any) -> str:
    """A JSON value by its text; a lone surrogate, which can be neither stored nor sent, as a question mark."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _failed(job: Job, status: int, message: str) -> Job:
    return replace(job, status=JobStatus.FAILED, error={"error": message, "status": status}, result=None)
