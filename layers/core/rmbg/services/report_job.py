"""GET /jobs/{job_id}: how a job stands, and a link to its result."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rmbg.domain.filenames import content_disposition
from rmbg.domain.jobs import LINK_SECONDS, Job, JobStatus, as_seen
from rmbg.domain.object_keys import is_job_id
from rmbg.errors import PublicError
from rmbg.storage import jobs, schema
from rmbg.storage.expressions import get
from rmbg.storage.objects import Objects
from rmbg.storage.store import Store


@dataclass(frozen=True, slots=True)
class ResultLink:
    """A link that anybody can get the result by, until `expires_at` (epoch seconds)."""

    url: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class JobReport:
    """A job as its owner sees it; `link` if it is done."""

    job: Job
    link: ResultLink | None


class ReportJob:
    """Reports jobs whose results are in `bucket`. `clock` gives seconds since the epoch."""

    def __init__(self, store: Store, objects: Objects, bucket: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._objects = objects
        self._bucket = bucket
        self._clock = clock

    def report(self, uid: str, job_id: str) -> JobReport:
        """A job of an account.

        Raises PublicError (404: none, another account's, or over), StoreUnavailable and ObjectsUnavailable.
        """
        now = int(self._clock())
        row = self._store.database.get(get(self._store.core, schema.job(uid, job_id))) if is_job_id(job_id) else None
        job = as_seen(jobs.read_job(row), now) if row is not None else None
        if job is None:
            raise PublicError(404, "Job not found.")
        result = job.result if job.status is JobStatus.DONE else None
        if result is None:
            return JobReport(job, None)
        url = self._objects.link(
            self._bucket,
            result.key,
            disposition=content_disposition(result.key.rpartition("/")[2]),
            media_type=result.media_type,
            seconds=LINK_SECONDS,
        )
        return JobReport(job, ResultLink(url, now + LINK_SECONDS))
