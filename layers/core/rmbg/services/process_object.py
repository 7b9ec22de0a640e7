"""An object of the inputs' bucket becomes a result: paid once, however often and in whatever order we hear of it.

An event only says "look there": what is processed is the object as it is now. The result is put before the credit is
kept, so that a crash in between costs nothing and the next delivery does it again.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from rmbg.domain.credits import Account, Channel
from rmbg.domain.jobs import SERVER_ERROR, Job, JobResult, fields_of_metadata
from rmbg.domain.object_keys import InputKey, charge_id, parse_input_key
from rmbg.domain.pictures import Cutout
from rmbg.errors import PublicError, error_document
from rmbg.observability import StageTimer, count_metric, logger
from rmbg.services.charges import ChargePayment, is_paid
from rmbg.services.credits import Credits
from rmbg.services.deadline import Deadline
from rmbg.services.object_results import ObjectResults
from rmbg.services.remove_background import Imaging, remove_background
from rmbg.services.uploads import Upload, check_filename, check_size
from rmbg.storage import accounts, jobs, schema
from rmbg.storage.database import ConditionFailed
from rmbg.storage.expressions import Write, get
from rmbg.storage.notices import Notices
from rmbg.storage.objects import ObjectChanged, ObjectHead, ObjectMissing, Objects
from rmbg.storage.store import Store

_LAST_WORDS_SECONDS: Final = (
    10.0  # of the function's time, kept for what follows the deadline: a commit with its retries
)


class Outcome(StrEnum):
    """What came of an event."""

    DONE = "done"
    FAILED = "failed"  # for good, and its owner is told
    SETTLED = "settled"  # it is done already, or another event will have it done, or there is nothing there
    FOREIGN = "foreign"  # no input of ours


@dataclass(frozen=True, slots=True)
class _Input:
    """An object that an event told of."""

    bucket: str
    key: str
    source: InputKey


class ProcessObject:
    """`clock` gives seconds since the epoch, `monotonic` those of deadlines."""

    def __init__(
        self,
        store: Store,
        credit_book: Credits,
        objects: Objects,
        results: ObjectResults,
        notices: Notices,
        imaging: Imaging[Any, Any, Any],
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._credits = credit_book
        self._objects = objects
        self._results = results
        self._notices = notices
        self._imaging = imaging
        self._clock = clock
        self._monotonic = monotonic

    def process(self, bucket: str, key: str, *, left_seconds: float, last: bool = False) -> Outcome:
        """Look at an object and do what is to be done; `left_seconds` is the function's time.

        What is wrong with the object or the account is told to its owner. Everything else is raised, so that the
        queue delivers it again; if this was the `last` time, the owner is told of a fault of ours as well.
        """
        source = parse_input_key(key)
        if source is None:
            logger.info("object ignored", outcome=Outcome.FOREIGN.value)
            return Outcome.FOREIGN
        told = _Input(bucket, key, source)
        try:
            outcome = self._process(told, left_seconds)
        except Exception as error:
            if isinstance(error, PublicError) and error.status < SERVER_ERROR:
                return self._fail(told, error)
            if last:
                self._give_up(told)
            raise
        logger.info("object", outcome=outcome.value, job_id=source.job_id)
        return outcome

    def _process(self, told: _Input, left_seconds: float) -> Outcome:
        source = told.source
        try:
            head = self._objects.head(told.bucket, told.key)
        except ObjectMissing:
            return Outcome.SETTLED
        fields = fields_of_metadata(head.metadata)
        charge = charge_id(source, told.bucket, told.key, head.version, fields)
        if is_paid(self._store, source.uid, charge, int(self._clock())):
            return Outcome.SETTLED
        try:
            return self._work(told, head, charge, left_seconds)
        except ObjectChanged:
            return Outcome.SETTLED
        except PublicError as error:
            if error.status < SERVER_ERROR and self._is_outdated(told, head):
                return Outcome.SETTLED
            raise

    def _is_outdated(self, told: _Input, head: ObjectHead) -> bool:
        """Whether a file of the inbox was replaced meanwhile: then what is to be told of it is the new one's."""
        if told.source.job_id:
            return False
        try:
            now = self._objects.head(told.bucket, told.key)
        except ObjectMissing:
            return False
        return (now.version, now.metadata) != (head.version, head.metadata)

    def _work(self, told: _Input, head: ObjectHead, charge: str, left_seconds: float) -> Outcome:
        """One version of an object. Raises ObjectChanged: it was replaced, and another event follows."""
        source, fields = told.source, fields_of_metadata(head.metadata)
        account = self._account(source.uid)
        if not source.job_id:
            check_filename(source.filename)
        check_size(head.size_bytes)
        try:
            job = self._begin(source)
            data = self._objects.get(told.bucket, told.key, etag=head.etag)
        except (ConditionFailed, ObjectMissing):
            return Outcome.SETTLED
        upload = Upload(source.filename, data, fields) if job is None else Upload(job.filename, data, job.fields)
        payment = ChargePayment(
            self._store,
            self._credits,
            account,
            job.channel if job is not None else Channel.API,
            charge,
            lease_seconds=left_seconds,
            clock=self._clock,
        )
        return self._make(told, head, job, upload, payment, left_seconds)

    def _make(
        self,
        told: _Input,
        head: ObjectHead,
        job: Job | None,
        upload: Upload,
        payment: ChargePayment,
        left_seconds: float,
    ) -> Outcome:
        """Make the picture, put it where it belongs, and have it paid."""
        delivered: list[JobResult] = []

        def deliver(cutout: Cutout) -> None:
            if self._is_outdated(told, head):
                raise ObjectChanged
            result = self._results.put_picture(told.source, head.version, job, cutout)
            delivered.append(result)
            payment.for_result(result.key, *self._finish(job, result))

        timer = StageTimer()
        deadline = Deadline(self._monotonic() + left_seconds - _LAST_WORDS_SECONDS, self._monotonic)
        remove_background(upload, self._imaging, payment, deadline=deadline, timer=timer, deliver=deliver)
        logger.info("picture", stages=timer.server_timing, size_bytes=delivered[0].size_bytes)
        if not payment.credits_charged:  # somebody else was quicker
            return Outcome.SETTLED
        self._tell(told, Outcome.DONE, {"result": {"bucket": self._results.bucket, **asdict(delivered[0])}})
        return Outcome.DONE

    def _account(self, uid: str) -> Account:
        row = self._store.database.get(get(self._store.core, schema.account(uid)))
        if row is None:
            raise PublicError(404, "User not found.")
        account = accounts.read_account(row)
        if account.suspended:
            raise PublicError(403, "This account is suspended.")
        return account

    def _begin(self, source: InputKey) -> Job | None:
        """The job of an upload. Raises ConditionFailed: there is none, or it has ended."""
        if not source.job_id:
            return None
        request = jobs.begin(self._store.core, source.uid, source.job_id, now=int(self._clock()))
        return jobs.read_job(self._store.database.update(request))

    def _finish(self, job: Job | None, result: JobResult) -> list[Write]:
        if job is None:
            return []
        return [{"Update": jobs.finish(self._store.core, job.uid, job.id, result, now=int(self._clock()))}]

    def _fail(self, told: _Input, error: PublicError) -> Outcome:
        """Tell the owner: in the job, or beside where the result would be."""
        source, document = told.source, error_document(error)
        if source.job_id:
            try:
                self._store.database.update(jobs.fail(self._store.core, source.uid, source.job_id, document))
            except ConditionFailed:  # no such job, or it has ended otherwise
                return Outcome.SETTLED
        else:
            self._results.put_error(source, document)
        logger.info("object", outcome=Outcome.FAILED.value, status=error.status, job_id=source.job_id)
        self._tell(told, Outcome.FAILED, {"error": document})
        return Outcome.FAILED

    def _give_up(self, told: _Input) -> None:
        """Nobody tries again by itself: an operator may, and then it may yet be done."""
        count_metric("ObjectGivenUp")
        try:
            self._fail(told, PublicError(SERVER_ERROR, "Internal server error"))
        except PublicError as error:
            logger.error("owner not told", cause=type(error).__name__)

    def _tell(self, told: _Input, outcome: Outcome, more: dict[str, object]) -> None:
        """A notice to the operator's topic."""
        document: dict[str, object] = {"status": outcome.value, "user_id": told.source.uid}
        if told.source.job_id:
            document["job_id"] = told.source.job_id
        self._notices.publish(outcome.value, {**document, "input": {"bucket": told.bucket, "key": told.key}, **more})
