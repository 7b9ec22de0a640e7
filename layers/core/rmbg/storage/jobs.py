"""Requests of jobs, of what is done and paid, and of Idempotency-Keys of POST /jobs; and reading the items."""

import json
from collections.abc import Mapping
from typing import Any

from rmbg.domain.calendar import DAY_SECONDS
from rmbg.domain.credits import Channel
from rmbg.domain.jobs import RESULT_SECONDS, SERVER_ERROR, Job, JobResult, JobStatus
from rmbg.storage import schema
from rmbg.storage.credits import integer, text
from rmbg.storage.database import Row
from rmbg.storage.expressions import Request, Value, aliases, put_if_absent, update
from rmbg.storage.schema import Key

# Neither done nor failed for good: only then may anything more become of a job. A fault of ours is not for good.
_OPEN = "attribute_exists(#pk) AND #status <> :done AND (attribute_not_exists(#code) OR #code >= :server)"
_OPEN_NAMES = aliases("pk", "status", "code")
_OPEN_VALUES: Mapping[str, Value] = {":done": JobStatus.DONE.value, ":server": SERVER_ERROR}


def create(table: str, job: Job) -> Request:
    """A new job."""
    item: dict[str, Value] = {
        "status": job.status.value,
        "options": json.dumps(job.fields),
        "filename": job.filename,
        "channel": job.channel.value,
        "created": job.created_at,
        "expires": job.expires_at,
        "ttl": job.ends_at,
    }
    return put_if_absent(table, schema.job(job.uid, job.id), item)


def claim_key(table: str, key: Key, *, fingerprint: str, job_id: str, expires_at: int, now: int) -> Request:
    """Note which job an Idempotency-Key made, unless it has made something within a day."""
    return update(
        table,
        key,
        "SET #fingerprint = :fingerprint, #owner = :owner, #state = :state, #ttl = :ttl",
        condition="attribute_not_exists(#pk) OR #ttl <= :now",
        names=aliases("fingerprint", "owner", "state", "ttl", "pk"),
        values={":fingerprint": fingerprint, ":owner": job_id, ":state": "job", ":ttl": expires_at, ":now": now},
    )


def renew(table: str, uid: str, job_id: str, *, expires_at: int, ends_at: int) -> Request:
    """A job that still waits gets a new form for its upload."""
    return update(
        table,
        schema.job(uid, job_id),
        "SET #expires = :expires, #ttl = :ttl",
        condition="#status = :waiting",
        names=aliases("status", "expires", "ttl"),
        values={":expires": expires_at, ":ttl": ends_at, ":waiting": JobStatus.WAITING.value},
    )


def begin(table: str, uid: str, job_id: str, *, now: int) -> Request:
    """Its file is there, and being worked on."""
    return update(
        table,
        schema.job(uid, job_id),
        "SET #status = :processing, #started = :now REMOVE #error, #code",
        condition=_OPEN,
        names={**_OPEN_NAMES, **aliases("started", "error")},
        values={**_OPEN_VALUES, ":processing": JobStatus.PROCESSING.value, ":now": now},
    )


def finish(table: str, uid: str, job_id: str, result: JobResult, *, now: int) -> Request:
    """It is done; the result is there for seven days."""
    return update(
        table,
        schema.job(uid, job_id),
        "SET #status = :done, #result = :result, #media_type = :media_type, #width = :width, #height = :height, "
        "#size = :size, #ttl = :ttl REMOVE #error, #code",
        condition=_OPEN,
        names={**_OPEN_NAMES, **aliases("result", "media_type", "width", "height", "size", "ttl", "error")},
        values={
            **_OPEN_VALUES,
            ":result": result.key,
            ":media_type": result.media_type,
            ":width": result.width,
            ":height": result.height,
            ":size": result.size_bytes,
            ":ttl": now + RESULT_SECONDS,
        },
    )


def fail(table: str, uid: str, job_id: str, error: Mapping[str, Any]) -> Request:
    """It failed; for good if the error's status is below 500."""
    return update(
        table,
        schema.job(uid, job_id),
        "SET #status = :failed, #error = :error, #code = :code",
        condition=_OPEN,
        names={**_OPEN_NAMES, **aliases("error")},
        values={
            **_OPEN_VALUES,
            ":failed": JobStatus.FAILED.value,
            ":error": json.dumps(error),
            ":code": int(error["status"]),
        },
    )


def put_done(table: str, uid: str, charge_id: str, *, owner: str, result_key: str, now: int) -> Request:
    """A charge is paid, by the reservation `owner`, for as long as what it paid for is there."""
    return {
        **put_if_absent(
            table,
            schema.done(uid, charge_id),
            {"owner": owner, "result": result_key, "at": now, "ttl": now + schema.DONE_DAYS * DAY_SECONDS},
        ),
        "ConditionExpression": "attribute_not_exists(#pk) OR #at <= :old",
        "ExpressionAttributeNames": aliases("pk", "at"),
        "ExpressionAttributeValues": {":old": {"N": str(now - RESULT_SECONDS)}},
    }


def is_done(row: Row | None, now: int) -> bool:
    """Whether an item says that a charge is paid and its result is still kept."""
    return row is not None and integer(row, "at") > now - RESULT_SECONDS


def read_job(row: Row) -> Job:
    """A job's item."""
    result = None
    if text(row, "result"):
        result = JobResult(
            key=text(row, "result"),
            media_type=text(row, "media_type"),
            width=integer(row, "width"),
            height=integer(row, "height"),
            size_bytes=integer(row, "size"),
        )
    return Job(
        id=text(row, "sk").removeprefix("J#"),
        uid=text(row, "pk").removeprefix("U#"),
        status=JobStatus(text(row, "status")),
        fields=json.loads(text(row, "options")),
        filename=text(row, "filename"),
        channel=Channel(text(row, "channel")),
        created_at=integer(row, "created"),
        expires_at=integer(row, "expires"),
        ends_at=integer(row, "ttl"),
        started_at=integer(row, "started"),
        result=result,
        error=json.loads(text(row, "error")) if "error" in row else None,
    )
