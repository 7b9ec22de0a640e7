"""POST /jobs: a job is made, and a form to upload its picture by (CONTRACT: Large files)."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rmbg.domain.calendar import DAY_SECONDS
from rmbg.domain.filenames import base_name, extension, media_type
from rmbg.domain.jobs import JOB_SECONDS, UPLOAD_SECONDS, Job, JobStatus, as_text, canonical_fields, fields_of_document
from rmbg.domain.keys import base62
from rmbg.domain.object_keys import upload_key
from rmbg.domain.options import ASCII_BLANKS, INTEGER, FieldProblem, Options, parse_options, quote
from rmbg.errors import PublicError, invalid_parameters
from rmbg.services.authenticate import Identity
from rmbg.services.idempotency import other_request
from rmbg.services.uploads import check_filename, check_size, no_image_file
from rmbg.storage import jobs, schema
from rmbg.storage.credits import text
from rmbg.storage.database import ConditionFailed, StoreUnavailable, TransactionFailed
from rmbg.storage.expressions import get
from rmbg.storage.objects import Objects, PresignedPost
from rmbg.storage.store import Store

_ID_CHARACTERS: Final = 22  # 128 bits in base62
_MAX_STEM_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a job is asked for, checked."""

    filename: str
    options: Options
    size_bytes: int | None

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of everything that makes two requests the same one."""
        canonical = json.dumps(["job", self.filename, canonical_fields(self.options), self.size_bytes])
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CreatedJob:
    """A job, and where its file is to be sent."""

    job: Job
    form: PresignedPost


def parse_job_request(body: bytes) -> JobRequest:
    """Read a request's JSON. Raises PublicError: no object, rows 5 to 9, then 12, in this order."""
    try:
        return _parsed(_object(body))
    except RecursionError:  # a value so deep that it can be read and not be quoted
        raise _no_object() from None


def _parsed(document: Mapping[str, Any]) -> JobRequest:
    given = document.get("filename")
    if given is None or isinstance(given, list | dict):
        raise no_image_file()
    filename = as_text(given)
    check_filename(filename)
    size_bytes, problem = _size(document.get("size_bytes"))
    if size_bytes is not None:
        check_size(size_bytes)
    options, problems = parse_options(fields_of_document(document))
    if problem is not None:
        problems.append(problem)
    if problems:
        raise invalid_parameters(problems)
    return JobRequest(_kept_name(filename), options, size_bytes)


class CreateJob:
    """Makes jobs whose files go to `bucket`. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, objects: Objects, bucket: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._objects = objects
        self._bucket = bucket
        self._clock = clock

    def create(self, identity: Identity, request: JobRequest, *, idempotency_key: str = "") -> CreatedJob:
        """A new job; under an Idempotency-Key of the last 24 hours that one again, with a new form.

        Raises PublicError (422: the key was used for another request), StoreUnavailable and ObjectsUnavailable.
        """
        now = int(self._clock())
        job = Job(
            id=f"job_{base62(uuid.uuid4().int, _ID_CHARACTERS)}",
            uid=identity.account.uid,
            status=JobStatus.WAITING,
            fields=canonical_fields(request.options),
            filename=request.filename,
            channel=identity.channel,
            created_at=now,
            expires_at=now + UPLOAD_SECONDS,
            ends_at=now + JOB_SECONDS,
        )
        if idempotency_key:
            job = self._once(job, request.fingerprint, idempotency_key)
        else:
            self._store.database.put(jobs.create(self._store.core, job))
        key = upload_key(job.uid, job.id, job.filename)
        form = self._objects.post_form(self._bucket, key, media_type=media_type(job.filename), seconds=UPLOAD_SECONDS)
        return CreatedJob(job, form)

    def _once(self, job: Job, fingerprint: str, idempotency_key: str) -> Job:
        """The job that the key made, which is this one if there is none yet. Both are written together."""
        claim = jobs.claim_key(
            self._store.ephemeral,
            schema.idempotency(job.uid, idempotency_key),
            fingerprint=fingerprint,
            job_id=job.id,
            expires_at=job.created_at + DAY_SECONDS,
            now=job.created_at,
        )
        try:
            self._store.database.transact([{"Update": claim}, {"Put": jobs.create(self._store.core, job)}])
        except TransactionFailed as failure:
            row = failure.rows[0] or {}
        else:
            return job
        if row and text(row, "fingerprint") != fingerprint:
            raise other_request()
        return self._renewed(job, text(row, "owner"))

    def _renewed(self, new: Job, job_id: str) -> Job:
        """An earlier job, with as much time for its upload as a new one has."""
        database, core = self._store.database, self._store.core
        row = database.get(get(core, schema.job(new.uid, job_id)))
        if row is None:
            raise StoreUnavailable
        job = jobs.read_job(row)
        try:
            database.update(
                jobs.renew(core, job.uid, job.id, expires_at=new.expires_at, ends_at=max(job.ends_at, new.ends_at))
            )
        except ConditionFailed:
            return replace(job, expires_at=new.expires_at)
        return replace(job, expires_at=new.expires_at, ends_at=max(job.ends_at, new.ends_at))


def _object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body, its numbers as they are written."""
    try:
        document = json.loads(body.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _no_object()
    return document


def _no_object() -> PublicError:
    return PublicError(400, "Request body must be a JSON object.")


def _size(value: Any) -> tuple[int | None, FieldProblem | None]:
    """`size_bytes`: a whole number from 0 on; absent and empty are the same."""
    given = "" if value is None else as_text(value)
    digits = given.strip(ASCII_BLANKS)
    if not digits:
        return None, None
    if not INTEGER.fullmatch(digits):
        return None, FieldProblem("size_bytes", f"'size_bytes' must be an integer, got: '{quote(given)}'")
    if int(digits) < 0:
        return None, FieldProblem("size_bytes", f"'size_bytes' must be at least 0, got: {int(digits)}")
    return int(digits), None


def _kept_name(filename: str) -> str:
    """The base name, of one that is endless its beginning and its extension."""
    base = base_name(filename)
    suffix = extension(base)
    stem = base[: -len(suffix) - 1] if suffix else base
    return (stem[:_MAX_STEM_CHARACTERS] or "image") + (f".{suffix}" if suffix else "")
