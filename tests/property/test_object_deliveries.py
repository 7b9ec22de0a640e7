"""Objects that are delivered in any order, as often as one likes, by processes that fail anywhere: paid once each."""

import json
from contextlib import suppress
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from rmbg.domain.jobs import Job, JobStatus
from rmbg.services.process_object import Outcome
from rmbg.storage.credits import text
from rmbg.storage.database import StoreUnavailable
from rmbg.storage.expressions import query
from rmbg.storage.objects import ObjectsUnavailable
from tests.support.folder import UID, Folder
from tests.support.objects import Fate, Fates, Killed

GOOD, BAD = b"image", b"none"
files = st.lists(st.tuples(st.booleans(), st.sampled_from([GOOD, GOOD, GOOD, BAD])), min_size=1, max_size=4)
deliveries = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.none() | st.tuples(st.sampled_from(Fate), st.integers(1, 14)),
        st.sampled_from([0, 0, 1, 60, 200]),
        st.integers(0, 5),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(files=files, deliveries=deliveries, prepaid=st.booleans())
def test_each_object_has_one_result_and_costs_one_credit(
    files: list[tuple[bool, bytes]],
    deliveries: list[tuple[int, tuple[Fate, int] | None, int, int]],
    prepaid: bool,
) -> None:
    folder = Folder(included=0 if prepaid else 100, prepaid=100)
    jobs = [folder.job() if is_job else None for is_job, _ in files]
    keys = [
        folder.send(job, data) if job is not None else folder.inbox(f"{place}.jpg", data)
        for place, (job, (_, data)) in enumerate(zip(jobs, files, strict=True))
    ]
    for which, fate, seconds, overwrite in deliveries:
        place = which % len(files)
        if overwrite == 1 and jobs[place] is None:
            folder.inbox(f"{place}.jpg", files[place][1] + bytes(str(folder.clock.now), "ascii"))
        fates = Fates(partial(_at, fate))
        with suppress(StoreUnavailable, ObjectsUnavailable, Killed):
            folder.process(keys[place], fates=fates)
        folder.clock.advance(seconds)
    for key in keys:
        assert folder.process(key) in {Outcome.DONE, Outcome.SETTLED, Outcome.FAILED}
    _check(folder, jobs, files, prepaid)


def _at(fate: tuple[Fate, int] | None, _: str, number: int) -> Fate | None:
    return fate[0] if fate and fate[1] == number else None


def _check(folder: Folder, jobs: list[Job | None], files: list[tuple[bool, bytes]], prepaid: bool) -> None:
    expected = set()
    for place, (job, (_, data)) in enumerate(zip(jobs, files, strict=True)):
        if job is not None:
            report = folder.report(job)
            assert report.job.status is (JobStatus.DONE if data == GOOD else JobStatus.FAILED)
            expected |= {report.job.result.key} if report.job.result else set()
            continue
        key = f"results/{UID}/{place}." + ("webp" if data == GOOD else "jpg.error.json")
        expected.add(key)
        current = folder.objects.buckets["inputs"][f"inbox/{UID}/{place}.jpg"].data
        if data == GOOD:
            assert folder.objects.result(key) == b"cut out of " + current
        else:
            assert json.loads(folder.objects.result(key))["status"] == 400
    assert set(folder.objects.results) == expected
    rows = folder.store.database.query(query(folder.store.core, f"U#{UID}", "DONE#", "DONE#~"))
    assert folder.charged(prepaid=100) == len(rows)
    jobs_done = {text(row, "sk") for row in rows if "job_" in text(row, "sk")}
    assert len(jobs_done) == sum(job is not None and data == GOOD for job, (_, data) in zip(jobs, files, strict=True))
