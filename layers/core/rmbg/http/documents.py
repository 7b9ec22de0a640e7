"""The JSON documents of the account function."""

from rmbg.domain.calendar import utc
from rmbg.domain.credits import ApiKey
from rmbg.domain.jobs import JobStatus
from rmbg.services.create_job import CreatedJob
from rmbg.services.report_job import JobReport
from rmbg.services.report_usage import Cycle, Usage


def usage_document(usage: Usage) -> dict[str, object]:
    document: dict[str, object] = {
        "membership": usage.membership,
        "credits": usage.credits,
        "prepaidCredits": usage.prepaid,
        "app_usage": usage.app,
        "api_usage": usage.api,
    }
    if usage.cycle is not None:
        document["billingCycle"] = _cycle(usage.cycle, usage.prepaid)
    return document


def cycles_document(cycles: list[Cycle]) -> dict[str, object]:
    return {
        "billingCycles": [
            {
                "periodStartUnix": cycle.start,
                "periodEndUnix": cycle.end,
                "appUsage": cycle.app,
                "apiUsage": cycle.api,
            }
            for cycle in cycles
        ]
    }


def _cycle(cycle: Cycle, prepaid: int) -> dict[str, object]:
    return {
        "periodStartUnix": cycle.start,
        "periodEndUnix": cycle.end,
        "appUsage": cycle.app,
        "apiUsage": cycle.api,
        "includedCredits": cycle.included,
        "prepaidCredits": prepaid,
        "usedIncludedCredits": cycle.app + cycle.api,
        "remainingIncludedCredits": cycle.remaining,
        "stripeBillingSynced": cycle.synced,
    }


def key_document(key: ApiKey) -> dict[str, object]:
    """A key as its owner sees it: never its text."""
    return {
        "key_id": key.id,
        "start": key.start,
        "created_at": _instant(key.created_at),
        "last_used_on": key.last_used_on or None,
    }


def created_job_document(created: CreatedJob, status_url: str) -> dict[str, object]:
    """A new job: where its file goes, until when, and where to ask for it."""
    return {
        "job_id": created.job.id,
        "status": created.job.status.value,
        "upload": {"url": created.form.url, "fields": dict(created.form.fields)},
        "expires_at": _instant(created.job.expires_at),
        "status_url": status_url,
    }


def job_document(report: JobReport) -> dict[str, object]:
    """A job: `result` if it is done, `error` if it failed."""
    job = report.job
    document: dict[str, object] = {"job_id": job.id, "status": job.status.value}
    if job.result is not None and report.link is not None:
        document["result"] = {
            "url": report.link.url,
            "content_type": job.result.media_type,
            "width": job.result.width,
            "height": job.result.height,
            "size_bytes": job.result.size_bytes,
            "expires_at": _instant(report.link.expires_at),
        }
    if job.status is JobStatus.FAILED and job.error is not None:
        document["error"] = dict(job.error)
    return document


def _instant(seconds: int) -> str:
    return f"{utc(seconds):%Y-%m-%dT%H:%M:%SZ}"
