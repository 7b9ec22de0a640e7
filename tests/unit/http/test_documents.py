"""The account function's JSON, key by key, as clients know it."""

import json
from dataclasses import replace

from rmbg.domain.credits import ApiKey, Channel
from rmbg.domain.jobs import Job, JobResult, JobStatus
from rmbg.http.documents import created_job_document, cycles_document, job_document, key_document, usage_document
from rmbg.services.create_job import CreatedJob
from rmbg.services.report_job import JobReport, ResultLink
from rmbg.services.report_usage import Cycle, Usage
from rmbg.storage.objects import PresignedPost

CYCLE = Cycle(start=10, end=20, app=3, api=4, included=50, remaining=43, synced=True)


def test_usage_has_the_contract_s_members_in_their_order() -> None:
    usage = Usage(membership="Premium-20000", credits=18500, prepaid=2000, app=8500, api=10000, cycle=None)
    assert json.dumps(usage_document(usage)) == (
        '{"membership": "Premium-20000", "credits": 18500, "prepaidCredits": 2000, '
        '"app_usage": 8500, "api_usage": 10000}'
    )


def test_the_billing_cycle_is_there_only_when_it_was_asked_for() -> None:
    document = usage_document(Usage(membership="Free", credits=50, prepaid=7, app=1, api=2, cycle=CYCLE))
    assert document["billingCycle"] == {
        "periodStartUnix": 10,
        "periodEndUnix": 20,
        "appUsage": 3,
        "apiUsage": 4,
        "includedCredits": 50,
        "prepaidCredits": 7,
        "usedIncludedCredits": 7,
        "remainingIncludedCredits": 43,
        "stripeBillingSynced": True,
    }


def test_the_list_tells_start_end_and_usage_alone() -> None:
    assert cycles_document([]) == {"billingCycles": []}
    entry = {"periodStartUnix": 10, "periodEndUnix": 20, "appUsage": 3, "apiUsage": 4}
    assert cycles_document([CYCLE, CYCLE]) == {"billingCycles": [entry, entry]}


def test_a_key_as_its_owner_sees_it() -> None:
    key = ApiKey("key_1", "rmbg_live_0aZ9", 1_700_000_000)
    assert key_document(key) == {
        "key_id": "key_1",
        "start": "rmbg_live_0aZ9",
        "created_at": "2023-11-14T22:13:20Z",
        "last_used_on": None,
    }
    assert key_document(ApiKey("key_1", "", 0, "2026-11-22"))["last_used_on"] == "2026-11-22"


JOB = Job(
    id="job_1",
    uid="u",
    status=JobStatus.WAITING,
    fields={},
    filename="a.jpg",
    channel=Channel.API,
    created_at=1_700_000_000,
    expires_at=1_700_000_900,
    ends_at=1_700_700_000,
)


def test_a_new_job_says_where_its_file_goes() -> None:
    form = PresignedPost("https://bucket", {"key": "k"})
    assert json.dumps(created_job_document(CreatedJob(JOB, form), "https://api/jobs/job_1")) == (
        '{"job_id": "job_1", "status": "waiting_for_upload", "upload": {"url": "https://bucket", '
        '"fields": {"key": "k"}}, "expires_at": "2023-11-14T22:28:20Z", "status_url": "https://api/jobs/job_1"}'
    )


def test_a_job_has_a_result_or_an_error_or_neither() -> None:
    done = replace(JOB, status=JobStatus.DONE, result=JobResult("key", "image/png", 4, 3, 77))
    error = {"error": "no", "status": 400}
    failed = replace(JOB, status=JobStatus.FAILED, error=error)
    assert job_document(JobReport(JOB, None)) == {"job_id": "job_1", "status": "waiting_for_upload"}
    assert job_document(JobReport(failed, None)) == {"job_id": "job_1", "status": "failed", "error": error}
    assert job_document(JobReport(done, ResultLink("https://link", 1_700_000_000))) == {
        "job_id": "job_1",
        "status": "done",
        "result": {
            "url": "https://link",
            "content_type": "image/png",
            "width": 4,
            "height": 3,
            "size_bytes": 77,
            "expires_at": "2023-11-14T22:13:20Z",
        },
    }
